"""botocore, started with no more than this function needs.

bench/cold_start.py measures the effect.
"""

from pathlib import Path
from typing import Any, Final

# Before botocore, which imports it a dozen modules deep. Python may allocate and free memory with
# each call at such a depth (python/cpython#142183). Compiling urllib3's long patterns there took a
# tenth of a cold start.
import urllib3  # noqa: F401

# isort: split
import botocore.session
from botocore.loaders import Loader

from .core.errors import SettingsError
from .fanout.signing import Credentials

SERVICES: Final = ("dynamodb", "lambda")


class _MinimalLoader(Loader):  # type: ignore[misc]  # botocore has no types
    """Lists only SERVICES. botocore's own loader searches 400 folders, twice."""

    def list_available_services(self, type_name: str) -> list[str]:
        del type_name
        return list(SERVICES)


class AwsClients:
    """Clients of SERVICES, and the credentials that they use.

    Args:
        roots: PEM file with the only certificate authorities that are trusted. botocore would read
            its own 150 for each connection, which takes 16 ms of CPU.
    """

    def __init__(self, roots: Path) -> None:
        self._roots = str(roots)
        self._session = botocore.session.get_session()
        self._session.register_component("data_loader", _MinimalLoader())

    def client(self, service: str, config: Any = None) -> Any:
        """A new client; `config` is a botocore.config.Config."""
        return self._session.create_client(service, config=config, verify=self._roots)

    def credentials(self) -> Credentials:
        """The current credentials. Call this for each use, because those of a role rotate.

        Raises:
            SettingsError: There are none.
        """
        found = self._session.get_credentials()
        if found is None:
            raise SettingsError("AWS_ACCESS_KEY_ID", "is not set")
        frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)
