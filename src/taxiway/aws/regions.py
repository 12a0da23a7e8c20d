"""Whether what a declaration names by its ARN is in the region where AWS looks for it. Pure."""

from collections.abc import Iterator

from taxiway.declare import Backend, DeclarationError, LambdaAuthorizer, Stage


def check(backend: Backend, stage: Stage) -> None:
    """Raise DeclarationError, naming it, where something is in another region than the stage.

    The certificate of a CDN is in us-east-1 wherever the stage is, which its declaration checks.
    """
    for what, arn, where in _named(backend):
        region = arn.split(":")[3]
        if region != stage.region:
            raise DeclarationError(
                f"{what} is in {region}, and the stage {stage.name} is in {stage.region}: {arn}.",
                fix=f"name one of {stage.region}",
                where=where,
            )


def _named(backend: Backend) -> Iterator[tuple[str, str, str]]:
    """What is named, its ARN, and where it was declared."""
    domain = backend.api.domain
    if domain is not None:
        yield f"The certificate of {domain.name}", domain.certificate, backend.source
    for route in backend.api.routes:
        if isinstance(route.authorizer, LambdaAuthorizer):
            yield f"The authorizer of {route.key}", route.authorizer.arn, route.source
    table = backend.table
    if table is not None and table.encryption_key is not None:
        yield "The table's encryption key", table.encryption_key, table.source
    for secret in backend.secrets:
        if secret.encryption_key is not None:
            yield f"The encryption key of the secret {secret.id}", secret.encryption_key, secret.source
        if secret.rotation is not None:
            yield f"The function that rotates the secret {secret.id}", secret.rotation.function, secret.source
