from concurrent.futures import ThreadPoolExecutor
from typing import Any

from taxiway.testing import Server


def create(api: Server, **fields: Any) -> dict[str, Any]:
    answer = api.request("POST", "/items", json={"name": "Fountain pen", "category": "stationery", **fields})
    assert answer.status == 201, answer.body
    item: dict[str, Any] = answer.json()
    return item


def test_a_created_item_can_be_read_where_it_says_it_is(api: Server) -> None:
    answer = api.request("POST", "/items", json={"name": "Ink", "category": "stationery", "price": 4.2})
    assert answer.status == 201
    item = answer.json()
    assert answer.headers["location"] == f"/items/{item['id']}"
    assert api.get(answer.headers["location"]).json() == item
    assert (item["name"], item["category"], item["price"], item["version"]) == ("Ink", "stationery", 4.2, 1)


def test_a_price_keeps_every_digit(api: Server) -> None:
    body = b'{"name":"Ink","category":"stationery","price":1234567890123456789012345678901234.5678}'
    answer = api.request("POST", "/items", body=body, headers={"content-type": "application/json"})
    assert b'"price":1234567890123456789012345678901234.5678' in answer.body
    assert b'"price":1234567890123456789012345678901234.5678' in api.get(answer.headers["location"]).body


def test_an_item_that_is_not_there_is_a_problem(api: Server) -> None:
    answer = api.get("/items/none")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == "There is no item none."


def test_every_wrong_field_is_named(api: Server) -> None:
    answer = api.request("POST", "/items", json={"name": "", "colour": "red"})
    assert answer.status == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/name", "/category", "/colour"}


def test_items_of_a_category_come_newest_first_in_pages(api: Server) -> None:
    made = [create(api, name=f"Stamp {n}", category="stamps")["id"] for n in range(5)]
    seen: list[str] = []
    path = "/items?category=stamps&limit=2"
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"{path}&cursor={cursor}" if cursor else path).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page.get("cursor")
    assert seen == made[::-1]


def test_recent_items_are_those_since_a_date(api: Server) -> None:
    old = create(api, category="coins")
    new = create(api, category="coins")
    recent = api.get(f"/items?category=coins&since={new['createdAt']}").json()["items"]
    assert [item["id"] for item in recent] == [new["id"]]
    everything = api.get("/items?category=coins&since=2020-01-01T00:00:00Z").json()["items"]
    assert [item["id"] for item in everything] == [new["id"], old["id"]]


def test_a_cursor_is_good_for_its_own_question_only(api: Server) -> None:
    for _ in range(2):
        create(api, category="maps")
    cursor = api.get("/items?category=maps&limit=1").json()["cursor"]
    assert api.get(f"/items?category=maps&limit=1&cursor={cursor}").status == 200
    assert api.get(f"/items?category=coins&limit=1&cursor={cursor}").status == 400
    assert api.get("/items?category=maps&limit=1&cursor=forged").status == 400


def test_a_change_touches_what_it_names_and_moves_the_item_to_its_category(api: Server) -> None:
    item = create(api, category="drafts", price=3)
    changed = api.request("PATCH", f"/items/{item['id']}", json={"category": "prints"})
    assert changed.status == 200
    assert changed.json() == {**item, "category": "prints", "version": 2, "updatedAt": changed.json()["updatedAt"]}
    assert api.get("/items?category=drafts").json()["items"] == []
    assert api.get("/items?category=prints").json()["items"] == [changed.json()]


def test_a_description_is_kept_changed_and_removed(api: Server) -> None:
    item = create(api, description="Blue ink.")
    assert item["description"] == "Blue ink."
    path = f"/items/{item['id']}"
    assert api.request("PATCH", path, json={"description": "Red ink."}).json()["description"] == "Red ink."
    assert api.request("PATCH", path, json={"description": None}).json()["description"] is None
    assert api.get(path).json()["description"] is None


def test_a_price_of_null_is_removed(api: Server) -> None:
    item = create(api, price=3)
    assert api.request("PATCH", f"/items/{item['id']}", json={"price": None}).json()["price"] is None
    assert api.request("PATCH", "/items/none", json={"price": None}).status == 404


def test_a_deleted_item_is_gone(api: Server) -> None:
    item = create(api)
    assert api.request("DELETE", f"/items/{item['id']}").status == 204
    assert api.get(f"/items/{item['id']}").status == 404
    assert api.request("DELETE", f"/items/{item['id']}").status == 404


def test_an_item_that_the_client_has_is_not_sent_again(api: Server) -> None:
    path = f"/items/{create(api)['id']}"
    first = api.get(path)
    assert first.headers["etag"] == '"1"'
    again = api.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", '"1"')
    api.request("PATCH", path, json={"name": "Pencil"})
    assert api.get(path, headers={"if-none-match": first.headers["etag"]}).json()["name"] == "Pencil"


def test_a_change_can_be_made_to_the_version_that_was_read_alone(api: Server) -> None:
    path = f"/items/{create(api)['id']}"
    read = {"if-match": api.get(path).headers["etag"]}
    changed = api.request("PATCH", path, json={"name": "Pencil"}, headers=read)
    assert (changed.status, changed.headers["etag"]) == (200, '"2"')
    refused = api.request("PATCH", path, json={"name": "Crayon"}, headers=read)
    assert (refused.status, refused.json()["detail"]) == (412, "It has changed since it was read.")
    assert api.get(path).json()["name"] == "Pencil"
    assert api.request("PATCH", path, json={"name": "Crayon"}, headers={"if-match": "*"}).status == 200


def test_so_can_a_deletion(api: Server) -> None:
    path = f"/items/{create(api)['id']}"
    read = {"if-match": api.get(path).headers["etag"]}
    api.request("PATCH", path, json={"name": "Pencil"})
    assert api.request("DELETE", path, headers=read).status == 412
    assert api.get(path).status == 200
    assert api.request("DELETE", path, headers={"if-match": '"2"'}).status == 204
    assert api.request("DELETE", path, headers={"if-match": '"2"'}).status == 404


def test_a_request_that_is_sent_again_makes_no_second_item(api: Server) -> None:
    body = {"name": "Fountain pen", "category": "replayed"}
    key = {"idempotency-key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    first = api.request("POST", "/items", json=body, headers=key)
    again = api.request("POST", "/items", json=body, headers=key)
    assert first.status == again.status == 201
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.headers["location"], again.body) == (first.headers["location"], first.body)
    assert api.get("/items?category=replayed").json()["items"] == [first.json()]
    assert api.request("POST", "/items", json={**body, "name": "Ink"}, headers=key).status == 422


def test_of_requests_sent_at_once_with_one_key_one_makes_an_item(api: Server) -> None:
    body = {"name": "Fountain pen", "category": "hurried"}

    def post(turn: int) -> int:
        return api.request("POST", "/items", json=body, headers={"idempotency-key": f"hurried-{turn % 4}"}).status

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(post, range(16))) <= {201, 409}
    assert len(api.get("/items?category=hurried").json()["items"]) == 4


def test_a_browser_may_send_and_see_what_this_takes(api: Server) -> None:
    origin = {"origin": "https://example.com"}
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "idempotency-key,if-match"}
    preflight = api.request("OPTIONS", "/items", headers=origin | asked)
    assert {"idempotency-key", "if-match"} <= set(preflight.headers["access-control-allow-headers"].split(","))
    exposed = api.get("/health", headers=origin).headers["access-control-expose-headers"]
    assert {"etag", "idempotency-replayed"} <= set(exposed.split(","))
