"""The Pulumi CLI is found, or installed, with programs on a PATH that pretend to be npm and Go."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from counter_service.toolchain import (
    node,
    processes,
    pulumi_cli,
    pulumi_go,
    pulumi_install,
    pulumi_npm,
)
from counter_service.toolchain.errors import ToolchainError

REPOSITORY = Path(__file__).resolve().parents[2]

COMMAND = """\
import os
import sys
from pathlib import Path
from counter_service.toolchain import node, pulumi_cli
from counter_service.toolchain.errors import ToolchainError
node.environ = lambda: dict(os.environ)
root, command, *arguments = sys.argv[1:]
try:
    if command == "find":
        print(pulumi_cli.find(Path(root)))
    elif command == "up":
        sys.exit(pulumi_cli.up(Path(root), arguments[0], yes="yes" in arguments))
    else:
        pulumi_cli.run(Path(root), arguments)
except ToolchainError as error:
    sys.exit(f"error: {error}")
"""

# Downloads, as the real wrapper does, into the folder of its version at its first call.
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
            real = shutil.which(tool)
            assert real
            (self.path / tool).symlink_to(real)
        sdk = folder / "sdk"
        script = sdk / pulumi_go.SCRIPT
        script.parent.mkdir(parents=True)
        script.write_text("# runs a program\n")
        self.environ = {
            "PATH": str(self.path),
            "LOG": str(self.log),
            "SDK": str(sdk),
            "HOME": str(folder),
        }

    def add(self, name: str, script: str) -> Path:
        program = self.path / name
        program.write_text(f"#!/bin/sh\n{script}")
        program.chmod(0o755)
        return program

    @property
    def home(self) -> Path:
        return self.root / ".toolchain" / "pulumi"

    def leftovers(self) -> set[str]:
        return {path.name for path in self.home.glob("*")} - {"lock"}

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(self.root), *arguments],
            cwd=REPOSITORY,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **environ)
        stdout, stderr = process.communicate(timeout=30)
        return process.returncode, stdout, stderr

    def on_a_terminal(self, typed: str, *arguments: str) -> tuple[int, str]:
        """Run a command on a terminal on which something was typed."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(self.root), *arguments],
            cwd=REPOSITORY,
            env=self.environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        os.close(ours)
        return process.wait(timeout=30), shown.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so when the last process on the terminal has ended.
        return b""


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(node, "environ", lambda: dict(machine.environ))
    monkeypatch.setattr(sys, "stdin", None)
    return machine


@pytest.fixture
def allowed(machine: Machine) -> dict[str, str]:
    """The environment of a person who wants an installation without a question."""
    return machine.environ | {"YES": "1"}


# --- found ----------------------------------------------------------------------------------


def test_find_prefers_the_pulumi_cli_on_path(machine: Machine) -> None:
    pulumi = machine.add("pulumi", "echo v3.120.0\n")
    assert pulumi_cli.find(machine.root, machine.environ) == pulumi
    assert not machine.home.exists()


def test_find_accepts_the_development_version_of_a_pulumi_cli(machine: Machine) -> None:
    pulumi = machine.add("pulumi", "echo v3.275.0-alpha.x1234\n")
    assert pulumi_cli.find(machine.root, machine.environ) == pulumi


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo v3.119.9\n", "is Pulumi 3.119.9, and 3.120.0 or newer is needed."),
        ("exit 3\n", "does not run: `pulumi version` failed."),
        ("echo nothing that is a version\n", "does not run: `pulumi version` failed."),
    ],
)
def test_find_says_why_it_refuses_the_pulumi_cli_on_path(
    machine: Machine, script: str, problem: str
) -> None:
    machine.add("pulumi", script)
    with pytest.raises(ToolchainError) as caught:
        pulumi_cli.find(machine.root, machine.environ)
    assert problem in str(caught.value)
    assert "https://www.pulumi.com/docs/install/" in str(caught.value)


