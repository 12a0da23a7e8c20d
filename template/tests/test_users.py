from taxiway.testing import Server


def test_a_user_is_found_by_id_and_by_e_mail_in_any_case(api: Server) -> None:
    answer = api.request("POST", "/users", json={"email": "Ada@Example.com", "name": "Ada"})
    assert answer.status == 201
    user = answer.json()
    assert user["email"] == "Ada@Example.com"
    assert api.get(answer.headers["location"]).json() == user
    assert api.get("/users?email=ADA%40example.com").json()["items"] == [user]


def test_a_role_is_not_the_clients_to_set(api: Server) -> None:
    made = api.request("POST", "/users", json={"email": "margaret@example.com", "name": "Margaret"}).json()
    assert made["role"] == "user"
    claimed = {"email": "mallory@example.com", "name": "Mallory", "role": "admin"}
    answer = api.request("POST", "/users", json=claimed)
    assert answer.status == 400
    assert answer.json()["errors"] == [{"pointer": "/role", "detail": "Unknown field", "in": "body"}]


def test_an_unknown_user_is_a_problem_and_an_unknown_e_mail_an_empty_page(api: Server) -> None:
    assert api.get("/users/none").status == 404
    assert api.get("/users?email=nobody@example.com").json()["items"] == []


def test_an_e_mail_that_is_none_is_refused(api: Server) -> None:
    assert api.request("POST", "/users", json={"email": "ada", "name": "Ada"}).status == 400
    assert api.get("/users").status == 400


def test_a_user_is_registered_once_however_often_the_request_comes(api: Server) -> None:
    body = {"email": "grace@example.com", "name": "Grace"}
    key = {"idempotency-key": "register-grace"}
    first, again = (api.request("POST", "/users", json=body, headers=key) for _ in range(2))
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert api.get("/users?email=grace@example.com").json()["items"] == [first.json()]


def test_an_e_mail_is_one_users_alone_in_any_case(api: Server) -> None:
    assert api.request("POST", "/users", json={"email": "hedy@example.com", "name": "Hedy"}).status == 201
    answer = api.request("POST", "/users", json={"email": "HEDY@example.com", "name": "Another"})
    assert (answer.status, answer.json()["detail"]) == (409, "email: it is taken.")
