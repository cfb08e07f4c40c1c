"""`.venv/bin/counter`, which starts counter_service/cli.

The project is no package, so no installer writes this script. uv writes those of the packages in
the same way, with `--relocatable`: they find the environment by their own path.
"""

from pathlib import Path
from typing import Final

NAME: Final = "counter"

# A shell script that is Python as well. The first line of a Python script has an absolute path,
# which would be wrong after a move, and too long or broken by a space in some folders.
SCRIPT: Final = """\
#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python" -I -- "$0" "$@"
' '''
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from counter_service.cli.__main__ import main

sys.exit(main())
"""


def ensure(environment: Path) -> None:
    """Have the script in an environment, as it is here. Call it under `places.exclusive`."""
    path = environment / "bin" / NAME
    if _content(path) != SCRIPT:
        # A script that runs at this moment keeps the file that it was started from.
        new = path.with_name(f"{NAME}.new")
        new.write_text(SCRIPT, encoding="utf-8")
        new.replace(path)
    if path.stat().st_mode & 0o111 != 0o111:
        path.chmod(0o755)


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
