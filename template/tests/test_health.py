from datetime import UTC, datetime, timedelta

from taxiway.testing import Server


def test_the_backend_answers(api: Server) -> None:
    answer = api.get("/health")
    health = answer.json()
    said = datetime.fromisoformat(health.pop("timestamp"))
    assert (answer.status, health) == (200, {"status": "ok", "table": "unchecked"})
    assert abs(datetime.now(UTC) - said) < timedelta(hours=1)


def test_a_deep_check_reads_the_table(api: Server) -> None:
    assert api.get("/health?deep=true").json()["table"] == "ok"
