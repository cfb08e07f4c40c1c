"""The Pulumi CLI is found, or installed by scripts on a PATH that pretend to be npm and Go."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from counter_service.toolchain import node, processes, pulumi_cli, pulumi_go, pulumi_npm
from counter_service.toolchain.errors import ToolchainError
from counter_service.toolchain.places import ROOT

# The toolchain's command line with another root. Node is the fake one.
COMMAND = """\
import os, sys
from pathlib import Path
from counter_service.toolchain import commands, node, pulumi_cli
if "TERMINAL" in os.environ:
    pulumi_cli._is_terminal = lambda *streams: True
node.environ = lambda: dict(os.environ)
commands.ROOT = Path(sys.argv[1])
commands.PARTS.update(deploy=lambda: None, page=lambda: None)
sys.exit(commands.main(sys.argv[2:]))
"""

# The real wrapper also downloads the CLI at its first call, into the folder of its version.
NPM = """\
[ "$1" = ci ] && [ -f package-lock.json ] || exit 9
mkdir -p node_modules/.bin
cat > node_modules/.bin/pulumi <<'WRAPPER'
#!/bin/sh
[ -z "$PULUMI_VERSION" ] || exit 9
mkdir -p "$PULUMI_HOME/versions/3.265.0/bin"
printf '#!/bin/sh\\necho v3.265.0\\n' > "$PULUMI_HOME/versions/3.265.0/bin/pulumi"
chmod +x "$PULUMI_HOME/versions/3.265.0/bin/pulumi"
WRAPPER
chmod +x node_modules/.bin/pulumi
"""

PULUMI = """\
[ "$1" = version ] && { echo v3.274.1; exit; }
echo "$*" >> "$LOG"
[ "$2" != select ] || exit "${SELECT:-0}"
exit 7
"""

NO_DOWNLOAD = NPM.replace("[ -z ", "echo pulumi: fetch failed >&2; exit 1; [ -z ")

# It never ends, and writes down the number of its child.
HANGS = 'sleep 60 & echo $! > "$LOG"; wait\n'

GO = """\
case "$*" in
    "env GOVERSION") echo go1.26.6 ;;
    "env -json"*) echo '{"GOPROXY": "https://proxy.example", "GOSUMDB": "off"}' ;;
    list*) echo "$SDK" ;;
    build*)
        env > "$LOG"
        while [ "$1" != -o ]; do shift; done
        mkdir -p "$(dirname "$2")"
        printf '#!/bin/sh\\necho v3.274.1\\n' > "$2"
        chmod +x "$2" ;;
esac
"""


class Machine:
    """A PATH, to which programs are added, and the root of a repository."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repository"
        self.path = folder / "path"
        self.log = folder / "log"
        self.root.mkdir()
        self.path.mkdir()
        for tool in ("mkdir", "cat", "chmod", "dirname", "sleep", "env"):
            (self.path / tool).symlink_to(str(shutil.which(tool)))
        script = folder / "sdk" / pulumi_go.SCRIPT
        script.parent.mkdir(parents=True)
        script.write_text("# runs a program\n", encoding="utf-8")
        self.environ = {
            "PATH": str(self.path),
            "LOG": str(self.log),
            "SDK": str(folder / "sdk"),
            "HOME": str(folder),
        }

    def add(self, name: str, script: str) -> Path:
        program = self.path / name
        program.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
        program.chmod(0o755)
        return program

    @property
    def home(self) -> Path:
        return self.root / ".toolchain" / "pulumi"

    def installations(self) -> set[str]:
        """The installations of the CLI, and what an interrupted one left."""
        return {path.name for path in self.home.glob("*")} - {"lock"}

    def find(self, **environ: str) -> Path:
        return pulumi_cli.find(self.root, self.environ | environ)

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command without a terminal, or with TERMINAL=1 as on one."""
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(self.root), *arguments],
            cwd=ROOT,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def start_to_install(self) -> subprocess.Popen[str]:
        """Start to install the CLI; return when npm has written to the log."""
        process = self.start("pulumi", "version", YES="1")
        _wait_for(lambda: self.log.exists() and self.log.read_text(encoding="utf-8") != "")
        return process

    def command(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        """The exit code of a command, its output, and what it prints on standard error."""
        process = self.start(*arguments, **environ)
        stdout, stderr = process.communicate(timeout=30)
        return process.returncode, stdout, stderr


class Terminal(io.StringIO):
    """A terminal on which something is typed."""

    def isatty(self) -> bool:
        return True


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    """Whether the process is the `sleep` of a test; its number may be a zombie's or used again."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.name() == "sleep"
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(node, "environ", lambda: dict(machine.environ))
    monkeypatch.setattr(sys, "stdin", None)
    return machine


