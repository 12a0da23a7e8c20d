"""What is declared and does less on AWS than it seems to, or needs a quota raised, for who deploys to read. Pure."""

from collections.abc import Iterator

from taxiway.aws.template import quotas, regions
from taxiway.declare import Backend, LambdaAuthorizer, Stage


def cautions(backend: Backend, stage: Stage) -> Iterator[str]:
    """Each says what it is, and what to do."""
    yield from _of_the_firewall(backend)
    yield from _of_what_is_called_elsewhere(backend, stage)
    reserved = sum(function.concurrency or 0 for function in backend.functions)
    for count, of, most in (
        (len(backend.routes), "routes of one API", quotas.ROUTES),
        (len(backend.api.authorizers) if backend.api else 0, "authorizers of one API", quotas.AUTHORIZERS),
        (reserved, "environments reserved for functions", quotas.RESERVED),
    ):
        if count > most:
            yield (
                f"The backend has {count} {of}, and an account by itself {most}. "
                "Have the quota raised before it is deployed."
            )


def _of_what_is_called_elsewhere(backend: Backend, stage: Stage) -> Iterator[str]:
    """The functions of another region or account, on which the stack can give no permission."""
    asked = {each.arn for route in backend.routes if isinstance(each := route.authorizer, LambdaAuthorizer)}
    rotating = {secret.rotation.function for secret in backend.secrets if secret.rotation is not None}
    for arns, caller, otherwise in (
        (asked, "apigateway", "every request that it is asked about is answered with 500"),
        (rotating, "secretsmanager", "the deployment fails"),
    ):
        for arn in sorted(arns):
            if not regions.in_reach(arn, stage):
                yield (
                    f"{arn} is not in the stage's region and account: let {caller}.amazonaws.com call it "
                    f"(`aws lambda add-permission`), or {otherwise}."
                )


def _of_the_firewall(backend: Backend) -> Iterator[str]:
    cdn, domain = backend.cdn, backend.domain
    if cdn is not None and cdn.firewall is not None and cdn.client_certificate is None:
        address = (
            domain.name if domain and backend.api and not backend.api.has_default_endpoint else "the API's own address"
        )
        remedy = "Cdn(client_certificate=…)" if domain else "Cdn(client_certificate=…) and a domain for the API"
        yield f"Whoever calls {address} goes past the CDN and its firewall. Where nobody is to, declare {remedy}."
