"""Changes of a deployed stack: what they do, and in which order.

docs/operations.md promises it. After every operation the page must have all its files, and an
address that is served: tests/engine/visitor.py.
"""

import functools
import shutil
from pathlib import Path

import pytest

from counter_service.infra import bundle, site_files
from tests.infra import page

from .stacks import Operations, Stack

STAGE = "websocket-stage"
CONFIG = "website/config.json"
FUNCTION = "websocket"
DOMAIN = {
    *("websocket-certificate", "websocket-certificate-record", "websocket-certificate-validation"),
    *("websocket-domain", "websocket-mapping", "websocket-a", "websocket-aaaa"),
}
WEBSITE = {
    *("website-bucket", "website-private", "website-ownership", "website-encryption"),
    *("website-policy", "website-access", "website-route", "website-headers"),
    *("website-distribution", "website/favicon.svg", CONFIG, "website/index.html"),
}
ASSETS = {f"website/{name}" for name in page.BUILT if name.startswith("assets/")}


def updates(*names: str) -> Operations:
    return {"update": {*names}}


# Name → keys, what happens to stack dev.
CHANGES: dict[str, tuple[dict[str, str], Operations]] = {
    "a number": ({"memoryMb": "1024"}, updates(FUNCTION)),
    "a flag": ({"allowLocalhost": "false"}, updates(FUNCTION)),
    "a list": ({"allowedOrigins": '["https://www.example.com"]'}, updates(FUNCTION)),
    "shards": ({"counterShards": "4"}, updates(FUNCTION)),
    "limit of clicks": ({"clicksPerSecond": "5"}, updates(FUNCTION, "websocket-policy")),
    "throttling": ({"throttleRate": "9"}, updates(STAGE)),
    "authentication": (
        {"authIssuer": "https://login.example.com", "authAudience": "counter"},
        updates(FUNCTION),
    ),
    "data protection": ({"keepData": "true"}, updates("aes_counter_state")),
    "access logs": (
        {"accessLogs": "true"},
        {"create": {"access-logs"}, "update": {STAGE}},
    ),
    "stage name": (
        {"stageName": "live"},
        {
            "create": {STAGE, "websocket-permission"},
            "update": {FUNCTION, "websocket-policy", CONFIG},
            "delete": {STAGE, "websocket-permission"},
        },
    ),
    "domain": (
        {"domainName": "ws.example.com", "hostedZoneId": "Z0123AB"},
        {"create": DOMAIN, "update": {CONFIG, "website-headers"}},
    ),
    "no website": ({"website": "false"}, {"update": {FUNCTION}, "delete": WEBSITE}),
}

# The same for a stack with everything turned on.
CHANGES_OF_EVERYTHING: dict[str, tuple[dict[str, str], Operations]] = {
    "no domain": (
        {"domainName": '""', "hostedZoneId": '""'},
        {"update": {CONFIG, "website-headers"}, "delete": DOMAIN},
    ),
    "another domain": (
        {"domainName": "live.example.com"},
        {"create": DOMAIN, "update": {CONFIG, "website-headers"}, "delete": DOMAIN},
    ),
    "no access logs": ({"accessLogs": "false"}, {"update": {STAGE}, "delete": {"access-logs"}}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_dev_does_what_the_documentation_promises(dev: Stack, change: str) -> None:
    expect_change(dev, *CHANGES[change])


@pytest.mark.parametrize("change", CHANGES_OF_EVERYTHING)
def test_change_of_everything_does_what_the_documentation_promises(
    everything: Stack, change: str
) -> None:
    expect_change(everything, *CHANGES_OF_EVERYTHING[change])


def expect_change(stack: Stack, config: dict[str, str], expected: Operations) -> None:
    stack.configure(**config)
    planned = stack.preview()
    assert without_assets(planned) == expected
    assert stack.up() == expected
    assert stack.account.problems == []


def without_assets(operations: Operations) -> Operations:
    """The engine lists assets that it only takes out of its state among what it deletes."""
    return {operation: names - ASSETS for operation, names in operations.items()}


def test_new_stage_exists_before_the_page_names_it_and_the_old_one_until_then(dev: Stack) -> None:
    dev.configure(stageName="live")
    dev.up()
    expect_order(dev, ("create", STAGE), ("update", CONFIG), ("delete", STAGE))


def test_domain_works_before_the_page_names_it(dev: Stack) -> None:
    dev.configure(**CHANGES["domain"][0])
    dev.up()
    for name in DOMAIN:
        expect_order(dev, ("create", name), ("update", CONFIG))


def test_domain_works_until_the_page_names_another_address(everything: Stack) -> None:
    everything.configure(**CHANGES_OF_EVERYTHING["no domain"][0])
    everything.up()
    for name in DOMAIN:
        expect_order(everything, ("update", CONFIG), ("delete", name))


def test_website_comes_back(dev: Stack) -> None:
    dev.configure(website="false")
    dev.up()
    dev.configure(website="true")
    assert dev.up() == {"create": WEBSITE | ASSETS, "update": {FUNCTION}}
    expect_order(dev, ("create", CONFIG), ("create", "website/index.html"))
    assert dev.account.problems == []


def expect_order(stack: Stack, *operations: tuple[str, str]) -> None:
    places = [
        len(stack.account.operations) - 1 - stack.account.operations[::-1].index(each)
        for each in operations
    ]
    assert places == sorted(places)


# --- the code and the page -----------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the function's files, in another folder and of another time, which is deployed."""
    root = tmp_path / "checkout"
    for name, path in bundle.files().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, root / name)
    monkeypatch.setattr(bundle, "archive", functools.partial(bundle.archive, root))
    return root


def test_another_checkout_of_the_same_code_changes_nothing(dev: Stack, checkout: Path) -> None:
    assert dev.preview() == {}


def test_change_of_the_code_updates_the_function_only(dev: Stack, checkout: Path) -> None:
    with (checkout / bundle.RUNTIME / "handler.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert dev.preview() == updates(FUNCTION)
    assert dev.up() == updates(FUNCTION)


def test_new_build_of_the_page_keeps_the_assets_of_the_old_one(
    dev: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = "assets/index-RP0Vahn5.js", "assets/index-Zz9_xY-4.js"
    web = page.build(tmp_path / "web")
    (web / "dist" / old).rename(web / "dist" / new)
    (web / "dist" / "index.html").write_text(f"<script src=/{new}>", encoding="utf-8")
    monkeypatch.setattr(site_files, "WEB", web)
    assert dev.up() == {"create": {f"website/{new}"}, "update": {"website/index.html"}}
    assert {f"website/{old}", f"website/{new}"} <= dev.account.names()
    expect_order(dev, ("create", f"website/{new}"), ("update", "website/index.html"))
    assert dev.account.problems == []
