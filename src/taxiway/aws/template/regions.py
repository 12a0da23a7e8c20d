"""Whether what a declaration names is in a region and of an account where AWS can use it. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from taxiway.declare import Backend, DeclarationError, LambdaAuthorizer, Secret, Stage, names


class _Named(Struct, frozen=True):
    """Something that is named, and where else than beside the stage it may be."""

    what: str
    arn: str
    where: str
    of_any_region: bool = False
    of_any_account: bool = False


def check(backend: Backend, stage: Stage) -> None:
    """Raise DeclarationError, naming it, where something is in a region or of an account where AWS can't use it.

    What a CDN names is of us-east-1 wherever the stage is, which its declaration checks.
    """
    for named in _named(backend):
        partition, region, account = (named.arn.split(":")[at] for at in (1, 3, 4))
        if region != stage.region and not (named.of_any_region and partition == names.partition(stage.region)):
            raise DeclarationError(
                f"{named.what} is in {region}, and the stage {stage.name} is in {stage.region}: {named.arn}.",
                fix=f"name one of {stage.region}",
                where=named.where,
            )
        if account != stage.account and not named.of_any_account:
            raise DeclarationError(
                f"{named.what} is of the account {account}, and the stage {stage.name} is in {stage.account}, which "
                f"can't use it: {named.arn}.",
                fix=f"name one of {stage.account}",
                where=named.where,
            )
    for secret in backend.secrets:
        _check_shared(secret, stage)
    for zone in backend.network.named_zones if backend.network else ():
        if zone[:-1] != stage.region:
            raise DeclarationError(
                f"The network's zone {zone} is in {zone[:-1]}, and the stage {stage.name} is in {stage.region}.",
                fix=f"name zones of {stage.region}",
                where=backend.source,
            )


def in_reach(arn: str, stage: Stage) -> bool:
    """Whether the stack can let something call a function: in another region or account it can change none.

    https://github.com/serverless/serverless/issues/4711, https://github.com/serverless/serverless/issues/7296
    """
    return arn.split(":")[3:5] == [stage.region, stage.account]


def _check_shared(secret: Secret, stage: Stage) -> None:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html"""
    if secret.id is None or not secret.id.startswith("arn:"):
        return
    account = secret.id.split(":")[4]
    if account != stage.account and secret.encryption_key is None:
        raise DeclarationError(
            f"The secret {secret.id} is of the account {account}, whose own key for Secrets Manager lets nobody of "
            f"{stage.account} read it.",
            fix="encrypt it by a key of KMS that lets this account in, and name that: Secret(…, encryption_key=…)",
            where=secret.source,
        )


def _named(backend: Backend) -> Iterator[_Named]:
    yield from _of_edge(backend)
    for route in backend.routes:
        if isinstance(route.authorizer, LambdaAuthorizer):
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-lambda-authorizer-cross-account-lambda-authorizer.html
            yield _Named(f"The authorizer of {route.key}", route.authorizer.arn, route.source, True, True)
    table = backend.table
    if table is not None and table.encryption_key is not None:
        yield _Named("The table's encryption key", table.encryption_key, table.source, of_any_account=True)
    for secret in backend.secrets:
        if secret.id is not None and secret.id.startswith("arn:"):
            yield _Named("The secret", secret.id, secret.source, of_any_account=True)
        if secret.encryption_key is not None:
            # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
            what = f"The encryption key of the secret {secret.id}"
            yield _Named(what, secret.encryption_key, secret.source, of_any_account=True)
        if secret.rotation is not None:
            # https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
            what = f"The function that rotates the secret {secret.id}"
            yield _Named(what, secret.rotation.function, secret.source, of_any_account=True)


def _of_edge(backend: Backend) -> Iterator[_Named]:
    """https://github.com/amplify-education/serverless-domain-manager/issues/571, and for CloudFront
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
    """
    domain, cdn = backend.domain, backend.cdn
    if domain is not None:
        yield _Named(f"The certificate of {domain.name}", domain.certificate, backend.source)
    if cdn is None:
        return
    if cdn.domain is not None:
        yield _Named(f"The certificate of {cdn.domain.name}", cdn.domain.certificate, backend.source, True)
    if cdn.client_certificate is not None:
        yield _Named("The client certificate of the CDN", cdn.client_certificate.arn, backend.source, True)
    if cdn.firewall is not None and cdn.firewall.arn is not None:
        yield _Named("The firewall of the CDN", cdn.firewall.arn, backend.source, True)
