"""A clean Debian system in a temporary folder, and commands inside it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The README requires these. git is for the clone.
PACKAGES: Final = ("python3", "python3-venv", "make", "git", "ca-certificates")
SCRIPTS: Final = Path("/usr/share/debootstrap")

# These name the sources of packages and the certificates. Nothing else is inherited.
NETWORK: Final = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    *("NODE_EXTRA_CA_CERTS", "npm_config_cafile", "npm_config_registry"),
)

# Processes and mounts live in namespaces of their own, so they end with this process, however it
# ends.
ISOLATED: Final = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
)
ENTER: Final = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm"
exec chroot "$@"
"""


class FreshError(Exception):
    """Why a system could not be created, or a command in it failed, as a sentence."""


@dataclass(frozen=True, slots=True)
class User:
    name: str
    number: int
    home: str

    @property
    def checkout(self) -> str:
        return f"{self.home}/counter-service"


ROOT: Final = User("root", 0, "/root")
NEWCOMER: Final = User("newcomer", 1000, "/home/newcomer")


@dataclass(frozen=True, slots=True)
class System:
    """A Debian release that is installed in the folder `root`."""

    release: str
    root: Path

    def checkout(self, user: User) -> Path:
        """The user's clone, as seen from outside."""
        return self.root / user.checkout.removeprefix("/")

    def clone(self, repository: Path, user: User) -> None:
        """Clone the commit that is checked out in the repository."""
        folder = self.checkout(user)
        git = ("git", "clone", "--quiet", "--no-hardlinks")
        subprocess.run([*git, repository, folder], check=True)
        subprocess.run(["chown", "-R", f"{user.number}:{user.number}", folder], check=True)

    def command(self, *words: str, user: User = ROOT) -> list[str]:
        """The command line that runs a command in the user's clone, as a shell would."""
        variables = {
            "HOME": user.home,
            "USER": user.name,
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
        } | inherited(os.environ)
        assignments = [f"{name}={value}" for name, value in variables.items()]
        inside = ["sh", "-c", f'cd {user.checkout} 2>/dev/null; exec "$@"', "sh", *words]
        chroot = [f"--userspec={user.number}:{user.number}", str(self.root), "env", "-i"]
        return [*ISOLATED, "sh", "-ec", ENTER, str(self.root), *chroot, *assignments, *inside]

    def output(self, *words: str) -> str:
        """The output of a command, without the white space around it."""
        return subprocess.run(
            self.command(*words), capture_output=True, encoding="utf-8", check=True
        ).stdout.strip()


@contextmanager
def installed(release: str, log: Path) -> Iterator[System]:
    """Install a Debian release, such as "trixie", and remove it in the end.

    Args:
        log: The file for debootstrap's output.

    Raises FreshError when it cannot be installed.
    """
    # Not /tmp, which Debian 13 mounts with nodev: debootstrap refuses it.
    with (
        tempfile.TemporaryDirectory(
            prefix=f"debian-{release}-", dir="/var/tmp", ignore_cleanup_errors=True
        ) as root,
        tempfile.TemporaryDirectory() as copy,
    ):
        system = System(release, Path(root))
        system.root.chmod(0o755)  # it is the system's /, which every user may read
        # A debootstrap that is older than the release has no script for it. They are alike.
        shutil.copytree(SCRIPTS, copy, symlinks=True, dirs_exist_ok=True)
        script = Path(copy) / "scripts" / release
        if not script.exists():
            script.symlink_to("sid")
        options = ("--variant=minbase", f"--include={','.join(PACKAGES)}")
        with log.open("wb") as output:
            done = subprocess.run(
                [*ISOLATED, "--mount-proc", "debootstrap", *options, release, root],
                env=os.environ | {"DEBOOTSTRAP_DIR": copy},
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise FreshError(f"debootstrap cannot install {release}: see {log}.")
        # A mirror may lag behind for longer than a testing release's index is valid.
        lenient = system.root / "etc/apt/apt.conf.d/fresh"
        lenient.write_text('Acquire::Check-Valid-Until "false";\n', encoding="utf-8")
        system.output("useradd", "--create-home", "--uid", str(NEWCOMER.number), NEWCOMER.name)
        for file in ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
            if Path(file).exists():
                shutil.copyfile(file, system.root / file.removeprefix("/"))
        yield system


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables about the network and certificates."""
    return {name: environ[name] for name in NETWORK if name in environ}


def missing() -> str | None:
    """Why no system can be created on this machine, as a sentence; None when one can."""
    if os.geteuid() != 0:
        return "A clean system needs root: run sudo make test-fresh."
    for tool in ("debootstrap", "setpriv", "unshare", "chroot", "git"):
        if not shutil.which(tool):
            return f"A clean system needs {tool}: run apt-get install {tool}."
    return None