def test_find_refuses_a_pulumi_cli_that_never_responds(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.add("pulumi", "exec sleep 60\n")
    monkeypatch.setattr(processes, "SECONDS_TO_RESPOND", 0.1)
    with pytest.raises(ToolchainError, match="does not run"):
        pulumi_cli.find(machine.root, machine.environ)


def test_find_without_a_terminal_says_how_to_get_the_pulumi_cli(machine: Machine) -> None:
    machine.add("npm", NPM)
    code, _, stderr = machine.command("find")
    assert code == 1
    assert stderr.startswith("error: The Pulumi CLI is not installed. Get it with one of\n")
    assert "curl -fsSL https://get.pulumi.com | sh" in stderr
    assert "With YES=1 this command installs it" in stderr
    assert not machine.home.exists()


# --- installed ------------------------------------------------------------------------------


def test_find_installs_the_pulumi_cli_from_npm_once(
    machine: Machine, allowed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add("npm", NPM)
    pulumi = pulumi_cli.find(machine.root, allowed | {"PULUMI_VERSION": "3.1.0"})
    assert pulumi == machine.home / "npm" / pulumi_npm.EXECUTABLE
    assert "Installing the Pulumi CLI from its npm package" in capsys.readouterr().err
    assert machine.leftovers() == {"npm"}
    (machine.path / "npm").unlink()
    assert pulumi_cli.find(machine.root, machine.environ) == pulumi
    assert capsys.readouterr().err == ""


def test_find_refuses_an_installation_that_does_not_run(machine: Machine) -> None:
    pulumi = machine.home / "npm" / pulumi_npm.EXECUTABLE
    pulumi.parent.mkdir(parents=True)
    pulumi.touch(0o755)
    with pytest.raises(ToolchainError, match="not installed"):
        pulumi_cli.find(machine.root, machine.environ)


def test_find_replaces_an_installation_of_another_version(
    machine: Machine, allowed: dict[str, str]
) -> None:
    machine.add("npm", NPM)
    pulumi = pulumi_cli.find(machine.root, allowed)
    pulumi.write_text("#!/bin/sh\necho v3.264.0\n")
    assert pulumi_cli.find(machine.root, allowed) == pulumi
    assert pulumi_install.version_of(pulumi, machine.environ) == pulumi_npm.VERSION


def test_find_builds_the_pulumi_cli_with_go_if_npm_fails(
    machine: Machine, allowed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add("npm", "echo npm error network >&2; exit 1\n")
    machine.add("go", GO)
    pulumi = pulumi_cli.find(machine.root, allowed)
    assert pulumi == machine.home / "go" / pulumi_go.EXECUTABLE
    shown = capsys.readouterr().err
    assert "npm cannot install the package pulumi; its last lines are\n  npm error" in shown
    assert "about four minutes" in shown
    assert machine.leftovers() == {"go"}
    assert os.access(machine.home / "go" / pulumi_go.HOST, os.X_OK)
    assert (pulumi.parent / "pulumi-language-python-exec").read_text() == "# runs a program\n"


def test_find_says_that_the_download_of_the_npm_package_failed(
    machine: Machine, allowed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    wrapper = "#!/bin/sh\\necho pulumi: fetch failed >&2; exit 1\\n"
    machine.add(
        "npm",
        f"mkdir -p node_modules/.bin; printf '{wrapper}' > node_modules/.bin/pulumi\n"
        "chmod +x node_modules/.bin/pulumi\n",
    )
    with pytest.raises(ToolchainError, match="cannot be installed") as caught:
        pulumi_cli.find(machine.root, allowed)
    assert "https://www.pulumi.com/docs/install/" in str(caught.value)
    shown = capsys.readouterr().err
    assert "cannot download the CLI; its last lines are\n  pulumi: fetch failed" in shown
    assert "there is no go on PATH" in shown
    assert machine.leftovers() == set()


def test_find_gives_up_a_download_that_takes_too_long(
    machine: Machine,
    allowed: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine.add("npm", 'sleep 60 & echo $! > "$LOG"; wait\n')
    monkeypatch.setattr(pulumi_npm, "SECONDS_TO_INSTALL", 0.5)
    with pytest.raises(ToolchainError, match="cannot be installed"):
        pulumi_cli.find(machine.root, allowed)
    assert "within 0.5 seconds" in capsys.readouterr().err
    assert machine.leftovers() == set()
    child = int(machine.log.read_text())
    _wait_for(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    """Whether the process is the `sleep` of a test; its number may be a zombie's or used again."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.name() == "sleep"
    except psutil.NoSuchProcess:
        return False


def test_find_refuses_what_was_installed_but_does_not_run(
    machine: Machine, allowed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add("npm", NPM.replace("echo v3.265.0", "exit 3"))
    with pytest.raises(ToolchainError, match="cannot be installed"):
        pulumi_cli.find(machine.root, allowed)
    assert "it does not run" in capsys.readouterr().err
    assert machine.leftovers() == set()


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("echo go1.20.4", "needs Go 1.21 or newer, and {go} is 1.20."),
        ("exit 1", "needs Go, and {go} does not run."),
    ],
)
def test_find_says_why_it_cannot_build_with_go(
    machine: Machine,
    allowed: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    version: str,
    problem: str,
) -> None:
    go = machine.add("go", GO.replace("echo go1.26.6", version))
    with pytest.raises(ToolchainError, match="cannot be installed"):
        pulumi_cli.find(machine.root, allowed)
    assert problem.format(go=go) in capsys.readouterr().err


def test_build_keeps_network_settings_and_drops_personal_ones(
    machine: Machine, allowed: dict[str, str]
) -> None:
    machine.add("go", GO)
    personal = {"GOFLAGS": "-mod=vendor", "CGO_ENABLED": "1", "GOINSECURE": "*", "GOENV": "/mine"}
    network = {"HTTPS_PROXY": "http://proxy.example:3128", "SSL_CERT_FILE": "/certificates.pem"}
    pulumi_cli.find(machine.root, allowed | personal | network)
    seen = dict(line.split("=", 1) for line in machine.log.read_text().splitlines() if "=" in line)
    assert network.items() <= seen.items()
    assert {name: value for name, value in seen.items() if name.startswith(("GO", "CGO"))} == {
        "GOPROXY": "https://proxy.example",
        "GOENV": "off",
        "GOTOOLCHAIN": "auto",
        "CGO_ENABLED": "0",
    }


def test_killed_installation_leaves_nothing_that_is_trusted(machine: Machine) -> None:
    machine.add("npm", NPM + 'echo $$ > "$LOG"; exec sleep 60\n')
    process = machine.start("find", YES="1")
    _wait_for(lambda: machine.log.exists() and machine.log.read_text() != "")
    process.kill()
    process.communicate()
    os.kill(int(machine.log.read_text()), signal.SIGKILL)
    assert machine.leftovers() == {"npm.new"}
    with pytest.raises(ToolchainError, match="not installed"):
        pulumi_cli.find(machine.root, machine.environ)
    machine.add("npm", NPM)
    pulumi_cli.find(machine.root, machine.environ | {"YES": "1"})
    assert machine.leftovers() == {"npm"}


def test_interrupted_installation_ends_its_children_and_removes_their_files(
    machine: Machine,
) -> None:
    machine.add("npm", 'sleep 60 & echo $! > "$LOG"; wait\n')
    process = machine.start("find", YES="1")
    _wait_for(lambda: machine.log.exists() and machine.log.read_text() != "")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert machine.leftovers() == set()
    _wait_for(lambda: not _runs(int(machine.log.read_text())))


def test_language_host_says_that_there_is_no_environment(
    machine: Machine, allowed: dict[str, str]
) -> None:
    machine.add("go", GO)
    host = pulumi_cli.find(machine.root, allowed).with_name("pulumi-language-python")
    result = subprocess.run([host, "127.0.0.1:1"], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        "error: there is no .venv to run the program in. Create it by `make up`.\n"
    )


def test_second_installation_waits_for_the_first(machine: Machine) -> None:
    machine.add("npm", f'echo once >> "$LOG"; sleep 1\n{NPM}')
    first = machine.start("find", YES="1")
    _wait_for(machine.log.exists)
    code, stdout, stderr = machine.command("find", YES="1")
    first_stdout, _ = first.communicate(timeout=30)
    assert (first.returncode, code) == (0, 0)
    assert stdout == first_stdout
    assert "Waiting for another installation" in stderr
    assert machine.log.read_text() == "once\n"


# --- asked ----------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["\n", "y\n", "yes\n", "Y\n"])
def test_find_on_a_terminal_installs_after_one_question(machine: Machine, typed: str) -> None:
    machine.add("npm", NPM)
    code, shown = machine.on_a_terminal(typed, "find")
    assert code == 0
    assert shown.count("[Y/n]") == 1
    assert "from Pulumi's npm package or else built with Go" in shown
    assert shown.splitlines()[-1] == str(machine.home / "npm" / pulumi_npm.EXECUTABLE)


@pytest.mark.parametrize("typed", ["n\n", "what?\n", "\x04"])
def test_find_on_a_terminal_installs_nothing_against_the_will(machine: Machine, typed: str) -> None:
    machine.add("npm", NPM)
    code, shown = machine.on_a_terminal(typed, "find")
    assert code == 1
    assert "https://www.pulumi.com/docs/install/" in shown
    assert not machine.home.exists()


# --- used -----------------------------------------------------------------------------------

PULUMI = """\
[ "$1" = version ] && { echo v3.274.1; exit; }
echo "$*" >> "$LOG"
[ "$2" != select ] || exit "${SELECT:-0}"
exit 7
"""


def test_run_hands_arguments_and_the_exit_code_on(machine: Machine) -> None:
    machine.add("pulumi", PULUMI)
    code, _, _ = machine.command("run", "stack", "output", "--stack", "two words")
    assert code == 7
    assert machine.log.read_text() == "stack output --stack two words\n"


def test_run_finds_the_language_host_beside_the_cli(machine: Machine) -> None:
    machine.add("npm", NPM)
    pulumi = pulumi_cli.find(machine.root, machine.environ | {"YES": "1"})
    pulumi.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo v3.265.0 || exec pulumi-language-python\n'
    )
    host = pulumi.with_name("pulumi-language-python")
    host.write_text("#!/bin/sh\necho the language host\n")
    host.chmod(0o755)
    assert machine.command("run", "preview") == (0, "the language host\n", "")


def test_up_selects_the_stack_and_deploys_it_without_questions(machine: Machine) -> None:
    machine.add("pulumi", PULUMI)
    code, _, _ = machine.command("up", "dev", "yes")
    assert code == 7
    assert machine.log.read_text().splitlines() == [
        "stack select --create dev --non-interactive",
        "up --stack dev --yes --non-interactive",
    ]


def test_up_on_a_terminal_lets_pulumi_ask(machine: Machine) -> None:
    machine.add("pulumi", PULUMI)
    code, _ = machine.on_a_terminal("", "up", "dev")
    assert code == 7
    assert machine.log.read_text().splitlines() == ["stack select --create dev", "up --stack dev"]


def test_up_without_a_terminal_fails_before_it_does_anything(machine: Machine) -> None:
    machine.add("pulumi", PULUMI)
    code, _, stderr = machine.command("up", "dev")
    assert code == 1
    assert "there is no terminal" in stderr
    assert "make up STACK=dev YES=1" in stderr
    assert len(stderr.splitlines()) == 1
    assert not machine.log.exists()


def test_up_stops_when_the_stack_cannot_be_selected(machine: Machine) -> None:
    machine.add("pulumi", PULUMI)
    code, _, _ = machine.command("up", "dev", "yes", SELECT="5")
    assert code == 5
    assert machine.log.read_text() == "stack select --create dev --non-interactive\n"


def test_up_with_yes_installs_a_missing_cli(machine: Machine) -> None:
    machine.add("npm", NPM)
    code, stdout, _ = machine.command("up", "dev", "yes")
    assert code == 0
    assert stdout == "v3.265.0\nv3.265.0\n"
