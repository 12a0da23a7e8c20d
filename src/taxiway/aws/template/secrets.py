"""Secrets on AWS: those that the stage's stack makes. One that exists is only read."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from taxiway.aws.template import regions
from taxiway.aws.template.construct_ids import construct_id
from taxiway.aws.template.nag_suppressions import acknowledge
from taxiway.declare import Backend, Secret, Stage

_LENGTH = 64


def add_secret(scope: Construct, secret: Secret, backend: Backend, stage: Stage) -> secretsmanager.CfnSecret | None:
    """The secret with a generated value, under its id; None for one that exists elsewhere."""
    if secret.id is None or secret.generate is None:
        return None
    own = Construct(scope, construct_id(secret.id))
    made = secretsmanager.CfnSecret(
        own,
        "Secret",
        name=secret.id,
        description=f"Read by functions of {backend.name}-{stage.name}",
        kms_key_id=secret.encryption_key,
        generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
            secret_string_template="{}",  # noqa: S106  an empty object, which the generated value is put into
            generate_string_key=secret.generate,
            password_length=_LENGTH,
            exclude_punctuation=True,
        ),
    )
    protected = backend.operations.is_protected(stage)
    made.apply_removal_policy(RemovalPolicy.RETAIN if protected else RemovalPolicy.DESTROY)
    if secret.rotation is None:
        acknowledge(made, "Its holder rotates it by hand: the declaration names no Rotation.", "AwsSolutions-SMG4")
        return made
    schedule = secretsmanager.CfnRotationSchedule(
        own,
        "Rotation",
        secret_id=made.ref,
        rotation_lambda_arn=secret.rotation.function,
        rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
            automatically_after_days=secret.rotation.days
        ),
    )
    if regions.in_reach(secret.rotation.function, stage):
        permission = lambda_.CfnPermission(
            own,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=secret.rotation.function,
            principal="secretsmanager.amazonaws.com",
            source_arn=made.ref,
        )
        schedule.add_resource_dependency(permission)
    return made
