"""The client alone: pydynox's core without the package around it, whose import costs more than the core's."""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

package = ModuleType("pydynox")
found = find_spec("pydynox")
package.__path__ = list(found.submodule_search_locations)
sys.modules["pydynox"] = package

from pydynox import pydynox_core  # noqa: E402  after the package's own code has been kept from running

client = pydynox_core.DynamoDBClient(region="eu-west-1")
KEY = {"pk": "ITEM#01JV6Y0000", "sk": "ITEM"}
ROW: dict[str, Any] = {
    **KEY,
    "gsi1pk": "ITEM#CATEGORY#stationery",
    "gsi1sk": "2026-03-12T19:03:58.000000Z#01JV6Y0000",
    "entity": "Item",
    "id": "01JV6Y0000",
    "name": "Fountain pen",
    "category": "stationery",
    "tags": ["blue", "refillable"],
    "createdAt": "2026-03-12T19:03:58.000000Z",
    "updatedAt": "2026-03-12T19:03:58.000000Z",
    "version": 1,
}
NUMBERS = {"fields": frozenset(["price"]), "variants": {}}


def core_get():
    return client.sync_get_item("items", KEY, False, _number_schema=NUMBERS)[0]


def core_put():
    return client.sync_put_item("items", ROW)


def core_page():
    rows, *_ = client.sync_query_page(
        "items",
        "#p = :p",
        None,
        None,
        {"#p": "gsi1pk"},
        {":p": "ITEM#CATEGORY#stationery"},
        20,
        None,
        True,
        "gsi1",
        False,
        _number_schema=NUMBERS,
    )
    return rows
