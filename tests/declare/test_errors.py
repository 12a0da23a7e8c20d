"""The one error: how it reads, what a program gets of it, and the codes of its kinds."""

import re
from importlib import import_module
from pathlib import Path

import taxiway
from taxiway.declare.errors import DeclarationError, TaxiwayError

PACKAGE = Path(taxiway.__file__).parent


def kinds_of(base: type[TaxiwayError]) -> list[type[TaxiwayError]]:
    return [kind for direct in base.__subclasses__() for kind in (direct, *kinds_of(direct))]


def test_it_says_what_is_wrong_then_where_then_what_to_do() -> None:
    error = DeclarationError("Invalid name 'x'.", fix="use another", where="backend.py:3")

    assert str(error) == "Invalid name 'x'.\nWhere: backend.py:3\nFix: use another"
    assert str(DeclarationError("Invalid name 'x'.", fix="use another")) == "Invalid name 'x'.\nFix: use another"
    assert error.fields() == {
        "code": "invalid-declaration",
        "problem": "Invalid name 'x'.",
        "where": "backend.py:3",
        "fix": "use another",
    }


def test_each_kind_has_a_code_of_its_own() -> None:
    for path in PACKAGE.rglob("*.py"):
        if re.search(r"^class \w+\((\w+Error)\)", path.read_text(), re.MULTILINE):
            import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    codes = {kind: kind.code for kind in kinds_of(TaxiwayError) if not kind.__name__.startswith("_")}

    assert len(codes) >= 9
    assert len(set(codes.values())) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes.values())
