"""Handlers read well in an editor: pyright's types for the example are those written beside it."""

import json
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).with_name("typing_example.py")


def test_a_checker_sees_the_types_inside_the_annotations():
    output = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", str(EXAMPLE)], capture_output=True, text=True, check=False
    ).stdout

    seen: dict[int, str] = {}
    for diagnostic in json.loads(output)["generalDiagnostics"]:
        line = diagnostic["range"]["start"]["line"]
        revealed = re.fullmatch(r'Type of ".+" is "(.+)"', diagnostic["message"])
        seen[line] = revealed[1] if revealed else f"error: {diagnostic['rule']}"

    expected = {
        line: text.rpartition("  # ")[2]
        for line, text in enumerate(EXAMPLE.read_text().splitlines())
        if "reveal_type(" in text or "# error" in text
    }
    assert seen == expected
