"""`python -m tests.engine.plugin`: the provider as a process, as the engine starts a plugin.

The engine reads the port from its output, and ends it.
"""

import signal
import time

from .account import Account
from .provider import AwsProvider, serving


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the engine's signal, without a traceback
    with serving(AwsProvider(Account())) as port:
        print(port, flush=True)  # noqa: T201  # read by the engine
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
