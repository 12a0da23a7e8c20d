"""`taxiway cost`: the bill of a month."""

import json
import re
from pathlib import Path

import pytest
from tests.cli.commands import taxiway


def test_cost_prints_the_bill_of_a_month(project: Path) -> None:
    done = taxiway(project, "cost", "--requests", "10M", "--read-ratio", "0.8")

    assert done.returncode == 0, done.stderr
    assert re.search(r"^API Gateway +requests +10,000,000 ", done.stdout, re.MULTILINE)


def test_cost_takes_measured_durations(project: Path) -> None:
    (project / "durations.json").write_text('{"create-item": 7.4}')

    assert "create-item" in taxiway(project, "cost").stdout.partition("not measured")[2]
    measured = taxiway(project, "cost", "--durations", "durations.json")
    assert "create-item" not in measured.stdout.partition("not measured")[2]
    assert "No such file" in taxiway(project, "cost", "--durations", "elsewhere.json").stderr


@pytest.mark.parametrize(
    "arguments",
    [("--read-ratio", "2"), ("--read-ratio", "x")],
)
def test_a_share_that_can_not_be_is_refused(project: Path, arguments: tuple[str, ...]) -> None:
    refused = taxiway(project, "cost", *arguments)

    assert (refused.returncode, "expected 0 to 1" in refused.stderr) == (2, True)


def test_a_quantity_that_can_not_be_is_refused(project: Path) -> None:
    refused = taxiway(project, "cost", "--requests", "many")

    assert refused.returncode == 1
    assert "Invalid quantity 'many'" in refused.stderr


def test_as_json_the_lines_add_up_to_the_bill(project: Path) -> None:
    done = taxiway(project, "cost", "--json", "--requests", "10M")

    assert done.returncode == 0, done.stderr
    bill = json.loads(done.stdout)
    assert bill["usd_a_month"] == pytest.approx(sum(line["usd"] for line in bill["lines"]))
    [requests] = [line for line in bill["lines"] if line["resource"] == "API Gateway"]
    assert (requests["what"], requests["quantity"]) == ("requests", 10_000_000)
    assert bill["region"] == "eu-west-1"


def test_as_json_an_error_is_one_too(project: Path) -> None:
    refused = taxiway(project, "cost", "--json", "--requests", "many")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert json.loads(refused.stderr) == {
        "code": "command",
        "problem": "Invalid quantity 'many': expected 250000, 10M, or 2KB.",
        "where": "",
        "fix": "see `taxiway cost --help`",
    }
