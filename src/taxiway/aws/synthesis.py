"""From the declaration to a cloud assembly on disk: the templates, and the packages that they name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from taxiway.aws import limits, names, node, regions
from taxiway.declare import Backend, DeclarationError, Stage

if TYPE_CHECKING:
    from aws_cdk import App


class Code(Protocol):
    """What a template says of a function's code (`taxiway.aws.packages.Package` has more)."""

    @property
    def function(self) -> str: ...
    @property
    def path(self) -> Path:
        """The ZIP."""
        ...

    @property
    def digest(self) -> str:
        """Changes if and only if what is in the ZIP does."""
        ...

    @property
    def handler(self) -> str: ...
    @property
    def variables(self) -> dict[str, str]: ...


def synthesize(backend: Backend, stage: Stage, *, packages: Sequence[Code], directory: Path) -> Path:
    """Write the stage's cloud assembly into `directory`, and return the path of its template.

    The assembly is the CDK's: `manifest.json`, `<stack>.template.json`, the nested templates, `<stack>.assets.json`
    with what is to be uploaded to `names.asset_bucket(stage)` first. Takes 5 to 20 seconds, most of it to start Node.
    Raises DeclarationError where something can't be had on AWS as it is declared, and AwsError where there is no Node
    that the CDK can run on.
    """
    app(backend, stage, packages=packages, directory=directory).synth()
    return directory / f"{names.stack(backend, stage)}.template.json"


def app(backend: Backend, stage: Stage, *, packages: Sequence[Code], directory: Path) -> "App":
    """The CDK app of a stage, not yet synthesized: for those who add checks or resources of their own.

    Raises DeclarationError as `synthesize` does, and AwsError where there is no Node that the CDK can run on.
    """
    if stage.local:
        raise DeclarationError(
            f"The stage {stage.name!r} was read for the laptop.",
            fix="read it with local=False: AWS_REGION and AWS_ACCOUNT are then required",
            where=stage.source,
        )
    regions.check(backend, stage)
    code = {package.function: package for package in packages}
    for function in names.functions(backend):
        if function.name not in code:
            raise DeclarationError(
                f"Function {function.name} has no package.",
                fix="build the packages of this declaration",
                where=function.source,
            )
    limits.check(backend, stage, code)
    node.choose()
    from taxiway.aws.stack import build  # it imports the CDK, which takes seconds and starts Node

    return build(backend, stage, code, directory)
