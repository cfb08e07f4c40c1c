"""`python -m counter_service.cli`, which `.venv/bin/counter` starts as well."""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code of the process."""
    try:
        from .app import run

        return run(arguments)
    except KeyboardInterrupt:  # before a command has begun, or at its end
        return 130


if __name__ == "__main__":
    sys.exit(main())