@pytest.mark.parametrize("version", ["v3.120.0", "v3.275.0-alpha.x1234"])
def test_find_prefers_the_pulumi_cli_on_path(machine: Machine, version: str) -> None:
    pulumi = machine.add("pulumi", f"echo {version}\n")
    assert machine.find() == pulumi
    assert not machine.home.exists()


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (None, "The Pulumi CLI is not installed. Get it with one of\n"),
        ("echo v3.119.9\n", "is Pulumi 3.119.9, and 3.120.0 or newer is needed."),
        ("exit 3\n", "does not run: `pulumi version` failed."),
        ("echo nothing that is a version\n", "does not run: `pulumi version` failed."),
        ("exec sleep 60\n", "does not run: `pulumi version` failed."),
    ],
    ids=["none", "old", "broken", "no version", "hangs"],
)
def test_find_names_what_is_wrong_with_the_pulumi_cli_on_path(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, script: str | None, problem: str
) -> None:
    machine.add("npm", NPM)
    if script:
        machine.add("pulumi", script)
    if problem.startswith("does not run"):
        monkeypatch.setattr(processes, "SECONDS_TO_RESPOND", 0.2)
    with pytest.raises(ToolchainError) as caught:
        machine.find()
    assert problem in str(caught.value)
    assert "https://www.pulumi.com/docs/install/" in str(caught.value)
    assert "With YES=1 this command installs it" in str(caught.value)
    assert not machine.home.exists()


def test_find_installs_the_pulumi_cli_from_npm_once(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add("npm", NPM)
    pulumi = machine.find(YES="1", PULUMI_VERSION="3.1.0")
    assert pulumi == machine.home / "npm" / pulumi_npm.EXECUTABLE
    assert "Installing the Pulumi CLI from its npm package" in capsys.readouterr().err
    assert machine.installations() == {"npm"}
    (machine.path / "npm").unlink()
    assert machine.find() == pulumi
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("script", ["exit 3\n", "echo v3.264.0\n"], ids=["broken", "older"])
def test_find_replaces_an_installation_that_is_not_the_pinned_version(
    machine: Machine, script: str
) -> None:
    machine.add("npm", NPM)
    pulumi = machine.home / "npm" / pulumi_npm.EXECUTABLE
    pulumi.parent.mkdir(parents=True)
    machine.add("old", script).rename(pulumi)
    with pytest.raises(ToolchainError, match="not installed"):
        machine.find()
    assert machine.find(YES="1") == pulumi
    assert machine.command("pulumi") == (0, "v3.265.0\n", "")


def test_find_builds_the_pulumi_cli_with_go_if_npm_fails(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add("npm", "echo npm error network >&2; exit 1\n")
    machine.add("go", GO)
    personal = {"GOFLAGS": "-mod=vendor", "CGO_ENABLED": "1", "GOINSECURE": "*", "GOENV": "/mine"}
    network = {"HTTPS_PROXY": "http://proxy.example:3128", "SSL_CERT_FILE": "/certificates.pem"}
    pulumi = machine.find(YES="1", **personal, **network)
    assert pulumi == machine.home / "go" / pulumi_go.EXECUTABLE
    shown = capsys.readouterr().err
    assert "npm cannot install the package pulumi. Its output ends with\n  npm error" in shown
    assert "about four minutes" in shown
    assert machine.installations() == {"go"}
    assert (pulumi.parent / "pulumi-language-python-exec").read_text(
        encoding="utf-8"
    ) == "# runs a program\n"
    seen = dict(
        line.split("=", 1)
        for line in machine.log.read_text(encoding="utf-8").splitlines()
        if "=" in line
    )
    assert network.items() <= seen.items()
    assert {name: value for name, value in seen.items() if name.startswith(("GO", "CGO"))} == {
        "GOPROXY": "https://proxy.example",
        "GOENV": "off",
        "GOTOOLCHAIN": "auto",
        "CGO_ENABLED": "0",
    }
    host = pulumi.with_name("pulumi-language-python")
    result = subprocess.run(
        [host, "127.0.0.1:1"], capture_output=True, encoding="utf-8", check=False
    )
    assert (result.returncode, result.stderr) == (
        1,
        "error: there is no .venv to run the program in. Create it by `make up`.\n",
    )


@pytest.mark.parametrize(
    ("npm", "go", "problem"),
    [
        (NO_DOWNLOAD, "", "cannot download the CLI. Its output ends with\n  pulumi: fetch failed"),
        (NPM.replace("echo v3.265.0", "exit 3"), "", "installed, but it does not run."),
        (HANGS, "", "npm cannot install the package pulumi within 0.5 seconds."),
        ("", "", "there is no npm on PATH."),
        ("", "", "there is no go on PATH."),
        ("", "echo go1.20.4", "needs Go 1.21 or newer, and {go} is 1.20."),
        ("", "exit 1", "needs Go, and {go} does not run."),
    ],
    ids=["no download", "broken", "npm hangs", "no npm", "no Go", "old Go", "broken Go"],
)
def test_find_names_why_the_pulumi_cli_cannot_be_installed(
    machine: Machine,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    npm: str,
    go: str,
    problem: str,
) -> None:
    if npm:
        machine.add("npm", npm)
    if npm == HANGS:
        monkeypatch.setattr(pulumi_npm, "SECONDS_TO_INSTALL", 0.5)
    if go:
        machine.add("go", GO.replace("echo go1.26.6", go))
    with pytest.raises(ToolchainError, match="cannot be installed") as caught:
        machine.find(YES="1")
    assert "https://www.pulumi.com/docs/install/" in str(caught.value)
    assert problem.format(go=machine.path / "go") in capsys.readouterr().err
    assert machine.installations() == set()


@pytest.mark.parametrize(("kind", "left"), [(signal.SIGKILL, {"npm.new"}), (signal.SIGINT, set())])
def test_find_trusts_nothing_of_an_installation_that_a_signal_ended(
    machine: Machine, kind: signal.Signals, left: set[str]
) -> None:
    machine.add("npm", NPM + HANGS)
    process = machine.start_to_install()
    child = int(machine.log.read_text(encoding="utf-8"))
    process.send_signal(kind)
    process.communicate(timeout=30)
    if kind == signal.SIGKILL:  # after which the installation could not end its children
        os.kill(child, signal.SIGKILL)
    _wait_for(lambda: not _runs(child))
    assert machine.installations() == left
    with pytest.raises(ToolchainError, match="not installed"):
        machine.find()
    machine.add("npm", NPM)
    machine.find(YES="1")
    assert machine.installations() == {"npm"}


def test_second_installation_waits_for_the_first(machine: Machine) -> None:
    machine.add("npm", f'echo once >> "$LOG"; sleep 1\n{NPM}')
    first = machine.start_to_install()
    code, stdout, stderr = machine.command("pulumi", "version", YES="1")
    first_stdout, _ = first.communicate(timeout=30)
    assert (first.returncode, code) == (0, 0)
    assert stdout == first_stdout
    assert "Waiting for another installation" in stderr
    assert machine.log.read_text(encoding="utf-8") == "once\n"


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("\n", True), ("Y\n", True), ("yes\n", True), ("n\n", False), ("what?\n", False), ("", False)],
)
def test_find_on_a_terminal_asks_once_before_it_installs(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, typed: str, wanted: bool
) -> None:
    machine.add("npm", NPM)
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    if wanted:
        assert machine.find() == machine.home / "npm" / pulumi_npm.EXECUTABLE
    else:
        with pytest.raises(ToolchainError, match="not installed"):
            machine.find()
    assert shown.getvalue().count("[Y/n]") == 1
    assert machine.installations() == ({"npm"} if wanted else set())


