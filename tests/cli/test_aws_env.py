"""`taxiway aws-env`: a person's own tools reach the local AWS while it runs, and nothing is left when it ends."""

import stat
from pathlib import Path

import boto3
from tests.cli.commands import taxiway

from taxiway.testing import serve


def variables(output: str) -> dict[str, str]:
    return dict(line.removeprefix("export ").split("=", 1) for line in output.splitlines())


def test_boto3_uses_what_it_prints(project: Path, path_with_engine: dict[str, str]) -> None:
    data = project / "data"
    (project / ".env.local").write_text("SECRETS_ID=items/dev\n")
    with serve(project, data=data, environment=path_with_engine):
        printed = taxiway(project, "aws-env", "--data", str(data))
        assert printed.returncode == 0, printed.stderr
        found = variables(printed.stdout)
        (file,) = data.glob("access.json*")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        session = boto3.Session(
            aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=found["AWS_SESSION_TOKEN"],
            region_name=found["AWS_REGION"],
        )
        clients = {
            name: session.client(name, endpoint_url=found["AWS_ENDPOINT_URL"])
            for name in ("dynamodb", "secretsmanager")
        }
        assert clients["dynamodb"].list_tables()["TableNames"] == ["items-dev"]
        assert [each["Name"] for each in clients["secretsmanager"].list_secrets()["SecretList"]] == ["items/dev"]
    assert not file.exists()


def test_where_nothing_runs_it_says_so(project: Path) -> None:
    printed = taxiway(project, "aws-env")
    assert printed.returncode == 1
    assert "No taxiway dev is running" in printed.stderr
    assert "taxiway dev" in printed.stderr
