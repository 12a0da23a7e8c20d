"""Secrets on AWS: those that the stage's stack makes. One that exists is only read."""

from taxiway.aws.template import regions
from taxiway.aws.template.cloudformation_types import awslambda, secretsmanager
from taxiway.aws.template.stack_template import Resource, Scope
from taxiway.declare import Backend, Rotation, Secret, Stage

_LENGTH = 64


def add_secret(scope: Scope, secret: Secret, backend: Backend, stage: Stage) -> None:
    """The secret with a generated value, under its id; nothing for one that exists elsewhere."""
    if secret.id is None or secret.generate is None:
        return
    own = scope.within("Secrets", secret.id)
    made = own.add(
        secretsmanager.Secret,
        "Secret",
        kept=backend.operations.is_protected(stage),
        Name=secret.id,
        Description=f"Read by functions of {backend.name}-{stage.name}",
        KmsKeyId=secret.encryption_key,
        GenerateSecretString={
            "SecretStringTemplate": "{}",
            "GenerateStringKey": secret.generate,
            "PasswordLength": _LENGTH,
            "ExcludePunctuation": True,
        },
    )
    if secret.rotation is not None:
        _rotate(own, made, secret.rotation, stage)


def _rotate(scope: Scope, secret: Resource, rotation: Rotation, stage: Stage) -> None:
    permission: list[Resource] = []
    if regions.in_reach(rotation.function, stage):
        permission.append(
            scope.add(
                awslambda.Permission,
                "Permission",
                Action="lambda:InvokeFunction",
                FunctionName=rotation.function,
                Principal="secretsmanager.amazonaws.com",
                SourceArn=secret.ref(),
            )
        )
    scope.add(
        secretsmanager.RotationSchedule,
        "Rotation",
        after=permission,
        SecretId=secret.ref(),
        RotationLambdaARN=rotation.function,
        RotationRules={"AutomaticallyAfterDays": rotation.days},
    )
