"""Finds Chromium for the tests, and installs one if there is none.

The Makefile calls `python -m tests.e2e.browser`, which does both.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# "1" on Ubuntu 23.10 and newer, and so on GitHub's runners. Other systems do not have the file.
RESTRICTED_NAMESPACES = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
# Without these arguments Chromium calls hosts of its vendor at every start.
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find() -> str | None:
    """Path of a Chromium: the system's, or Playwright's own. None without Playwright's driver."""
    if not _runs([sys.executable, "-m", "playwright", "--version"]):
        return None  # its Node needs libatomic, which a minimal Debian lacks
    if path := _of_the_system():
        return path
    with sync_playwright() as playwright:
        bundled = playwright.chromium.executable_path
    return bundled if Path(bundled).exists() else None


def _of_the_system() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def install() -> bool:
    """Install Debian's Chromium where apt-get may run, and otherwise Playwright's."""
    commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        apt_commands = [
            [apt, "update", "-qq"],
            [apt, "install", "-y", "-qq", "chromium", "libatomic1"],
        ]
        # A root shell on Debian is a container or CI. Debian's packages include the shared
        # libraries that Playwright's browser would lack there.
        return all(_runs(each) for each in apt_commands) or all(_runs(each) for each in commands)
    return all(_runs(each) for each in commands)


def _runs(command: list[str]) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return (
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode
        == 0
    )


def launch(chromium: BrowserType, without: Sequence[str] = ()) -> Browser:
    """Start Chromium. `without` are arguments of Playwright's own to leave out."""
    return chromium.launch(
        executable_path=_of_the_system(),  # None: Playwright's own
        args=ARGUMENTS,
        ignore_default_args=list(without),
        chromium_sandbox=can_sandbox(),
    )


def can_sandbox(user: int | None = None, namespaces: Path = RESTRICTED_NAMESPACES) -> bool:
    """Whether Chromium starts with its sandbox; if not, it ends with "No usable sandbox!".

    Chromium refuses a sandbox to root. AppArmor denies user namespaces, which the sandbox needs, to
    a browser without a profile. The tests open pages of this machine only, so they need no sandbox.
    """
    if (os.geteuid() if user is None else user) == 0:
        return False
    return not (namespaces.exists() and namespaces.read_text(encoding="utf-8").strip() == "1")


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        try:
            yield browser
        finally:
            browser.close()


def main() -> int:
    if find() or (install() and find()):
        return 0
    print(
        "error: no Chromium was found or could be installed. Install one, for example with\n"
        "  sudo apt-get install chromium libatomic1, or\n"
        "  .venv/bin/playwright install --with-deps chromium",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
