"""What of a declaration runs locally, and what is only on AWS."""

from taxiway import Backend, Cdn, Domain, Function, HttpApi, Network, Stage, StreamConsumer, Table
from taxiway.local.manifest import to_manifest

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
STAGE = Stage(name="dev", local=True)


def answer(event: object, context: object) -> None: ...


def test_it_names_what_is_only_on_aws() -> None:
    api = HttpApi(cdn=Cdn(), domain=Domain(name="example.com", certificate=CERTIFICATE))
    api.get("/a", answer, cache=60)
    consumer = StreamConsumer(answer, Function(name="changes"))
    backend = Backend("shop", api=api, table=Table(consumers=[consumer]), network=Network())

    assert to_manifest(backend, STAGE).only_on_aws == (
        "the domain",
        "the CDN",
        "the cache of GET /a",
        "the stream consumers (changes)",
        "the network",
    )
    assert to_manifest(Backend("shop", api=HttpApi()), STAGE).only_on_aws == ()


def test_a_backend_of_workers_alone_has_no_routes() -> None:
    consumer = StreamConsumer(answer, Function(name="changes"))

    manifest = to_manifest(Backend("shop", table=Table(consumers=[consumer])), STAGE)

    assert (manifest.routes, manifest.functions, manifest.cors) == ((), (), None)
    assert manifest.table is not None
