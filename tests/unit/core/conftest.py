import pytest

from tests.unit.core.service_fixture import ServiceFixture


@pytest.fixture
def service() -> ServiceFixture:
    return ServiceFixture()
