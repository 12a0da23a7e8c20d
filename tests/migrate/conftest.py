"""The engine and the table of the data tests, for what is done with a table here."""

from tests.data.conftest import aws, engine, table

__all__ = ["aws", "engine", "table"]
