"""Loads pydynox's Rust core without the package around it: 2 to 14 ms where the package costs 60 to 90.

The package's `__init__` imports asyncio and importlib.metadata for models that are not used here. The core is one
extension module beside it, and the version is pinned, so it is found as a file and loaded under its own name.
"""

import os
import sys
from collections.abc import Mapping
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, PathFinder
from typing import Any, Protocol, TypeAlias, TypedDict

VERSION = "1.8.0"

Attributes: TypeAlias = dict[str, Any]


class NumberSchema(TypedDict):
    """Which top-level attributes are read as exact Decimals; every other fraction is read as a float."""

    fields: frozenset[str]
    variants: Mapping[str, Mapping[str, frozenset[str]]]


class Metrics(Protocol):
    """What the core tells of a call."""

    duration_ms: float
    consumed_rcu: float | None
    consumed_wcu: float | None
    request_id: str | None
    items_count: int | None
    scanned_count: int | None


class Core(Protocol):
    """The blocking calls of the core's client, as it really has them (the .pyi beside it lacks the return values).

    They release the GIL, retry what the SDK's standard mode retries, and raise subclasses of PydynoxException.
    Index keys of `sync_create_table` are called `hash_key` and `range_key`.
    """

    def get_region(self) -> str: ...
    def sync_table_exists(self, table_name: str) -> bool: ...
    def sync_create_table(
        self,
        table_name: str,
        hash_key: tuple[str, str],
        range_key: tuple[str, str] | None = None,
        *,
        global_secondary_indexes: list[dict[str, Any]] | None = None,
        wait: bool = False,
    ) -> None: ...
    def sync_delete_table(self, table_name: str, *, wait: bool = False) -> None: ...
    def sync_put_item(
        self,
        table: str,
        item: Attributes,
        condition_expression: str | None = None,
        expression_attribute_names: dict[str, str] | None = None,
        expression_attribute_values: Attributes | None = None,
        return_values_on_condition_check_failure: bool = False,
        return_values: str | None = None,
    ) -> tuple[Attributes | None, Metrics]: ...
    def sync_get_item(
        self,
        table: str,
        key: Attributes,
        consistent_read: bool = False,
        projection: str | None = None,
        expression_attribute_names: dict[str, str] | None = None,
        *,
        _number_schema: NumberSchema | None = None,
    ) -> tuple[Attributes | None, Metrics]: ...
    def sync_update_item(
        self,
        table: str,
        key: Attributes,
        updates: Attributes | None = None,
        update_expression: str | None = None,
        condition_expression: str | None = None,
        expression_attribute_names: dict[str, str] | None = None,
        expression_attribute_values: Attributes | None = None,
        return_values_on_condition_check_failure: bool = False,
        return_values: str | None = None,
    ) -> tuple[Attributes | None, Metrics]: ...
    def sync_delete_item(
        self,
        table: str,
        key: Attributes,
        condition_expression: str | None = None,
        expression_attribute_names: dict[str, str] | None = None,
        expression_attribute_values: Attributes | None = None,
        return_values_on_condition_check_failure: bool = False,
        return_values: str | None = None,
    ) -> tuple[Attributes | None, Metrics]: ...
    def sync_query_page(
        self,
        table: str,
        key_condition_expression: str,
        filter_expression: str | None = None,
        projection_expression: str | None = None,
        expression_attribute_names: dict[str, str] | None = None,
        expression_attribute_values: Attributes | None = None,
        limit: int | None = None,
        exclusive_start_key: Attributes | None = None,
        scan_index_forward: bool | None = None,
        index_name: str | None = None,
        consistent_read: bool = False,
        *,
        _number_schema: NumberSchema | None = None,
    ) -> tuple[list[Attributes], Attributes | None, Metrics]: ...
    def sync_scan_page(
        self,
        table: str,
        filter_expression: str | None = None,
        projection_expression: str | None = None,
        expression_attribute_names: dict[str, str] | None = None,
        expression_attribute_values: Attributes | None = None,
        limit: int | None = None,
        exclusive_start_key: Attributes | None = None,
        index_name: str | None = None,
        consistent_read: bool = False,
        segment: int | None = None,
        total_segments: int | None = None,
        *,
        _number_schema: NumberSchema | None = None,
    ) -> tuple[list[Attributes], Attributes | None, Metrics]: ...
    def sync_batch_get(
        self,
        table: str,
        keys: list[Attributes],
        consistent_read: bool,
        projection: str | None = None,
        expression_attribute_names: dict[str, str] | None = None,
        *,
        _number_schema: NumberSchema | None = None,
    ) -> list[Attributes]: ...
    def sync_batch_write(self, table: str, put_items: list[Attributes], delete_keys: list[Attributes]) -> None: ...
    def sync_transact_get(self, gets: list[dict[str, Any]]) -> list[Attributes | None]: ...
    def sync_transact_write(
        self, operations: list[dict[str, Any]], *, client_request_token: str | None = None
    ) -> None: ...


class CoreModule(Protocol):
    """The names of the extension module that are used here."""

    PydynoxException: type[Exception]
    ConditionalCheckFailedException: type[Exception]
    TransactionCanceledException: type[Exception]
    ValidationException: type[Exception]

    def DynamoDBClient(  # noqa: N802  the core's own name
        self,
        *,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        session_token: str | None = None,
        endpoint_url: str | None = None,
        connect_timeout: float | None = None,
        read_timeout: float | None = None,
        max_retries: int | None = None,
    ) -> Core: ...
    def generate_ulid(self) -> str: ...


_loaded: CoreModule | None = None


def core() -> CoreModule:
    """The extension module, loaded on first use. Raises ImportError where pydynox is absent or not the pinned one."""
    global _loaded
    if _loaded is None:
        _loaded = _load(sys.path)
    return _loaded


def _load(path: list[str]) -> CoreModule:
    package = PathFinder.find_spec("pydynox", path)
    if package is None or not package.submodule_search_locations:
        raise ImportError(f"pydynox is not installed.\nFix: install pydynox=={VERSION}, which taxiway depends on.")
    directory = package.submodule_search_locations[0]
    site = directory.rpartition("pydynox")[0] or "."
    # A package stripped of its metadata can't be asked: then the layout has to do.
    found = [name[8:-10] for name in os.listdir(site) if name.startswith("pydynox-") and name.endswith(".dist-info")]  # noqa: PTH208  pathlib takes 11 ms to import
    if found and VERSION not in found:
        raise ImportError(
            f"pydynox {found[0]} is installed in {site}, and taxiway.data is built on the core of {VERSION}.\n"
            f"Fix: install pydynox=={VERSION}"
        )
    spec = FileFinder(directory, (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec("pydynox_core")
    if spec is None or not isinstance(spec.loader, ExtensionFileLoader):
        raise ImportError(
            f"{directory} has no pydynox_core for this Python and platform.\n"
            f"Fix: install the wheel of pydynox=={VERSION} that fits them"
        )
    module = spec.loader.create_module(spec)
    spec.loader.exec_module(module)
    return module  # pyright: ignore[reportReturnType]  an extension module has no static type
