"""Which DynamoDB the correctness tests run against, and empty tables in it.

TAXIWAY_DYNAMODB_ENDPOINT names another engine than the one that the other tests use; its data is left alone.
"""

import os
import uuid
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import pytest
from tests.tables import create_table

from taxiway.sdk.dynamodb import DynamoDB
from taxiway.sdk.dynamodb.tables import Tables

INDEXES = ("gsi1", "gsi2")


@pytest.fixture(scope="session")
def dynamodb(request: pytest.FixtureRequest) -> Generator[str]:
    """The endpoint of the engine, with the environment of a function that is to use it."""
    endpoint = os.environ.get("TAXIWAY_DYNAMODB_ENDPOINT") or request.getfixturevalue("endpoint")
    with pytest.MonkeyPatch.context() as patch:
        if "TAXIWAY_DYNAMODB_ENDPOINT" not in os.environ:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                patch.delenv(name)
        for name, value in {
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ENDPOINT_URL": endpoint,
        }.items():
            if name not in os.environ or name == "AWS_ENDPOINT_URL":
                patch.setenv(name, value)
        yield endpoint


@pytest.fixture(scope="session")
def empty_table(dynamodb: str) -> Callable[[], AbstractContextManager[str]]:
    """Gives the name of an empty table with both indexes, which is there for the length of a `with`."""
    del dynamodb  # it sets the environment
    client = DynamoDB()

    @contextmanager
    def make() -> Generator[str]:
        name = f"correctness-{uuid.uuid4().hex}"
        create_table(client, name, *INDEXES)
        try:
            yield name
        finally:
            Tables(client).delete(name)

    return make


@pytest.fixture
def table_name(empty_table: Callable[[], AbstractContextManager[str]]) -> Generator[str]:
    """An empty table of the test's own."""
    with empty_table() as name:
        yield name
