"""Renders the templates of a stage from its declaration."""

from collections.abc import Sequence
from pathlib import Path

from taxiway.aws.template import limits, regions
from taxiway.aws.template.assembly import Assembly, File, package_key, template_key
from taxiway.aws.template.code import Code
from taxiway.aws.template.stack import build
from taxiway.declare import Backend, DeclarationError, Stage, bootstrap, names


def synthesize(
    backend: Backend, stage: Stage, *, packages: Sequence[Code], directory: Path, at_once: bool = False
) -> Assembly:
    """Write the stage's templates into `directory`: `<stack>.template.json`, and one for each nested stack.

    With `at_once`, new code gets all requests at once, whatever the declaration says.
    Raises DeclarationError where something can't be had on AWS as it is declared.
    """
    if stage.local:
        raise DeclarationError(
            f"The stage {stage.name!r} was read for local development.",
            fix="read it with local=False: AWS_REGION and AWS_ACCOUNT are then required",
            where=stage.source,
        )
    regions.check(backend, stage)
    code = {package.function: package for package in packages}
    for function in backend.functions:
        if function.name not in code:
            raise DeclarationError(
                f"Function {function.name} has no package.",
                fix="build the packages of this declaration",
                where=function.source,
            )
    limits.check(backend, stage, code)
    directory.mkdir(parents=True, exist_ok=True)
    templates = tuple(
        _written(directory / f"{name}.template.json", text, backend, stage)
        for name, text in build(backend, stage, code, at_once=at_once).items()
    )
    archives = {package_key(backend, stage, each.digest): each.path for each in packages}
    return Assembly(
        stack=names.stack(backend, stage),
        bucket=names.asset_bucket(stage),
        prefix=names.path(backend, stage),
        template=templates[0],
        files=(*templates, *(File(path, key) for key, path in archives.items())),
        tags=names.tags(backend, stage),
        service_role=bootstrap.service_role(backend, stage),
    )


def _written(path: Path, text: str, backend: Backend, stage: Stage) -> File:
    path.write_text(text)
    return File(path, template_key(backend, stage, text))
