"""The AWS SDK, started for this one function: botocore without boto3, and no more than is needed.

bench/cold_start.py measures what that is worth.
"""

from pathlib import Path
from typing import Any, Final

import botocore.session
from botocore.loaders import Loader

from .core.errors import SettingsError
from .fanout.signing import Credentials

SERVICES: Final = ("dynamodb", "lambda")


class _MinimalLoader(Loader):  # type: ignore[misc]  # botocore has no types
    """Knows the SERVICES. botocore's own looks through 400 folders for what there is, twice."""

    def list_available_services(self, type_name: str) -> list[str]:
        del type_name
        return list(SERVICES)


class AwsClients:
    """Clients of the SERVICES, which trust the certificate authorities in the file `roots` alone:
    botocore reads its own 150 anew for each connection, which takes 16 ms of CPU."""

    def __init__(self, roots: Path) -> None:
        self._roots = str(roots)
        self._session = botocore.session.get_session()
        self._session.register_component("data_loader", _MinimalLoader())

    def client(self, service: str, config: Any = None) -> Any:
        """A new client; `config` is a botocore.config.Config."""
        return self._session.create_client(service, config=config, verify=self._roots)

    def credentials(self) -> Credentials:
        """Those of this moment: a role's credentials rotate. Raises SettingsError."""
        found = self._session.get_credentials()
        if found is None:
            raise SettingsError("AWS_ACCESS_KEY_ID", "is not set")
        frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)
