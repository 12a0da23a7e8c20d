"""Logical ids: what CloudFormation takes, and no two the same for what is called differently."""

import re

from hypothesis import given
from hypothesis import strategies as st

from taxiway.aws.deploying.resource_changes import names
from taxiway.aws.template.logical_ids import logical_id

paths = st.lists(st.text(st.characters(codec="ascii", exclude_characters="|"), min_size=1, max_size=64), min_size=1)


def test_what_the_declaration_does_not_name_is_called_plainly() -> None:
    assert logical_id("Table") == "Table"


@given(paths, paths)
def test_two_paths_have_two_ids_of_letters_and_digits(one: list[str], other: list[str]) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]{1,255}", logical_id(*one))
    assert (logical_id(*one) == logical_id(*other)) == (one == other)


def test_names_that_differ_in_punctuation_alone_have_ids_of_their_own() -> None:
    called = ["get-item", "getitem", "get_item", "Get-item"]

    assert len({logical_id("Functions", name, "Role") for name in called}) == len(called)


def test_a_path_of_any_length_fits() -> None:
    assert len(logical_id("Routes", "GET /" + "a" * 1_000)) == 248


def test_what_is_of_a_function_is_told_by_its_id_whatever_the_function_is_called() -> None:
    for name in ("get-item", "MyFunction", "Role", "Functions", "x"):
        function = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": f"shop-dev_{name}"}}
        role = logical_id("Functions", name, "Role")
        resources = {logical_id("Functions", name, "Function"): function, role: {"Type": "AWS::IAM::Role"}}

        assert names({}, {"Resources": resources})[role] == f"shop-dev_{name}"
