"""What a deployment uploads: the templates of a stage, the packages that they name, and the key of each file."""

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct

from taxiway.declare import Backend, Stage, names


class File(Struct, frozen=True):
    """A file of an assembly, and its key in the bucket, which is its stage and its digest."""

    path: Path
    key: str

    @property
    def is_template(self) -> bool:
        return self.path.suffix == ".json"


class Assembly(Struct, frozen=True):
    """The files of a stage, and where they are uploaded."""

    stack: str
    bucket: str
    prefix: str
    """What the keys of all its files begin with, and no other stage's."""
    template: File
    files: tuple[File, ...]
    """All that is uploaded: the template too."""
    tags: dict[str, str]
    service_role: str | None = None
    """The ARN of the role that CloudFormation works with; None if it uses the caller's permissions."""

    @property
    def has_nested(self) -> bool:
        return sum(file.is_template for file in self.files) > 1

    def templates(self) -> list[dict[str, Any]]:
        """The stack's template, and those of the stacks in it."""
        return [json.loads(file.path.read_text()) for file in self.files if file.is_template]


def template_key(backend: Backend, stage: Stage, text: str) -> str:
    return f"{names.path(backend, stage)}{sha256(text.encode()).hexdigest()}.json"


def package_key(backend: Backend, stage: Stage, digest: str) -> str:
    return f"{names.path(backend, stage)}{digest}.zip"


def export(assembly: Assembly, directory: Path) -> None:
    """Copy the packages beside the templates, and write `files.json`: the key of each file in the bucket.

    With these, a stage can be deployed without `taxiway deploy`.
    """
    keys: dict[str, str] = {}
    for file in assembly.files:
        name = file.path.name if file.is_template else file.key.removeprefix(assembly.prefix)
        if not file.is_template:
            shutil.copyfile(file.path, directory / name)
        keys[name] = file.key
    listed = {"bucket": assembly.bucket, "template": assembly.template.path.name, "files": keys}
    (directory / "files.json").write_text(json.dumps(listed, indent=1) + "\n")
