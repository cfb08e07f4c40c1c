"""The limit of posts that a stack without `postsPerSecond` has, by its region."""

import pytest

from counter_service.infra.quotas import default_posts_per_second

from .recorder import record

# Cape Town, Hyderabad, Jakarta, Melbourne, Malaysia, Thailand, Calgary, Zurich, Milan, Spain,
# Tel Aviv, UAE, Mexico.
SMALL = (
    *("af-south-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
    *("ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2"),
    *("il-central-1", "me-central-1", "mx-central-1"),
)


def posts_per_second(region: str, key: str) -> str:
    function = record(region=region, postsPerSecond=key).one("aws:lambda/function:Function")
    value: str = function.inputs["environment"]["variables"]["POSTS_PER_SECOND"]
    return value


@pytest.mark.parametrize(
    ("region", "limit"),
    [
        *(("eu-central-1", 5000), ("us-east-1", 5000), ("me-south-1", 5000)),
        *((region, 1250) for region in SMALL),
    ],
)
def test_the_limit_of_posts_is_half_of_the_regions_quota(region: str, limit: int) -> None:
    assert default_posts_per_second(region) == limit


@pytest.mark.parametrize(("region", "limit"), [("eu-central-1", "5000"), ("eu-south-1", "1250")])
def test_a_stack_without_the_key_posts_as_fast_as_its_region_allows(
    region: str, limit: str
) -> None:
    assert posts_per_second(region, "0") == limit


@pytest.mark.parametrize("region", ["eu-central-1", "eu-south-1"])
def test_a_stack_with_the_key_posts_as_fast_as_the_key_says(region: str) -> None:
    assert posts_per_second(region, "7000") == "7000"
