"""From the declaration to a cloud assembly on disk: the templates, and the packages that they name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taxiway.aws.packaging import node
from taxiway.aws.template import limits, regions
from taxiway.aws.template.code import Code
from taxiway.declare import Backend, DeclarationError, Stage, names

if TYPE_CHECKING:
    from aws_cdk import App


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
    for function in backend.functions:
        if function.name not in code:
            raise DeclarationError(
                f"Function {function.name} has no package.",
                fix="build the packages of this declaration",
                where=function.source,
            )
    limits.check(backend, stage, code)
    node.choose()
    from taxiway.aws.template.stack import build  # it imports the CDK, which takes seconds and starts Node

    return build(backend, stage, code, directory)
