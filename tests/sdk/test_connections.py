"""Connections: TLS and whom it trusts, what is reused and what isn't, time-outs, threads and forks."""

import os
import re
import ssl
import threading
import time
from contextlib import suppress

import pytest
from tests.sdk.server import Server, answer, make_certificate, raw

from taxiway.sdk import NoAnswer, NotConfigured, ServiceError, tls
from taxiway.sdk.amazon_roots import PEM
from taxiway.sdk.connections import LONGEST_IDLE, MOST_IDLE, Pool, TransportError
from taxiway.sdk.endpoints import parse_url

GET = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"


def pool_of(url, **settings):
    endpoint, _ = parse_url(url, "url")
    return Pool(endpoint, **{"connect_timeout": 2.0, "read_timeout": 2.0, **settings})


@pytest.fixture
def trusted(certificate, monkeypatch):
    """A TLS server's context, whose certificate AWS_CA_BUNDLE holds."""
    path, context = certificate
    monkeypatch.setenv("AWS_CA_BUNDLE", str(path))
    return context


def test_a_connection_serves_one_request_after_another():
    with Server() as server:
        pool = pool_of(server.url)
        for _ in range(3):
            pool.exchange(GET)

        assert [request.connection for request in server.requests] == [1, 1, 1]


def test_a_connection_that_was_ended_meanwhile_is_not_reused():
    with Server() as server:
        pool = pool_of(server.url)
        pool.exchange(GET)
        server.end_connections()
        pool.exchange(GET)

        assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize("later", [LONGEST_IDLE + 1, -10.0])
