"""`counter doctor`: each check, with what it says about what is missing."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from counter_service.cli import app
from counter_service.cli.doctor import account, deployer, diagnosis, machine
from counter_service.cli.doctor.diagnosis import Diagnosis, diagnose
from counter_service.cli.doctor.finding import Finding, State
from counter_service.cli.errors import ExitCode
from counter_service.paths import ROOT
from counter_service.toolchain.errors import ToolchainError

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:user/someone"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/api-logging-prod-eu-central-1"
METHODS = {
    "sts": "get_caller_identity",
    "service-quotas": "get_service_quota",
    "lambda": "get_account_settings",
    "apigateway": "get_account",
}
PREPARED: dict[str, Any] = {
    "sts": {"Account": ACCOUNT, "Arn": ARN},
    "service-quotas": {"Quota": {"Value": 10_000.0}},
    "lambda": {
        "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
    },
    "apigateway": {"cloudwatchRoleArn": ROLE},
}
NEW_ACCOUNT = {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}}
PULUMI = {
    "version": "v3.274.1\n",
    "plugin": json.dumps([{"name": "aws", "kind": "resource", "version": version("pulumi-aws")}]),
    "whoami": json.dumps({"user": "someone", "url": "s3://bucket"}),
    "stack": "dev\n",
}


def aws(**changes: Any) -> account.Clients:
    """Clients with these responses; a text is the code of an error."""
    responses = PREPARED | {name.replace("_", "-"): each for name, each in changes.items()}

    def client(service: str) -> Any:
        made = boto3.client(
            service,
            region_name="eu-central-1",
            aws_access_key_id="id",
            aws_secret_access_key="secret",
        )
        stub, response = Stubber(made), responses[service]
        if isinstance(response, str):
            stub.add_client_error(METHODS[service], response, "Not so.")
        else:
            stub.add_response(METHODS[service], response)
        stub.activate()
        return made

    return client


def pulumi(**changes: str | Exception) -> deployer.Ask:
    """The CLI with these outputs, by the command's first word."""

    def ask(arguments: Sequence[str]) -> str:
        output = (PULUMI | changes)[arguments[0]]
        if isinstance(output, Exception):
            raise output
        return output

    return ask


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the stacks' files, and a page that is current."""
    root = tmp_path / "checkout"
    (root / "web/dist").mkdir(parents=True)
    for path in [ROOT / "pyproject.toml", *ROOT.glob("Pulumi*.yaml")]:
        shutil.copy(path, root)
    (root / "web/dist/index.html").touch()
    (root / "web/dist/.build.json").write_text(
        '{"sources": {}, "webSocketUrl": ""}', encoding="utf-8"
    )
    return root


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A PATH with Node and npm."""
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v22.12.0\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return {"PATH": str(tmp_path)}


@pytest.fixture
def checked(checkout: Path, environ: dict[str, str]) -> Callable[..., Diagnosis]:
    """Diagnoses the checkout, on a machine and in an account that have everything."""

    def check(stack: str | None = None, **changes: Any) -> Diagnosis:
        return diagnose(stack, checkout, environ, **{"ask": pulumi(), "clients": aws()} | changes)

    return check


Checked = Callable[..., Diagnosis]


def configure(checkout: Path, **values: object) -> None:
    with (checkout / "Pulumi.dev.yaml").open("a", encoding="utf-8") as file:
        file.writelines(
            f"  counter-service:{name}: {json.dumps(value)}\n" for name, value in values.items()
        )


def about(found: Diagnosis, subject: str) -> Finding:
    [finding] = [each for each in found.findings if each.subject == subject]
    return finding


def states(found: Diagnosis) -> dict[str, State]:
    return {each.subject: each.state for each in found.findings}


def test_doctor_finds_no_problem_where_everything_is_there(checked: Checked) -> None:
    found = checked()
    assert set(states(found).values()) == {State.OK}
    assert [each.advice for each in found.findings if each.advice] == []
    assert about(found, "AWS credentials").found == f"account {ACCOUNT}, {ARN}"
    assert about(found, "Node").found == "22.12.0, on PATH"


@pytest.mark.parametrize(
    ("selected", "stack", "advice"),
    [
        ("prod\n", "prod", ""),
        (
            ToolchainError("no stack selected."),
            "dev",
            "No stack is selected. Check another one with --stack.",
        ),
    ],
)
def test_doctor_checks_the_selected_stack_or_else_dev(
    checked: Checked, selected: str | Exception, stack: str, advice: str
) -> None:
    found = checked(ask=pulumi(stack=selected))
    assert found.stack == stack
    assert about(found, "Stack").found == f"{stack}, in eu-central-1"
    assert about(found, "Stack").advice == advice


def test_doctor_checks_the_named_stack(checked: Checked) -> None:
    assert checked("prod", ask=pulumi(stack=ToolchainError("not asked"))).stack == "prod"


# --- the machine ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        ("3.11.0", State.OK),
        ("3.15.0a1", State.OK),
        ("3.9.2", State.PROBLEM),
        ("2.7", State.PROBLEM),
    ],
)
def test_python_is_as_new_as_the_project_requires(shown: str, state: State) -> None:
    finding = machine.python(ROOT, shown)
    assert finding.state is state
    assert finding.found == f"{shown}; 3.11 or newer is needed"
    assert bool(finding.advice) == (state is State.PROBLEM)


@pytest.mark.parametrize(
    ("version_shown", "found"),
    [("v18.20.0", "18.20.0 on PATH is too old"), ("", "none on PATH")],
)
def test_missing_node_is_no_problem_because_make_installs_it(
    checked: Checked, environ: dict[str, str], version_shown: str, found: str
) -> None:
    (Path(environ["PATH"]) / "node").write_text(
        f"#!/bin/sh\necho {version_shown}\n", encoding="utf-8"
    )
    finding = about(checked(), "Node")
    assert (finding.state, finding.found) == (State.OK, found)
    assert "make installs one into .toolchain" in finding.advice


def test_installed_node_is_named(checked: Checked, checkout: Path, environ: dict[str, str]) -> None:
    environ["PATH"] = str(checkout)
    (checkout / ".toolchain/node/bin").mkdir(parents=True)
    (checkout / ".toolchain/node/bin/node").touch()
    assert about(checked(), "Node").found == "none on PATH; one is installed in .toolchain"


def test_missing_pulumi_cli_is_a_problem_and_the_rest_is_checked(checked: Checked) -> None:
    missing = ToolchainError("The Pulumi CLI is not installed.")
    found = checked("prod", ask=pulumi(version=missing))
    assert about(found, "Pulumi CLI") == Finding(
        "Pulumi CLI",
        State.PROBLEM,
        "The Pulumi CLI is not installed.",
        "make up STACK=prod offers to install it into .toolchain.",
    )
    assert [name for name, state in states(found).items() if state is State.UNKNOWN] == [
        "Pulumi plugins",
        "Pulumi state",
    ]
    assert about(found, "AWS credentials").state is State.OK


def test_doctor_runs_no_cli_that_is_missing(checkout: Path, environ: dict[str, str]) -> None:
    found = diagnose(None, checkout, environ, clients=aws())
    assert about(found, "Pulumi CLI").found == "The Pulumi CLI is not installed."


def test_doctor_runs_the_cli_on_path(checkout: Path, environ: dict[str, str]) -> None:
    script = f"""#!/bin/sh
