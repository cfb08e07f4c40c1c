"""API Gateway's default quotas of requests, from which the default limit of posts is derived.

A quota belongs to an account in a region. HTTP, REST and WebSocket APIs share it with the posts to
@connections: docs.aws.amazon.com/apigateway/latest/developerguide/limits.html. If AWS has raised
yours, set `postsPerSecond`, because the program does not see it.
"""

from typing import Final

# Requests per second.
_DEFAULT: Final = 10_000  # with a burst of 5,000
_SMALL: Final = 2_500  # with a burst of 1,250

_REGIONS_WITH_A_SMALL_QUOTA: Final = {
    "af-south-1": "Cape Town",
    "ap-south-2": "Hyderabad",
    "ap-southeast-3": "Jakarta",
    "ap-southeast-4": "Melbourne",
    "ap-southeast-5": "Malaysia",
    "ap-southeast-7": "Thailand",
    "ca-west-1": "Calgary",
    "eu-central-2": "Zurich",
    "eu-south-1": "Milan",
    "eu-south-2": "Spain",
    "il-central-1": "Tel Aviv",
    "me-central-1": "UAE",
    "mx-central-1": "Mexico",
}


def requests_per_second(region: str) -> int:
    """The default quota of an account in this region, in requests per second."""
    return _SMALL if region in _REGIONS_WITH_A_SMALL_QUOTA else _DEFAULT


def default_posts_per_second(region: str) -> int:
    """Half of the quota. The other half is for clients' messages and the account's other APIs."""
    return requests_per_second(region) // 2
