"""Reads the `aws:` keys of the stack's configuration, and creates the provider from them.

Pulumi passes these keys only to its default provider, and this program uses an explicit one. So
this module reads them, and rejects a key that it does not know instead of ignoring it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import pulumi
import pulumi_aws as aws

from .config import ConfigReader, fail

# Key of `aws:` → argument of the provider. region and endpoints are read separately.
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

_ENDPOINTS: Final = "aws:endpoints"
_URL: Final = r"https?://[^\s/]+(/[^\s]*)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsConnection:
    """The endpoints and credentials of AWS. Without any key, those of AWS and of the shell.

    Args:
        arguments: Arguments of aws.Provider, without its region and its tags.
    """

    arguments: Mapping[str, Any]

    @classmethod
    def from_config(cls, config: pulumi.Config) -> Self:
        """From pulumi.Config("aws"). Raises pulumi.RunError naming the key that is wrong."""
        reader = ConfigReader(config)
        reader.refuse_unknown_keys(
            KEYS, f"Remove it: the program reads only {', '.join(sorted(KEYS))}."
        )
        arguments: dict[str, Any] = {}
        for key, argument in _FLAGS.items():
            if config.get(key) is not None:
                arguments[argument] = reader.flag(key)
        for key, argument in _TEXTS.items():
            if value := config.get(key):
                arguments[argument] = value
        for key, argument in _SECRETS.items():
            if (secret := config.get_secret(key)) is not None:
                arguments[argument] = secret
        for key, argument in _LISTS.items():
            if config.get(key) is not None:
                arguments[argument] = reader.json_list(key, '["123456789012"]')
        if endpoints := _endpoints(config):
            arguments["endpoints"] = [_endpoint_arguments(endpoints)]
        return cls(arguments=arguments)

    def provider(
        self, name: str, *, region: str, tags: Mapping[str, str], opts: pulumi.ResourceOptions
    ) -> aws.Provider:
        """A provider for one region. Every resource that it creates has the tags."""
        return aws.Provider(
            name,
            region=region,
            default_tags={"tags": dict(tags)},
            opts=opts,
            **self.arguments,
        )


def _endpoints(config: pulumi.Config) -> dict[str, str]:
    """The URL of each service that is not at AWS's endpoint, without a trailing slash."""
    if not config.get("endpoints"):
        return {}
    # A list, because Terraform's block may be repeated. One object can have all services.
    example = '[{"s3": "http://127.0.0.1:4566"}]'
    found: dict[str, str] = {}
    for entry in ConfigReader(config).json_list("endpoints", example):
        if not isinstance(entry, dict):
            fail(
                f"aws:endpoints contains {entry!r}, but must be a list such as {example}.",
                _ENDPOINTS,
            )
        for service, url in entry.items():
            if not isinstance(url, str) or not re.fullmatch(_URL, url):
                fail(
                    f"aws:endpoints has {url!r} for {service}, but must have an http or https URL.",
                    _ENDPOINTS,
                )
            found[service] = url.rstrip("/")
    return found


def _endpoint_arguments(endpoints: Mapping[str, str]) -> aws.ProviderEndpointArgs:
    # Use the class, because a dictionary would send the engine "lambda_", the name in Python.
    arguments = {"lambda_" if name == "lambda" else name: url for name, url in endpoints.items()}
    try:
        return aws.ProviderEndpointArgs(**arguments)
    except TypeError as problem:
        fail(
            f"aws:endpoints names a service that pulumi-aws does not have. Remove it. ({problem})",
            _ENDPOINTS,
        )
