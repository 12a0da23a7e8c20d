"""`taxiway doctor`, on a machine without credentials."""

import json
import re
from pathlib import Path

from tests.cli.commands import taxiway


def test_doctor_names_everything_that_is_missing(project: Path) -> None:
    ill = taxiway(project, "doctor")

    assert ill.returncode == 1
    assert re.search(r"^ok +stage file: .*\.env\.dev: eu-west-1, account 111122223333$", ill.stdout, re.MULTILINE)
    assert "ok     declaration: items, 9 routes" in ill.stdout
    assert "FAILS  credentials, account and region: There are no credentials for AWS" in ill.stdout


def test_as_json_each_check_has_what_to_do_where_it_fails(project: Path) -> None:
    (project / "backend.py").write_text("print('from the project')\n" + (project / "backend.py").read_text())
    ill = taxiway(project, "doctor", "--json")

    assert ill.returncode == 1
    checks = {check["what"]: check for check in json.loads(ill.stdout)}
    assert checks["declaration"] == {"what": "declaration", "found": "items, 9 routes", "fix": None}
    assert "AWS_PROFILE" in checks["credentials, account and region"]["fix"]
    assert "from the project" in ill.stderr
