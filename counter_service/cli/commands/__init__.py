"""One module for each command of `counter`, which `app.py` finds here.

A module is named as its command, and so is its function. `PANEL` is the command's heading in
`counter --help`. The function's docstring and options are its `--help`. Import what takes long
inside the function, because `counter --help` imports every module.
"""

from typing import Final

RUNNING: Final = "With a running counter"
DEPLOYING: Final = "Before a deployment"
PANELS: Final = (RUNNING, DEPLOYING)
