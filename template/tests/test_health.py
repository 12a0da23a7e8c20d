from taxiway.testing import Server


def test_the_backend_answers(api: Server) -> None:
    answer = api.get("/health")
    assert (answer.status, answer.json()) == (200, {"status": "ok", "table": "unchecked"})


def test_a_deep_check_reads_the_table(api: Server) -> None:
    assert api.get("/health?deep=true").json() == {"status": "ok", "table": "ok"}
