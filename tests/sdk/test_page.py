"""The examples of docs/reference/sdk.md, carried out on the real engine."""

import doctest
import re
from pathlib import Path

import pytest

from taxiway.sdk.dynamodb import DynamoDB
from taxiway.sdk.dynamodb.tables import AttributeDefinition, CreateTable, KeySchemaElement, Tables

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sdk.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


class Checker(doctest.OutputChecker):
    """Takes `…` for anything."""

    def check_output(self, want, got, optionflags):
        pattern = ".*".join(re.escape(part) for part in want.strip().split("…"))
        return super().check_output(want, got, optionflags) or bool(re.fullmatch(pattern, got.strip(), re.DOTALL))


@pytest.fixture
def environment(endpoint, name, monkeypatch):
    """A function's environment, and a table in it."""
    for variable, value in {
        "TABLE_NAME": name,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "page",
        "AWS_SECRET_ACCESS_KEY": "page",
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
    }.items():
        monkeypatch.setenv(variable, value)
    keys = [KeySchemaElement("pk", "HASH"), KeySchemaElement("sk", "RANGE")]
    strings = [AttributeDefinition("pk", "S"), AttributeDefinition("sk", "S")]
    tables = Tables(DynamoDB())
    tables.create(CreateTable(name, keys, strings, billing_mode="PAY_PER_REQUEST"))
    tables.wait_until_active(name)


@pytest.mark.usefixtures("environment")
def test_the_page_does_what_it_says():
    names, report = {"__name__": "page"}, []
    for block in BLOCKS:
        test = doctest.DocTestParser().get_doctest(block, names, PAGE.name, str(PAGE), 0)
        test.globs = names  # the next block needs what this one defines
        doctest.DocTestRunner(checker=Checker()).run(test, out=report.append, clear_globs=False)

    assert len(BLOCKS) > 10
    assert not report, "".join(report)
