"""`python3 -I counter_service/toolchain COMMAND`: the entry point that the Makefile calls."""

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  # an older Python must get this far, and stop here
    sys.exit(
        f"error: Python 3.11 or newer is needed, and {sys.executable} is {sys.version.split()[0]}. "
        "Name a newer one, for example make PYTHON=python3.13."
    )

# Python got the path of this folder, so that PYTHONPATH and PYTHONSAFEPATH do not matter. The
# imports need the checkout instead.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from counter_service.toolchain.commands import main  # noqa: E402  # needs the path above

sys.exit(main(sys.argv[1:]))
