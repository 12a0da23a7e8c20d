"""The code of handlers: for the resource of an entity what the template does, else one to start from."""

from taxiway.scaffold import naming


def create_handler(entity: str, one: str, many: str, resource: str, remembers: bool) -> str:
    """POST of a new item; `remembers` its answers, by Idempotency-Key."""
    article = naming.with_article(naming.spoken(one))
    idempotency = "from dal.requests import idempotency\n" if remembers else ""
    decorator = "@handler(idempotency=idempotency)" if remembers else "@handler"
    return f'''"""POST {resource}"""

from taxiway.http import Created, handler

from dal import {many}
{idempotency}from models.{one} import {", ".join(sorted([entity, f"New{entity}"]))}


{decorator}
def create_{one}(body: New{entity}) -> Created[{entity}]:
    """Create {article}."""
    {one} = {many}.create(body)
    return Created({one}, location=f"{resource}/{{{one}.id}}")
'''


def get_handler(entity: str, one: str, many: str, resource: str, parameter: str) -> str:
    words = naming.spoken(one)
    return f'''"""GET {resource}/{{{parameter}}}"""

from taxiway.http import NotFound, Path, handler

from dal import {many}
from models.{one} import {entity}


@handler
def get_{one}({parameter}: Path[str]) -> {entity}:
    """Read {naming.with_article(words)}."""
    {one} = {many}.get({parameter})
    if {one} is None:
        raise NotFound(f"There is no {words} {{{parameter}}}.")
    return {one}
'''


def update_handler(entity: str, one: str, many: str, resource: str, parameter: str) -> str:
    words = naming.spoken(one)
    return f'''"""PATCH {resource}/{{{parameter}}}"""

from taxiway.http import IfMatch, Path, handler

from dal import {many}
from models.{one} import {", ".join(sorted([entity, f"{entity}Changes"]))}


@handler
def update_{one}({parameter}: Path[str], body: {entity}Changes, if_match: IfMatch = None) -> {entity}:
    """Change the fields in the body; with If-Match, only if the {words} has the version that the client has read."""
    return {many}.update({parameter}, body, expect_version=if_match)
'''


def delete_handler(one: str, many: str, resource: str, parameter: str) -> str:
    words = naming.spoken(one)
    return f'''"""DELETE {resource}/{{{parameter}}}"""

from taxiway.http import IfMatch, NoContent, NotFound, Path, handler

from dal import {many}


@handler
def delete_{one}({parameter}: Path[str], if_match: IfMatch = None) -> NoContent:
    """Delete {naming.with_article(words)}; with If-Match, only if it has the version that the client has read."""
    if {many}.delete({parameter}, expect_version=if_match) is None:
        raise NotFound(f"There is no {words} {{{parameter}}}.")
    return NoContent()
'''


def plain_handler(method: str, path: str, handler: str, parameters: list[str]) -> str:
    """A handler that answers with what it is sent, until somebody writes what it is for."""
    has_body = method in ("POST", "PUT", "PATCH")
    result, body = f"{naming.pascal(handler)}Result", f"{naming.pascal(handler)}Body"
    names = ["Path", "handler"] if parameters else ["handler"]
    strict = 'Struct, rename="camel", forbid_unknown_fields=True'
    body_class = f"class {body}({strict}):\n    text: str\n\n\n" if has_body else ""
    fields = [*(f"{name}: str" for name in parameters), *(["text: str"] if has_body else [])] or ["status: str"]
    arguments = [*(f"{name}: Path[str]" for name in parameters), *([f"body: {body}"] if has_body else [])]
    values = [*(f"{name}={name}" for name in parameters), *(["text=body.text"] if has_body else [])] or ['status="ok"']
    shown = "".join(f"    {field}\n" for field in fields)
    return f'''"""{method} {path}"""

from msgspec import Struct
from taxiway.http import {", ".join(names)}


{body_class}class {result}(Struct, rename="camel"):
{shown}

@handler
def {handler}({", ".join(arguments)}) -> {result}:
    """Answer with what was sent: replace this by what the route is for."""
    return {result}({", ".join(values)})
'''


def test_of_plain_handler(method: str, path: str, handler: str, parameters: list[str]) -> str:
    has_body = method in ("POST", "PUT", "PATCH")
    pairs = ", ".join(f'"{name}": "{name}"' for name in parameters)
    given = f", path={{{pairs}}}" if pairs else ""
    sent = ', json={"text": "Hello"}' if has_body else ""
    expected = [*(f'"{_camel(name)}": "{name}"' for name in parameters), *(['"text": "Hello"'] if has_body else [])]
    return f'''from taxiway.testing import call, request

from handlers.http.{handler} import {handler}


def test_{handler}_answers_with_what_was_sent() -> None:
    event = request("{method}", "{path}"{given}{sent})
    answer = call({handler}, event)
    assert (answer.status, answer.json()) == (200, {{{", ".join(expected or ['"status": "ok"'])}}})
'''


def test_of_entity_handler(method: str, resource: str, one: str, new: str | None) -> str:
    """The test of a route of an entity; `new` is the body of a POST that creates one, in Python."""
    article = naming.with_article(naming.spoken(one)).replace(" ", "_")
    sent = ", json={}" if method == "PATCH" else ""
    verb = {"GET": "read", "PATCH": "changed", "DELETE": "deleted"}[method]
    lines = [
        "from taxiway.testing import Server",
        "",
        "",
        f"def test_{article}_that_does_not_exist_is_not_{verb}(api: Server) -> None:",
        f'    assert api.request("{method}", "{resource}/none"{sent}).status == 404',
        "",
    ]
    if new is not None:
        result = {
            "GET": "(answer.status, answer.json()) == (200, made)",
            "PATCH": '(answer.status, answer.json()["version"]) == (200, made["version"] + 1)',
            "DELETE": "answer.status == 204",
        }[method]
        sent = f", json={new}" if method == "PATCH" else ""
        lines += [
            "",
            f"def test_{article}_is_{verb}(api: Server) -> None:",
            f'    made = api.request("POST", "{resource}", json={new}).json()',
            f'''    answer = api.request("{method}", f"{resource}/{{made['id']}}"{sent})''',
            f"    assert {result}",
            "",
        ]
    return "\n".join(lines)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