def test_pulumi_finds_the_language_host_beside_itself(machine: Machine) -> None:
    machine.add("npm", NPM)
    pulumi = machine.find(YES="1")
    pulumi.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo v3.265.0 || exec pulumi-language-python\n',
        encoding="utf-8",
    )
    host = pulumi.with_name("pulumi-language-python")
    host.write_text("#!/bin/sh\necho the language host\n", encoding="utf-8")
    host.chmod(0o755)
    assert machine.command("pulumi", "preview") == (0, "the language host\n", "")


SELECTED = "stack select --create dev --non-interactive"


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "calls"),
    [
        (["pulumi", "stack", "--stack", "two words"], {}, 7, ["stack --stack two words"]),
        (["up", "dev"], {"TERMINAL": "1"}, 7, ["stack select --create dev", "up --stack dev"]),
        (["up", "dev"], {"YES": "1"}, 7, [SELECTED, "up --stack dev --yes --non-interactive"]),
        (["up", "dev"], {"YES": "1", "SELECT": "5"}, 5, [SELECTED]),
    ],
    ids=["pulumi", "up on a terminal", "up without questions", "up without the stack"],
)
def test_pulumi_gets_its_arguments_and_gives_its_exit_code(
    machine: Machine, arguments: list[str], environ: dict[str, str], code: int, calls: list[str]
) -> None:
    machine.add("pulumi", PULUMI)
    assert machine.command(*arguments, **environ) == (code, "", "")
    assert machine.log.read_text(encoding="utf-8").splitlines() == calls


def test_up_without_a_terminal_fails_before_it_does_anything(machine: Machine) -> None:
    machine.add("pulumi", PULUMI)
    code, _, stderr = machine.command("up", "dev")
    assert code == 1
    assert "there is no terminal" in stderr
    assert "make up STACK=dev YES=1" in stderr
    assert len(stderr.splitlines()) == 1
    assert not machine.log.exists()


def test_up_with_yes_installs_a_missing_cli(machine: Machine) -> None:
    machine.add("npm", NPM)
    code, stdout, _ = machine.command("up", "dev", YES="1")
    assert code == 0
    assert stdout == "v3.265.0\nv3.265.0\n"
