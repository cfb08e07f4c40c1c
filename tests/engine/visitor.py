"""Problems of the page, for a visitor between two operations of a deployment."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from counter_service.infra.site_files import CONFIG, INDEX
from counter_service.runtime import contract

from .account import OBJECT, Account, Thing


def problems(account: Account) -> list[str]:
    """The files that the page lacks, and why the address in its config.json does not work."""
    files = {thing.inputs["key"]: thing for thing in account.of(OBJECT)}
    found = []
    if index := files.get(INDEX):
        named = re.findall(
            r"/(assets/[\w.-]+)", Path(index.inputs["source"]["path"]).read_text(encoding="utf-8")
        )
        found += [f"{INDEX} names {file}." for file in {CONFIG, *named} - files.keys()]
    if config := files.get(CONFIG):
        url = json.loads(config.inputs["content"])["webSocketUrl"]
        found += [f"{CONFIG} names {url}, but {lack}." for lack in lacks(account, url)]
    return found


def lacks(account: Account, url: str) -> list[str]:
    """The parts that a WebSocket URL needs and that do not exist."""
    host, path = urlsplit(url).netloc, urlsplit(url).path
    apis = [
        (api.id, path.removeprefix("/"))
        for api in account.of("aws:apigatewayv2/api:Api")
        if api.outputs["apiEndpoint"] == f"wss://{host}"
    ]
    mapped = [
        (mapping.inputs["apiId"], mapping.inputs["stage"])
        for mapping in account.of("aws:apigatewayv2/apiMapping:ApiMapping")
        if mapping.inputs["domainName"] == host
    ]
    if not apis and not mapped:
        return ["its host has no API"]
    [(api_id, stage)] = apis or mapped
    found = _lacks_of_api(account, api_id, stage)
    if mapped and not _with(account, "aws:apigatewayv2/domainName:DomainName", domainName=host):
        found.append("its domain name does not exist")
    if mapped and not _with(account, "aws:route53/record:Record", name=host, type="A"):
        found.append("its host has no record")
    return found


def _lacks_of_api(account: Account, api_id: str, stage: str) -> list[str]:
    found = []
    if not _with(account, "aws:apigatewayv2/stage:Stage", apiId=api_id, name=stage):
        found.append(f"there is no stage {stage}")
    integrations = {
        f"integrations/{each.id}": each.inputs["integrationUri"]
        for each in _with(account, "aws:apigatewayv2/integration:Integration", apiId=api_id)
    }
    functions = {each.outputs["invokeArn"] for each in account.of("aws:lambda/function:Function")}
    routes = {
        route.inputs["routeKey"]
        for route in _with(account, "aws:apigatewayv2/route:Route", apiId=api_id)
        if integrations.get(route.inputs["target"]) in functions
    }
    found += [f"route {key} leads to no function" for key in contract.ROUTES if key not in routes]
    for api in account.of("aws:apigatewayv2/api:Api"):
        source = f"{api.outputs['executionArn']}/{stage}/*"
        if not _with(account, "aws:lambda/permission:Permission", sourceArn=source):
            found.append(f"stage {stage} may not invoke the function")
    return found


def _with(account: Account, type_: str, **inputs: Any) -> list[Thing]:
    return [thing for thing in account.of(type_) if _has(thing.inputs, inputs)]


def _has(inputs: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(inputs.get(name) == value for name, value in wanted.items())
