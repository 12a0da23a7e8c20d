"""What is declared and does less on AWS than it seems to, for those who deploy it to read. Pure."""

from collections.abc import Iterator

from taxiway.declare import Backend


def cautions(backend: Backend) -> Iterator[str]:
    """Each says what it is, and what to do."""
    cdn, domain = backend.api.cdn, backend.api.domain
    if cdn is not None and cdn.firewall is not None and cdn.client_certificate is None:
        address = domain.name if domain else "the API's own address"
        remedy = "Cdn(client_certificate=…)" if domain else "Cdn(client_certificate=…) and a domain for the API"
        yield f"Whoever calls {address} goes past the CDN and its firewall. Where nobody is to, declare {remedy}."
