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


def scripts(job: str, action: str | None = None) -> list[str]:
    """What a job runs, step by step; with `action`, only what it runs when a pull request is opened, closed, or so."""
    found: list[str] = []
    for step in re.split(r"^      - ", job, flags=re.MULTILINE)[1:]:
        condition = re.search(r"if: github\.event\.action (==|!=) 'closed'", step)
        if action and condition and (condition[1] == "==") != (action == "closed"):
            continue
        if block := re.search(r"run: \|\n(.*)", step, re.DOTALL):
            found.append(textwrap.dedent(block[1]))
        elif line := re.search(r"run: (.+)", step):
            found.append(line[1])
    return found


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


def test_every_job_may_do_what_it_does_and_nothing_else() -> None:
    found = {
        name: re.findall(
            r"^      ([\w-]+): (\w+)$",
            text.partition("    permissions:\n")[2].partition("    steps:\n")[0],
            re.MULTILINE,
        )
        for workflow in WORKFLOWS
        for name, text in jobs(workflow).items()
    }

    deploys = [("contents", "read"), ("id-token", "write")]
    assert found == {
        "test": [],  # what the head of the workflow says: to read the repository
        "deploy-test": deploys,
        "deploy-prod": deploys,
        "preview": deploys,
        "sweep": [*deploys, ("pull-requests", "read")],
    }


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_pull_request_says_is_never_put_into_a_script(workflow: Path) -> None:
    """https://docs.github.com/en/actions/reference/security/secure-use#good-practices-for-mitigating-script-injection-attacks"""
    for job in jobs(workflow).values():
        assert [script for script in scripts(job) if "${{" in script] == []


@pytest.mark.parametrize("stage", ["test", "prod"])
def test_a_stage_is_deployed_in_its_region_and_its_deep_health_is_asked(tmp_path: Path, stage: str) -> None:
    job = jobs(TEMPLATE / ".github" / "workflows" / "deploy.yml")[f"deploy-{stage}"]
    run(job, tmp_path)

    taxiway = "run --group deploy taxiway"
    assert (tmp_path / "done").read_text().splitlines() == [
        f"uv {taxiway} deploy --stage {stage}",
        f"uv {taxiway} outputs Url --stage {stage}",
        "curl --fail --silent --show-error --retry 3 https://api/health?deep=true",
    ]
    assert (tmp_path / "GITHUB_ENV").read_text() == "AWS_REGION=eu-west-1\n"


@pytest.mark.parametrize("fails", ["uv", "curl"])
def test_a_deployment_or_a_stage_that_is_not_well_fails_the_job(tmp_path: Path, fails: str) -> None:
    job = jobs(TEMPLATE / ".github" / "workflows" / "deploy.yml")["deploy-prod"]

    with pytest.raises(subprocess.CalledProcessError):
        run(job, tmp_path, **{fails: "exit 1"})
    assert ("curl" in (tmp_path / "done").read_text()) == (fails == "curl")


@pytest.mark.parametrize(("action", "closes"), [("opened", False), ("synchronize", False), ("closed", True)])
def test_a_pull_requests_stage_has_a_file_and_a_secret_of_its_own(tmp_path: Path, action: str, closes: bool) -> None:
    (job,) = jobs(TEMPLATE / ".github" / "workflows" / "preview.yml").values()
    run(job, tmp_path, action=action, STAGE="pr-7", BACKEND="shop")

    done = (tmp_path / "done").read_text().splitlines()
    assert done[0] == f"uv run --group deploy taxiway {'destroy' if closes else 'deploy'} --stage pr-7 --yes"
    assert (tmp_path / ".env.pr-7").read_text() == "AWS_REGION=eu-west-1\nSECRETS_ID=shop/pr-7\n"
    if not closes:
        assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text() == "The stage pr-7 answers at https://api\n"


def test_what_a_closed_pull_request_leaves_is_removed_and_what_an_open_one_has_stays(tmp_path: Path) -> None:
    (job,) = jobs(TEMPLATE / ".github" / "workflows" / "sweep.yml").values()
    closed = '[ "$3" = 7 ] && echo CLOSED || echo OPEN'
    run(job, tmp_path, aws='echo "shop-pr-7 shop-pr-12"', gh=closed, BACKEND="shop")

    done = (tmp_path / "done").read_text().splitlines()
    assert [line for line in done if line.startswith("uv")] == [
        "uv run --group deploy taxiway destroy --stage pr-7 --yes"
    ]
    assert (tmp_path / ".env.pr-7").read_text() == "AWS_REGION=eu-west-1\nSECRETS_ID=shop/pr-7\n"
    assert not (tmp_path / ".env.pr-12").exists()


def test_a_stage_that_can_not_be_removed_does_not_keep_the_others_and_fails_the_job(tmp_path: Path) -> None:
    (job,) = jobs(TEMPLATE / ".github" / "workflows" / "sweep.yml").values()
    with pytest.raises(subprocess.CalledProcessError):
        run(
            job,
            tmp_path,
            aws='echo "shop-pr-1 shop-pr-2 shop-pr-3"',
            gh='[ "$3" != 2 ] && echo CLOSED',
            uv='case "$*" in *pr-1*) exit 1;; esac',
            BACKEND="shop",
        )

    destroyed = [line for line in (tmp_path / "done").read_text().splitlines() if line.startswith("uv")]
    assert destroyed == [f"uv run --group deploy taxiway destroy --stage pr-{number} --yes" for number in (1, 3)]


def test_the_stages_of_pull_requests_are_called_as_the_declaration_is() -> None:
    declared = re.findall(r"return Backend\(\"(\w+)\"", (TEMPLATE / "backend.py").read_text())
    for name in ("preview.yml", "sweep.yml"):
        text = (TEMPLATE / ".github" / "workflows" / name).read_text()
        assert re.findall(r"^  BACKEND: (\w+) #", text, re.MULTILINE) == declared
        assert text.count(declared[0]) == 1


def test_a_pull_request_from_a_fork_has_no_stage() -> None:
    (job,) = jobs(TEMPLATE / ".github" / "workflows" / "preview.yml").values()

    assert "if: github.event.pull_request.head.repo.full_name == github.repository\n" in job


def run(job: str, directory: Path, *, action: str = "opened", **given: str) -> None:
    """Run the scripts of a job as GitHub does, with stand-ins for the commands that ask others.

    A stand-in writes down how it was called into `done`; in lower case, `given` has what else one does.
    """
    for stage in ("test", "prod"):
        (directory / f".env.{stage}").write_text("AWS_REGION=eu-west-1\nSECRETS_ID=items/test\n")
    bodies = {"aws": "", "gh": "", "curl": "", "uv": 'case "$*" in *outputs*) echo https://api;; esac'}
    for name, body in {**bodies, **{key: value for key, value in given.items() if key.islower()}}.items():
        command = directory / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f'#!/bin/sh\necho {name} "$@" >> "{directory}/done"\n{body}\n')
        command.chmod(0o755)
    environment = {
        "PATH": f"{directory / 'bin'}:{os.environ['PATH']}",
        "GITHUB_ENV": str(directory / "GITHUB_ENV"),
        "GITHUB_STEP_SUMMARY": str(directory / "GITHUB_STEP_SUMMARY"),
        **{key: value for key, value in given.items() if key.isupper()},
    }
    for script in scripts(job, action):
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
        subprocess.run(["bash", "-e", "-c", script], cwd=directory, env=environment, check=True)
