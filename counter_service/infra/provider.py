"""How the stack reaches AWS: the `aws:` keys of its configuration.

An explicit provider takes over nothing of `aws:*` by itself, by design of Pulumi: only the default
provider reads those keys. So they are read here, and a key that is not read is refused rather
than ignored.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import pulumi
import pulumi_aws as aws
from pulumi.runtime.config import CONFIG, get_config_env

from . import config as read

# Key of `aws:` → argument of the provider. region and endpoints are read apart.
_FLAGS: Final = {
    "skipCredentialsValidation": "skip_credentials_validation",
    "skipRequestingAccountId": "skip_requesting_account_id",
    "skipMetadataApiCheck": "skip_metadata_api_check",
    "s3UsePathStyle": "s3_use_path_style",
}
_TEXTS: Final = {"profile": "profile", "accessKey": "access_key"}
_SECRETS: Final = {"secretKey": "secret_key", "token": "token"}
_LISTS: Final = {"allowedAccountIds": "allowed_account_ids"}
KEYS: Final = {"region", "endpoints", *_FLAGS, *_TEXTS, *_SECRETS, *_LISTS}

_URL: Final = r"https?://[^\s/]+(/[^\s]*)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where AWS is and who asks. Without any key: AWS itself, with the shell's credentials."""

    endpoints: Mapping[str, str] = field(default_factory=dict)  # service → URL, without / behind
    arguments: Mapping[str, Any] = field(default_factory=dict)  # of aws.Provider

    @classmethod
    def from_config(cls, config: pulumi.Config) -> Self:
        """From pulumi.Config("aws"). Raises pulumi.RunError naming the key that is wrong."""
        _refuse_what_is_not_read()
        arguments: dict[str, Any] = {}
        for key, argument in _FLAGS.items():
            if config.get(key) is not None:
                arguments[argument] = read.flag(config, key)
        for key, argument in _TEXTS.items():
            if value := config.get(key):
                arguments[argument] = value
        for key, argument in _SECRETS.items():
            if secret := config.get_secret(key):
                arguments[argument] = secret
        for key, argument in _LISTS.items():
            if config.get(key) is not None:
                arguments[argument] = _list(config, key)
        return cls(endpoints=_endpoints(config), arguments=arguments)

    def provider(
        self, name: str, *, region: str, tags: Mapping[str, str], opts: pulumi.ResourceOptions
    ) -> aws.Provider:
        """A provider for one region. Everything it creates has the tags."""
        return aws.Provider(
            name,
            region=region,
            default_tags={"tags": dict(tags)},
            endpoints=[_endpoint_arguments(self.endpoints)] if self.endpoints else None,
            opts=opts,
            **self.arguments,
        )

    def websocket_address(self, api: aws.apigatewayv2.Api) -> pulumi.Output[str]:
        """Where the stages of an API are served, such as wss://{api}.execute-api.….amazonaws.com.

        An emulator names a host below localhost in the API's answer, which does not resolve on
        every machine. It serves the same by path, at the endpoint that the provider talks to.
        """
        if endpoint := self.endpoints.get("apigatewayv2"):
            base = re.sub("^http", "ws", endpoint)
            return pulumi.Output.concat(base, "/_aws/execute-api/", api.id)
        return api.api_endpoint


def _refuse_what_is_not_read() -> None:
    for name in sorted({*CONFIG.get(), *get_config_env()}):
        key = name.removeprefix("aws:")
        if name.startswith("aws:") and key not in KEYS:
            read.wrong(name, f"one of the keys that are read: {', '.join(sorted(KEYS))}")


def _endpoints(config: pulumi.Config) -> dict[str, str]:
    # Pulumi writes Terraform's repeated block as a list of objects; one object has them all.
    found: dict[str, str] = {}
    for entry in _list(config, "endpoints"):
        if not isinstance(entry, dict):
            read.wrong("aws:endpoints", "a list such as [{s3: http://127.0.0.1:4566}]")
        for service, url in entry.items():
            if not isinstance(url, str) or not re.fullmatch(_URL, url):
                read.wrong(f"aws:endpoints {service} {url!r}", "an http(s) URL")
            found[service] = url.rstrip("/")
    return found


def _list(config: pulumi.Config, key: str) -> list[Any]:
    text = config.get(key)
    try:
        value = json.loads(text) if text else []
    except ValueError:
        value = None
    if not isinstance(value, list):
        read.wrong(f"aws:{key} {text!r}", "a list")
    return value


def _endpoint_arguments(endpoints: Mapping[str, str]) -> aws.ProviderEndpointArgs:
    # As the class, not as a dictionary: that one would send the engine "lambda_", its Python name.
    arguments = {"lambda_" if name == "lambda" else name: url for name, url in endpoints.items()}
    try:
        return aws.ProviderEndpointArgs(**arguments)
    except TypeError as problem:
        read.wrong(f"aws:endpoints ({problem})", "made of services that pulumi-aws knows")
