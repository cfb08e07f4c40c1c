"""The environment of a process that uses an emulator."""

from collections.abc import MutableMapping

from counter_service.toolchain.settings import without_proxy_for_loopback


def isolate(environ: MutableMapping[str, str]) -> None:
    """Remove AWS settings from the environment, and let loopback requests bypass proxies.

    boto3 reads a profile even if credentials are passed to it.
    """
    for name in [name for name in environ if name.startswith("AWS_")]:
        del environ[name]
    environ["AWS_EC2_METADATA_DISABLED"] = "true"  # without credentials, boto3 would ask for some
    environ.update(without_proxy_for_loopback(environ))