def test_a_connection_that_was_idle_for_long_or_before_the_clock_was_set_back_is_not_reused(monkeypatch, later):
    with Server() as server:
        pool = pool_of(server.url)
        pool.exchange(GET)
        now = time.time()
        monkeypatch.setattr("taxiway.sdk.connections.time.time", lambda: now + later)
        pool.exchange(GET)

        assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize(
    "step",
    [
        answer({}, connection="close"),
        raw(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n"),
    ],
    ids=["close", "HTTP/1.0", "more than was asked for"],
)
def test_a_connection_that_can_not_be_trusted_again_is_not_reused(step):
    with Server(step) as server:
        pool = pool_of(server.url)
        pool.exchange(GET)
        pool.exchange(GET)

        assert [request.connection for request in server.requests] == [1, 2]


def test_few_connections_are_kept():
    together = threading.Barrier(MOST_IDLE + 4)

    def step(made):
        together.wait()
        return raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")(made)

    with Server() as server:
        server.default = step
        pool = pool_of(server.url)
        threads = [threading.Thread(target=pool.exchange, args=(GET,)) for _ in range(MOST_IDLE + 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.default = answer({})
        for _ in range(3):
            pool.exchange(GET)

        assert server.connections == MOST_IDLE + 4
        assert len(pool._idle) == MOST_IDLE  # noqa: SLF001  what is kept is what is asked about


def test_a_thread_reuses_the_connection_of_another(trusted):
    with Server(context=trusted) as server:
        pool = pool_of(server.url)
        for _ in range(3):
            thread = threading.Thread(target=pool.exchange, args=(GET,))
            thread.start()
            thread.join()

        assert server.connections == 1


def test_tls_speaks_to_whom_the_bundle_trusts(trusted):
    with Server(context=trusted) as server:
        assert pool_of(server.url).exchange(GET).body == b"{}"


def test_a_large_body_goes_both_ways(trusted):
    large = os.urandom(3_000_000)
    head = f"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {len(large)}\r\n\r\n".encode()
    with Server(answer(large), context=trusted) as server:
        assert pool_of(server.url).exchange(head + large).body == large
        assert server.requests[0].body == large


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate):
    with Server(context=certificate[1]) as server:
        pool = pool_of(server.url)
        with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED") as raised:
            pool.exchange(GET)

    assert not raised.value.sent
    assert server.requests == []


def test_a_certificate_of_another_host_is_refused(tmp_path, monkeypatch):
    path, context = make_certificate(tmp_path, "example.org")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(path))
    with Server(context=context) as server, pytest.raises(TransportError, match="Hostname mismatch"):
        pool_of(server.url).exchange(GET)


@pytest.mark.usefixtures("trusted")
def test_tls_1_1_is_refused(certificate):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(certificate[0], certificate[0].with_name("key.pem"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with Server(context=old) as server, pytest.raises(TransportError, match=r"(?i)protocol.version"):
        pool_of(server.url).exchange(GET)


def test_the_systems_certificates_come_after_amazons(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    loaded = []
    system_context = tls.system_context
    monkeypatch.setattr(tls, "system_context", lambda: loaded.append(1) or system_context())
    with Server(answer({}, connection="close"), context=certificate[1]) as server:
        pool = pool_of(server.url)
        pool.exchange(GET)
        pool.exchange(GET)

    assert loaded == [1]  # once: what verified is kept


def test_the_systems_certificates_do_not_count_where_a_bundle_is_named(certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    (tmp_path / "amazon.pem").write_text(PEM)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "amazon.pem"))
    with Server(context=certificate[1]) as server, pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"):
        pool_of(server.url).exchange(GET)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_bundle_that_can_not_be_read_is_told(client_of, tmp_path, monkeypatch, content):
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with Server() as server, pytest.raises(NotConfigured, match="Cannot read the certificates of AWS_CA_BUNDLE"):
        client_of(server.url.replace("http", "https")).call("GetItem", b"{}")


def test_amazons_roots_are_the_five_that_aws_names():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=PEM)
    names = {dict(pair[0] for pair in each["subject"])["commonName"] for each in context.get_ca_certs()}

    assert names == {
        *(f"Amazon Root CA {number}" for number in (1, 2, 3, 4)),
        "Starfield Services Root Certificate Authority - G2",
    }


def test_amazons_roots_are_those_of_the_system():
    """As far as this system has a bundle: a root that was changed by a letter would be in none."""
    system = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    system.load_default_certs()
    known = {ssl.DER_cert_to_PEM_cert(each) for each in system.get_ca_certs(binary_form=True)}
    if not known:
        pytest.skip("this system has no bundle")
    ours = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", PEM, re.DOTALL)
    assert set(ours) <= known


def test_a_name_that_can_not_be_looked_up_is_no_connection(client_of):
    with pytest.raises(NoAnswer, match="cannot connect to") as raised:
        client_of(f"http://{'a' * 70}.invalid", max_attempts=1).call("GetItem", b"{}")

    assert not raised.value.may_have_run


def test_a_handshake_that_takes_too_long_was_not_carried_out(client_of):
    with Server() as server:  # it waits for a request in plain text
        client = client_of(server.url.replace("http", "https"), connect_timeout=0.1, max_attempts=1)
        with pytest.raises(NoAnswer, match=r"cannot connect to .*: timed out") as raised:
            client.call("PutItem", b"{}")

    assert not raised.value.may_have_run


def test_ipv6():
    with Server(host="::1") as server:
        assert pool_of(server.url).exchange(GET).status == 200
        assert "[::1]" in server.url


def test_the_next_address_of_a_host_is_tried(monkeypatch):
    import socket

    with Server() as server, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        lookup = socket.getaddrinfo

        def two(name, port, **more):
            (found,) = lookup(name, port, **more)
            return [(*found[:4], taken.getsockname()), found]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        assert pool_of(server.url).exchange(GET).status == 200


def test_a_client_that_nobody_holds_is_freed_with_its_sockets(client_of):
    import gc
    import weakref

    with Server() as server:
        server.default = answer({"__type": "x#ValidationException"}, 400)
        client = client_of(server.url)
        gone = weakref.ref(client)
        gc.disable()
        try:
            with suppress(ServiceError):
                client.call("GetItem", b"{}")
            del client
            assert gone() is None
        finally:
            gc.enable()


FORKING = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # the server has threads


@FORKING
@pytest.mark.parametrize("secure", [False, True])
def test_a_child_process_has_connections_of_its_own(client_of, trusted, secure):
    with Server(context=trusted if secure else None) as server:
        server.default = answer({})
        client = client_of(server.url)
        client.call("GetItem", b"{}")
        child = os.fork()
        if not child:
            status = 1
            try:
                client.call("GetItem", b"{}")
                client.call("GetItem", b"{}")
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        client.call("GetItem", b"{}")

        assert status == 0
        assert [request.connection for request in server.requests] == [1, 2, 2, 1]


@FORKING
def test_a_child_process_is_not_stuck_on_a_lock_of_its_parents(client_of):
    with Server() as server:
        server.default = answer({"__type": "x#ThrottlingException"}, 400, x_amz_retry_after="0")
        client = client_of(server.url, max_attempts=2)
        with pytest.raises(ServiceError):
            client.call("GetItem", b"{}")
        locked, free = threading.Event(), threading.Event()

        def hold():
            with client._line.bucket._lock:  # noqa: SLF001  a thread that is just paying for a retry
                locked.set()
                free.wait()

        holder = threading.Thread(target=hold)
        holder.start()
        locked.wait()
        child = os.fork()
        if not child:
            try:
                client.call("GetItem", b"{}", timeout=5)
            except Exception:
                os._exit(0)
            os._exit(1)
        for _ in range(500):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            time.sleep(0.01)
        else:
            os.kill(child, 9)
            os.waitpid(child, 0)
        free.set()
        holder.join()

        assert ended
        assert status == 0
