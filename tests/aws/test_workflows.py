"""The template's ways to deploy from a repository: what they run is fixed, and what they may do is little."""

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[2] / "template"
WORKFLOWS = sorted((TEMPLATE / ".github" / "workflows").glob("*.yml"))


def jobs(workflow: Path) -> dict[str, str]:
    """The text of each job, by its name."""
    _, _, text = workflow.read_text().partition("\njobs:\n")
    parts = re.split(r"^  ([\w-]+):\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (.+)", workflow.read_text())

    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_only_a_job_that_takes_on_a_role_may_ask_for_a_token_and_none_may_write(workflow: Path) -> None:
    head, _, _ = workflow.read_text().partition("\njobs:\n")

    assert "permissions:\n  contents: read\n" in head
    for job in jobs(workflow).values():
        assert ("id-token: write" in job) == ("role-to-assume" in job)
        assert re.findall(r"(\w[\w-]*): write", job) in ([], ["id-token"])
        assert job.count("persist-credentials: false") == job.count("actions/checkout@")


def test_prod_comes_after_test_which_comes_after_the_tests_and_data_is_never_given_up_unasked() -> None:
    found = jobs(TEMPLATE / ".github" / "workflows" / "deploy.yml")

    assert list(found) == ["test", "deploy-test", "deploy-prod"]
    assert "needs: test\n" in found["deploy-test"]
    assert "needs: deploy-test\n" in found["deploy-prod"]
    assert "environment: prod\n" in found["deploy-prod"]
    commands = [line for job in found.values() for line in job.splitlines() if "taxiway deploy" in line]
    assert len(commands) == 2
    assert not any("--yes" in line for line in commands)


def test_what_a_closed_pull_request_leaves_is_removed_and_what_an_open_one_has_stays(tmp_path: Path) -> None:
    """The script itself, with stand-ins for the commands that ask AWS and GitHub."""
    text = (TEMPLATE / ".github" / "workflows" / "sweep.yml").read_text()
    script = textwrap.dedent(text.partition("        run: |\n          stacks=")[2].join(["          stacks=", ""]))
    (tmp_path / ".env.test").write_text("AWS_REGION=eu-west-1\nSECRETS_ID=items/test\n")
    for name, body in {
        "aws": 'echo "items-pr-7 items-pr-12"',
        "gh": '[ "$3" = 7 ] && echo CLOSED || echo OPEN',
        "uv": 'echo "$@" >> done; cat .env.pr-* >> done',
    }.items():
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f"#!/bin/sh\n{body}\n")
        command.chmod(0o755)
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "done").read_text() == (
        "run --group deploy taxiway destroy --stage pr-7 --yes\nAWS_REGION=eu-west-1\nSECRETS_ID=items/pr-7\n"
    )


def test_a_pull_request_has_a_stage_that_goes_with_it_and_one_from_a_fork_has_none() -> None:
    (job,) = jobs(TEMPLATE / ".github" / "workflows" / "preview.yml").values()

    assert "if: github.event.pull_request.head.repo.full_name == github.repository\n" in job
    assert re.search(r"if: github\.event\.action != 'closed'\n +run: \|\n +.*taxiway deploy", job)
    assert re.search(r"if: github\.event\.action == 'closed'\n +run: .*taxiway destroy", job)
