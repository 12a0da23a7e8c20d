"""Entities read well in an editor: pyright finds the types and the mistakes that the example names, and no others."""

import json
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).with_name("typing_example.py")


def test_a_checker_sees_what_a_pattern_takes_and_gives() -> None:
    output = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", str(EXAMPLE)], capture_output=True, text=True, check=False
    ).stdout
    found = {(each["range"]["start"]["line"], each["rule"]) for each in json.loads(output)["generalDiagnostics"]}
    expected = {
        (line, match[1])
        for line, text in enumerate(EXAMPLE.read_text().splitlines())
        if (match := re.search(r"# expect: (\w+)", text))
    }
    assert found == expected
