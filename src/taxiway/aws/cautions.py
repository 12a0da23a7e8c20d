"""What is declared and does less on AWS than it seems to, or needs a quota raised, for who deploys to read. Pure."""

from collections.abc import Iterator

from taxiway.aws import names
from taxiway.declare import Backend

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
_ROUTES = 300
_AUTHORIZERS = 10
# Of 1,000 environments at once, 100 are for functions that reserve none:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
_RESERVED = 900


def cautions(backend: Backend) -> Iterator[str]:
    """Each says what it is, and what to do."""
    yield from _of_the_firewall(backend)
    reserved = sum(function.concurrency or 0 for function in names.functions(backend))
    for count, of, most in (
        (len(backend.api.routes), "routes of one API", _ROUTES),
        (len(backend.api.authorizers), "authorizers of one API", _AUTHORIZERS),
        (reserved, "environments reserved for functions", _RESERVED),
    ):
        if count > most:
            yield (
                f"The backend has {count} {of}, and an account by itself {most}. "
                "Have the quota raised before it is deployed."
            )


def _of_the_firewall(backend: Backend) -> Iterator[str]:
    cdn, domain = backend.api.cdn, backend.api.domain
    if cdn is not None and cdn.firewall is not None and cdn.client_certificate is None:
        address = domain.name if domain and not backend.api.default_endpoint else "the API's own address"
        remedy = "Cdn(client_certificate=…)" if domain else "Cdn(client_certificate=…) and a domain for the API"
        yield f"Whoever calls {address} goes past the CDN and its firewall. Where nobody is to, declare {remedy}."
