"""What a declaration asks for and local development leaves out, in words, for it to say once at start."""

from collections.abc import Iterable, Iterator

from taxiway.declare import Backend, Operations, Stage, Table


def only_on_aws(backend: Backend, stage: Stage) -> tuple[str, ...]:
    """Each a few words with the names concerned; empty if everything that is declared runs locally."""
    return (
        *_of_api(backend),
        *_of_functions(backend),
        *(_of_table(backend.table) if backend.table else ()),
        *_of_secrets(backend),
        *(["the network"] if backend.network is not None else ()),
        *_of_operations(backend.operations, stage),
    )


def _of_api(backend: Backend) -> Iterator[str]:
    if backend.domain is not None:
        yield f"the domain {backend.domain.name}"
    if backend.cdn is not None:
        yield "the CDN" if backend.cdn.firewall is None else "the CDN and its firewall"
    yield from _named("the cache of", (route.key for route in backend.routes if route.cache is not None))


def _of_functions(backend: Backend) -> Iterator[str]:
    yield from _named("provisioned concurrency of", (each.name for each in backend.functions if each.provisioned))
    consumers = backend.table.consumers if backend.table else ()
    yield from _named("stream consumers:", (consumer.function.name for consumer in consumers))


def _of_table(table: Table) -> Iterator[str]:
    if table.capacity is not None:
        yield "the capacity of the table: no request is throttled"
    if table.encryption_key is not None:
        yield "the encryption key of the table"


def _of_secrets(backend: Backend) -> Iterator[str]:
    secrets = [secret for secret in backend.secrets if secret.id is not None]
    yield from _named("the rotation of", (str(secret.id) for secret in secrets if secret.rotation))
    yield from _named("the encryption key of", (str(secret.id) for secret in secrets if secret.encryption_key))


def _of_operations(operations: Operations, stage: Stage) -> Iterator[str]:
    if operations.has_alarms(stage):
        yield "alarms"
    yield from _named("e-mails of alarms to", operations.emails)
    if operations.dashboards:
        yield "dashboards"
    if operations.release is not None:
        yield f"the release {operations.release}"
    if operations.protected:
        yield "the protection of table and stack"
    if operations.log_days is not None:
        yield "log retention"


def _named(what: str, names: Iterable[str]) -> Iterator[str]:
    if listed := ", ".join(names):
        yield f"{what} {listed}"
