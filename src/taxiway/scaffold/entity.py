"""The code of a new entity: its model, its data access, the route that creates it, and its tests."""

import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from taxiway.scaffold import naming
from taxiway.scaffold.addition import Addition
from taxiway.scaffold.backend_file import Declared
from taxiway.scaffold.errors import ScaffoldError
from taxiway.scaffold.fields import Field
from taxiway.scaffold.routes import create_handler


@dataclass(frozen=True)
class Names:
    """What an entity is called in each place."""

    entity: str
    one: str
    many: str

    @property
    def resource(self) -> str:
        """`/order-lines`"""
        return f"/{self.many.replace('_', '-')}"


def names_of(entity: str, plural: str | None) -> Names:
    """Raises ScaffoldError where a name is not one of a class, or of a module."""
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", entity):
        raise ScaffoldError(f"Invalid entity name {entity!r}.", fix="write it like Order or OrderLine")
    one = naming.snake(entity)
    many = plural or naming.plural(one)
    for word in (one, many):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", word) or keyword.iskeyword(word):
            raise ScaffoldError(f"A module cannot be called {word!r}.", fix="choose another name")
    if one == many:
        raise ScaffoldError(f"{one!r} is both the singular and the plural.", fix=f"name another: --plural {one}s")
    return Names(entity, one, many)


def addition(project: Path, names: Names, fields: list[Field]) -> Addition:
    """The files of a new entity, and the declaration of the route that creates it."""
    remembers = (project / "dal" / "requests.py").exists()
    handler = f"create_{names.one}"
    files = {
        f"models/{names.one}.py": _model(names, fields),
        **({} if (project / "dal" / "table.py").exists() else {"dal/table.py": _TABLE}),
        f"dal/{names.many}.py": _dal(names, fields),
        f"handlers/http/{handler}.py": create_handler(names.entity, names.one, names.many, names.resource, remembers),
        f"tests/test_{names.many}.py": _tests(names, fields),
    }
    uses = [f"allow.put({names.entity})", *(["allow.idempotency_records()"] if remembers else [])]
    declared = Declared(
        method="POST",
        path=names.resource,
        handler=handler,
        module=f"handlers.http.{handler}",
        uses=tuple(uses),
        entity=(f"models.{names.one}", names.entity),
    )
    return Addition(declared, files)


_TABLE = '''"""The table."""

from taxiway.data import TableClient

table = TableClient()
'''


def _model(names: Names, fields: list[Field]) -> str:
    words = naming.spoken(names.one)
    has_text = any(field.type == "str" for field in fields)
    decimal = ["from decimal import Decimal"] if any(field.type == "Decimal" for field in fields) else []
    annotated = ["from typing import Annotated"] if has_text else []
    text = ["Text = Annotated[str, Meta(min_length=1, max_length=200)]", ""] if has_text else []
    lines = [
        f'"""{_capital(naming.with_article(words))}, and the fields that a client may send."""',
        "",
        "from datetime import datetime",
        *decimal,
        *annotated,
        "",
        f"from msgspec import UNSET, {'Meta, ' if has_text else ''}Struct, UnsetType",
        "from taxiway.data import Entity, created, key, sortable_id, updated, version",
        "",
        *text,
        "",
        f"class {names.entity}(Entity):",
        "    id: str = sortable_id()",
        *_declared(fields),
        "    created_at: datetime = created()",
        "    updated_at: datetime = updated()",
        "    version: int = version()",
        "",
        f'    @key(pk="{names.one.upper()}#{{id}}", sk="{names.one.upper()}")',
        "    def by_id(self, id: str) -> None:",
        f'        """One {words}."""',
        "",
        "",
        f'class New{names.entity}(Struct, rename="camel", forbid_unknown_fields=True):',
        *_declared(fields),
        "",
        "",
        f'class {names.entity}Changes(Struct, rename="camel", forbid_unknown_fields=True):',
        '    """Omitted fields are unchanged."""',
        "",
        *(f"    {field.name}: {field.annotation} | UnsetType{_or_none(field)} = UNSET" for field in fields),
    ]
    return "\n".join([*lines, ""])


def _declared(fields: list[Field]) -> list[str]:
    return [f"    {field.name}: {field.annotation}{' | None = None' if field.optional else ''}" for field in fields]


def _or_none(field: Field) -> str:
    return " | None" if field.optional else ""


def _dal(names: Names, fields: list[Field]) -> str:
    entity, one = names.entity, names.one
    values = [f"{field.name}=new.{field.name}" for field in fields]
    ordered = sorted([entity, f"New{entity}", f"{entity}Changes"])
    return f'''"""Access to the {naming.spoken(names.many)} in the table."""

from dal.table import table
from models.{one} import {", ".join(ordered)}


def create(new: New{entity}) -> {entity}:
    return table.create({entity}({", ".join(values)}))


def get({one}_id: str) -> {entity} | None:
    return table.get({entity}.by_id({one}_id))


def update({one}_id: str, changes: {entity}Changes, *, expect_version: int | None = None) -> {entity}:
    return table.update({entity}.by_id({one}_id), changes, expect_version=expect_version)


def delete({one}_id: str, *, expect_version: int | None = None) -> {entity} | None:
    return table.delete({entity}.by_id({one}_id), expect_version=expect_version)
'''


def _tests(names: Names, fields: list[Field]) -> str:
    entity, one, many = names.entity, names.one, names.many
    article = naming.with_article(naming.spoken(one)).replace(" ", "_")
    required = [field for field in fields if not field.optional] or fields[:1]
    new = ", ".join(f'"{field.json_name}": {field.example}' for field in required)
    first = required[0]
    imports = ", ".join(sorted([f"New{entity}", f"{entity}Changes"]))
    return f'''import msgspec
from taxiway.data import TableClient
from taxiway.testing import Server

from dal import {many}
from models.{one} import {imports}

NEW = {{{new}}}


def test_{article}_is_created(api: Server) -> None:
    answer = api.request("POST", "{names.resource}", json=NEW)
    assert answer.status == 201
    assert answer.headers["location"] == f"{names.resource}/{{answer.json()['id']}}"
    assert answer.json() == {{**answer.json(), **NEW, "version": 1}}


def test_an_unknown_field_of_{article}_is_refused(api: Server) -> None:
    answer = api.request("POST", "{names.resource}", json={{**NEW, "unknown": 1}})
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (400, "/unknown")


def test_{article}_is_read_changed_and_deleted(table: TableClient) -> None:
    {one} = {many}.create(msgspec.convert(NEW, New{entity}))
    assert {many}.get({one}.id) == {one}
    changed = {many}.update({one}.id, {entity}Changes({first.name}={one}.{first.name}))
    assert (changed.{first.name}, changed.version) == ({one}.{first.name}, 2)
    assert {many}.delete({one}.id) == changed
    assert {many}.get({one}.id) is None
'''


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
