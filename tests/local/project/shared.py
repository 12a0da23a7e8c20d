"""Handlers of routes that share one function."""

# ruff: noqa: ARG001  a Lambda handler takes both, whatever it uses

from typing import Any


def listing(event: dict[str, Any], context: Any) -> Any:
    return "a list"


def single(event: dict[str, Any], context: Any) -> Any:
    return "one item"
