"""`python3 -I counter_service/toolchain COMMAND`: what the Makefile calls."""

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  # an older one runs this line, and no further
    sys.exit(
        f"error: Python 3.11 or newer is needed, and {sys.executable} is {sys.version.split()[0]}. "
        "Name a newer one, for example make PYTHON=python3.13."
    )

# Run as a folder, so that the command works whatever PYTHONPATH and PYTHONSAFEPATH are.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from counter_service.toolchain.commands import main  # noqa: E402  # needs the path above

sys.exit(main(sys.argv[1:]))
