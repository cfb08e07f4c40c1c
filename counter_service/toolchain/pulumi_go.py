"""Builds the Pulumi CLI from its published Go module, and a language host for Python beside it."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .errors import ToolchainError
from .processes import ask, call

VERSION: Final = (3, 274, 1)
EXECUTABLE: Final = "bin/pulumi"

# The first Go that downloads the newer Go which a module requires. Pulumi requires 1.26.6.
MINIMUM_GO: Final = (1, 21)

PACKAGE: Final = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
# Go applies only the main module's `replace`, so Pulumi's own is repeated here.
MODULE: Final = """\
module pulumi-cli

go 1.26.6

require github.com/pulumi/pulumi/pkg/v3 v3.274.1

replace github.com/atotto/clipboard => \
github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
"""
# Linker flags that set the version, as in Pulumi's own releases.
STAMP: Final = "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.274.1"

# The CLI starts the file of this name beside it, and passes the engine's address.
HOST: Final = "bin/pulumi-language-python"
HOST_TEXT: Final = """\
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$here/../../../..
if ! [ -x "$root/.venv/bin/python" ]; then
    echo "error: there is no .venv to run the program in. Create it by \\`make up\\`." >&2
    exit 1
fi
exec "$root/.venv/bin/python" -P "$root/counter_service/toolchain/language_host.py" \\
    "$here/pulumi-language-python-exec" "$@"
"""
# The script that runs a program is published with the module of the Go SDK.
SDK: Final = "github.com/pulumi/pulumi/sdk/v3"
SCRIPT: Final = "python/cmd/pulumi-language-python-exec"

SECONDS_TO_BUILD = 1800.0


def build(folder: Path, environ: Mapping[str, str]) -> None:
    """Build the CLI to `EXECUTABLE` in an empty folder, and write the language host beside it.

    Args:
        folder: The empty folder.
        environ: PATH, and the settings of the network.

    Raises:
        ToolchainError: Go is missing or too old, or the build fails.
    """
    go = shutil.which("go", path=environ.get("PATH"))
    if go is None:
        raise ToolchainError("Building the Pulumi CLI needs Go, and there is no go on PATH.")
    check(go, environ)
    source = folder / "source"
    source.mkdir()
    (source / "go.mod").write_text(MODULE, encoding="utf-8")
    settings = build_environ(go, environ)
    call(
        [
            *(go, "build", "-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags", STAMP),
            *("-o", folder / EXECUTABLE, PACKAGE),
        ],
        "Go cannot build the Pulumi CLI",
        cwd=source,
        environ=settings,
        seconds=SECONDS_TO_BUILD,
    )
    sdk = ask([go, "list", "-C", source, "-mod=mod", "-m", "-f", "{{.Dir}}", SDK], settings)
    if not sdk:
        raise ToolchainError(
            "Go cannot find Pulumi's SDK, which has the script of the language host."
        )
    shutil.copyfile(Path(sdk.strip()) / SCRIPT, (folder / HOST).with_name(Path(SCRIPT).name))
    (folder / HOST).write_text(HOST_TEXT, encoding="utf-8")
    (folder / HOST).chmod(0o755)
    shutil.rmtree(source)


def check(go: str, environ: Mapping[str, str]) -> None:
    """Fail if this Go does not run, or cannot download a newer one."""
    version = ask([go, "env", "GOVERSION"], {**environ, "GOTOOLCHAIN": "local"})
    match = re.match(r"go(\d+)\.(\d+)", (version or "").strip())
    if match is None:
        raise ToolchainError(f"Building the Pulumi CLI needs Go, and {go} does not run.")
    if (int(match[1]), int(match[2])) < MINIMUM_GO:
        raise ToolchainError(
            f"Building the Pulumi CLI needs Go 1.21 or newer, and {go} is {match[1]}.{match[2]}."
        )


def build_environ(go: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of Go. It keeps only the user's settings for network and cache folders.

    GOFLAGS, GOTOOLCHAIN, CGO_ENABLED and others would change the result. GONOSUMDB, GOPRIVATE,
    GOINSECURE and GOSUMDB=off would leave modules unverified. All of them are dropped, from the
    environment and from the file that `go env -w` writes.
    """
    names = ("GOPROXY", "GOSUMDB", "GOAUTH", "GOPATH", "GOMODCACHE", "GOCACHE")
    output = ask([go, "env", "-json", *names], environ)
    settings: dict[str, str] = json.loads(output) if output else {}
    if settings.get("GOSUMDB") == "off":
        del settings["GOSUMDB"]
    return {
        **{name: value for name, value in environ.items() if not name.startswith(("GO", "CGO_"))},
        **{name: value for name, value in settings.items() if value},
        "GOENV": "off",
        "GOTOOLCHAIN": "auto",
        "CGO_ENABLED": "0",
    }