case "$*" in
    version*) echo v3.274.1 ;;
    "plugin ls --json --non-interactive") echo '{PULUMI["plugin"]}' ;;
    "whoami --json --non-interactive") echo '{PULUMI["whoami"]}' ;;
    "stack --show-name --non-interactive") echo prod ;;
esac
"""
    program = Path(environ["PATH"]) / "pulumi"
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)
    found = diagnose(None, checkout, environ, clients=aws())
    assert set(states(found).values()) == {State.OK}
    assert found.stack == "prod"


def test_missing_plugin_is_no_problem_because_pulumi_downloads_it(checked: Checked) -> None:
    older = json.dumps([{"name": "aws", "kind": "resource", "version": "6.0.0"}])
    finding = about(checked(ask=pulumi(plugin=older)), "Pulumi plugins")
    wanted = version("pulumi-aws")
    assert finding.state is State.OK
    assert finding.found == f"aws {wanted} is not installed; there is 6.0.0"
    assert f"pulumi plugin install resource aws {wanted}" in finding.advice


@pytest.mark.parametrize("output", ["", "{}", '[{"kind": "resource"}]', ToolchainError("Failed.")])
def test_unreadable_list_of_plugins_is_not_checked(
    checked: Checked, output: str | Exception
) -> None:
    finding = about(checked(ask=pulumi(plugin=output)), "Pulumi plugins")
    assert finding.state is State.UNKNOWN or "is not installed" in finding.found


@pytest.mark.parametrize(
    ("problem", "state"),
    [
        ("PULUMI_ACCESS_TOKEN must be set for login during non-interactive", State.PROBLEM),
        ("this command requires logging in; try running `pulumi login`", State.PROBLEM),
        ("dial tcp: lookup api.pulumi.com: no such host", State.UNKNOWN),
    ],
)
def test_missing_login_is_a_problem_and_a_missing_network_is_none(
    checked: Checked, problem: str, state: State
) -> None:
    finding = about(checked(ask=pulumi(whoami=ToolchainError(problem))), "Pulumi state")
    assert finding.state is state
    assert finding.advice


def test_page_that_is_not_current_is_a_problem(checked: Checked, checkout: Path) -> None:
    (checkout / "web/index.html").write_text("<p>new</p>", encoding="utf-8")
    assert about(checked(), "Page") == Finding(
        "Page",
        State.PROBLEM,
        "web/dist does not match web/index.html",
        "Run make build. make up does it as well.",
    )


def test_page_is_not_checked_for_a_stack_without_one(checked: Checked, checkout: Path) -> None:
    (checkout / "web/dist/index.html").unlink()
    assert about(checked(), "Page").state is State.PROBLEM
    configure(checkout, website=False)
    assert about(checked(), "Page").state is State.OK


def test_wrong_configuration_is_a_problem(checked: Checked, checkout: Path) -> None:
    configure(checkout, memoryMb=1)
    found = checked()
    assert about(found, "Stack").state is State.PROBLEM
    assert about(found, "Stack").found == (
        "Configuration: memoryMb is '1', but must be a whole number from 128 to 10240."
    )
    assert {each: states(found)[each] for each in account.SUBJECTS} == dict.fromkeys(
        account.SUBJECTS, State.UNKNOWN
    )


# --- the account ------------------------------------------------------------------------------


@pytest.fixture
def without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROFILE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture
def with_credentials(without_credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never responds."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.mark.usefixtures("without_credentials")
def test_missing_credentials_are_not_checked_and_no_problem(checked: Checked) -> None:
    found = checked(clients=None)
    assert about(found, "AWS credentials") == Finding(
        "AWS credentials",
        State.UNKNOWN,
        "there are none in this shell",
        "Set AWS_PROFILE, or run aws configure or aws sso login.",
    )
    assert found.count(State.UNKNOWN) == len(account.SUBJECTS)
    assert found.count(State.PROBLEM) == 0


@pytest.mark.usefixtures("without_credentials")
def test_unknown_profile_is_a_problem(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    finding = about(checked(clients=None), "AWS credentials")
    assert finding.state is State.PROBLEM
    assert finding.found == "The config profile (nowhere) could not be found"


@pytest.mark.usefixtures("with_credentials")
def test_missing_network_is_not_checked_and_no_problem(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.socket()) as bound:  # it does not listen
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        found = checked(clients=None)
    assert about(found, "AWS credentials").found.startswith("AWS does not respond: ")
    assert "HTTPS_PROXY" in about(found, "AWS credentials").advice
    assert found.count(State.UNKNOWN) == len(account.SUBJECTS)
    assert found.count(State.PROBLEM) == 0


@pytest.mark.usefixtures("with_credentials")
def test_network_that_swallows_requests_ends_the_checks_in_time(
    checked: Checked, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent_port}")
    found = checked(clients=None, aws_seconds=0.2)
    late = [each for each in found.findings if each.subject in account.SUBJECTS]
    assert [each.found for each in late] == ["AWS did not respond within 0.2 s"] * 4
    assert found.count(State.PROBLEM) == 0


def test_expired_credentials_are_a_problem(checked: Checked) -> None:
    found = checked(clients=aws(sts="ExpiredToken"))
    assert about(found, "AWS credentials").state is State.PROBLEM
    assert about(found, "AWS credentials").found == "AWS refuses the credentials: Not so."
    assert about(found, "Lambda concurrency").state is State.UNKNOWN


def test_missing_permission_is_not_checked_and_the_rest_is(checked: Checked) -> None:
    found = checked(clients=aws(**{"lambda": "AccessDeniedException"}))
    assert about(found, "Lambda concurrency") == Finding(
        "Lambda concurrency",
        State.UNKNOWN,
        "the credentials may not call GetAccountSettings",
        "Allow it, or look in the console.",
    )
    assert found.count(State.UNKNOWN) == 1


def test_failure_of_aws_is_not_checked(checked: Checked) -> None:
    finding = about(checked(clients=aws(**{"lambda": "ServiceException"})), "Lambda concurrency")
    assert (finding.state, finding.found) == (State.UNKNOWN, "ServiceException: Not so.")


def test_another_account_than_the_allowed_ones_is_a_problem(
    checked: Checked, checkout: Path
) -> None:
    with (checkout / "Pulumi.dev.yaml").open("a", encoding="utf-8") as file:
        file.write('  aws:allowedAccountIds: ["210987654321"]\n')
    finding = about(checked(), "AWS credentials")
    assert finding.state is State.PROBLEM
    assert finding.found == f"{ARN}, and the stack allows only 210987654321"


def test_stack_of_an_emulator_is_not_checked_at_aws(checked: Checked) -> None:
    found = checked("local", clients=aws(sts="ExpiredToken"))
    assert {about(found, each).found for each in account.SUBJECTS} == {
        "the stack is for an emulator, which aws:endpoints names"
    }
    assert found.count(State.PROBLEM) == 0


def test_quota_below_the_limit_of_posts_is_a_problem(checked: Checked) -> None:
    lowered = {"Quota": {"Value": 2_500.0}}
    finding = about(checked(clients=aws(service_quotas=lowered)), "API Gateway quota")
    assert finding.state is State.PROBLEM
    assert finding.found == "2,500 requests a second in eu-central-1; postsPerSecond is 5,000"
    assert finding.advice.startswith("Set postsPerSecond to 1250, or have the quota raised")


def test_quota_that_was_never_changed_is_that_of_the_region(checked: Checked) -> None:
    unchanged = aws(service_quotas="NoSuchResourceException")
    finding = about(checked(clients=unchanged), "API Gateway quota")
    assert finding.found.startswith("10,000 requests a second")
    assert finding.state is State.OK


def test_concurrency_of_a_new_account_is_a_problem(checked: Checked) -> None:
    finding = about(checked(clients=aws(**{"lambda": NEW_ACCOUNT})), "Lambda concurrency")
    assert finding == Finding(
        "Lambda concurrency",
        State.PROBLEM,
        "10 invocations at once, 10 of them unreserved; more clicks at the same moment are "
        "throttled",
        "Have the limit raised to 1,000 (Service Quotas, Lambda, Concurrent executions). A demo "
        "works with it.",
    )


@pytest.mark.parametrize(
    ("limit", "reserved", "state"),
    [(1000, 800, State.OK), (1000, 801, State.PROBLEM), (10, 1, State.PROBLEM)],
)
def test_reserved_concurrency_leaves_what_lambda_keeps(
    checked: Checked, checkout: Path, limit: int, reserved: int, state: State
) -> None:
    configure(checkout, reservedConcurrency=reserved)
    limits = {
        "ConcurrentExecutions": limit,
        "UnreservedConcurrentExecutions": min(limit, 900),
    }
    found = checked(clients=aws(**{"lambda": {"AccountLimit": limits}}))
    assert about(found, "Lambda concurrency").state is state


def test_missing_logging_role_is_a_problem_with_access_logs(
    checked: Checked, checkout: Path
) -> None:
    subject = "API Gateway logging role"
    without_role = aws(apigateway={})
    assert about(checked(clients=without_role), subject).found == (
        "not needed, because accessLogs is false"
    )
    configure(checkout, accessLogs=True)
    finding = about(checked(clients=without_role), subject)
    assert finding.state is State.PROBLEM
    assert finding.found == "accessLogs is true, and the account has no role in eu-central-1"
    assert "pulumi config set accountLoggingRole true --stack dev" in finding.advice
    assert about(checked(), subject) == Finding(subject, State.OK, ROLE)


def test_stack_with_the_logging_role_says_which_one_it_replaces(
    checked: Checked, checkout: Path
) -> None:
    configure(checkout, accessLogs=True, accountLoggingRole=True)
    finding = about(checked(), "API Gateway logging role")
    assert finding.state is State.OK
    assert finding.advice == f"This stack replaces {ROLE}, for every API of the region."
    own = aws(apigateway={"cloudwatchRoleArn": ROLE.replace("prod", "dev")})
    assert about(checked(clients=own), "API Gateway logging role").advice == ""


@pytest.mark.usefixtures("with_credentials")
def test_ctrl_c_ends_a_check_that_waits_for_aws_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setenv("PATH", os.defpath)
        with subprocess.Popen(
            [sys.executable, "-m", "counter_service.cli", "doctor", "--stack", "dev"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A job in the background inherits that SIGINT is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            connection, _ = server.accept()
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60) == (b"", b"")
            connection.close()
    assert process.returncode == ExitCode.INTERRUPTED


# --- the command ------------------------------------------------------------------------------


def shown(monkeypatch: pytest.MonkeyPatch, found: Diagnosis, *arguments: str) -> int:
    monkeypatch.setattr(diagnosis, "diagnose", lambda stack: found)
    return app.run(["doctor", *arguments])


def test_command_ends_with_1_only_if_there_is_a_problem(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(monkeypatch, checked()) == ExitCode.OK
    assert capsys.readouterr().out.endswith("\nEverything is ready: make up STACK=dev\n")
    not_checked = checked("local")
    assert shown(monkeypatch, not_checked) == ExitCode.OK
    assert capsys.readouterr().out.endswith("\n4 not checked. The stack is local.\n")
    problem = checked(clients=aws(sts="ExpiredToken"))
    assert shown(monkeypatch, problem) == ExitCode.PROBLEM
    assert capsys.readouterr().out.endswith("\n1 problem, 3 not checked. The stack is dev.\n")


def test_command_prints_every_finding_as_json(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = checked(clients=aws(**{"lambda": NEW_ACCOUNT}))
    assert shown(monkeypatch, found, "--json") == ExitCode.PROBLEM
    printed = json.loads(capsys.readouterr().out)
    assert printed["stack"] == "dev"
    assert [each["subject"] for each in printed["findings"]] == list(states(found))
    assert printed["findings"][0].keys() == {"subject", "state", "found", "advice"}


@pytest.mark.parametrize("width", [80, 120])
def test_command_shows_every_word_in_a_narrow_terminal(
    checked: Checked,
    width: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    found = checked(clients=aws(**{"lambda": NEW_ACCOUNT}))
    shown(monkeypatch, found)
    output = capsys.readouterr().out
    assert max(map(len, output.splitlines())) <= width
    assert about(found, "Lambda concurrency").advice.split() == [
        word for word in about(found, "Lambda concurrency").advice.split() if word in output
    ]


@pytest.mark.usefixtures("without_credentials")
def test_readme_shows_what_the_command_prints(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = ToolchainError("The Pulumi CLI is not installed.")
    found = checked("prod", ask=pulumi(version=missing), clients=None)
    assert shown(monkeypatch, found) == ExitCode.PROBLEM
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"counter doctor --stack prod\n(.*?)```", readme, re.DOTALL)
    assert without_versions(capsys.readouterr().out) == without_versions(example)


def without_versions(output: str) -> list[str]:
    """The lines, with 0 for each number of a version."""
    return [re.sub(r"\b\d+\.\d+\.\d+\b", "0", line.rstrip()) for line in output.splitlines()]
