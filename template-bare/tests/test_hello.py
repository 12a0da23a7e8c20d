from taxiway.testing import Server


def test_somebody_is_greeted_by_name(api: Server) -> None:
    answer = api.get("/hello/ada")
    assert (answer.status, answer.json()) == (200, {"hello": "ada"})
