"""Every key of the configuration, with a change of it and what that does to the resources."""

from typing import Final

from .recorder import Graph, record, record_without_packages

MAIL: Final = {"alarmEmail": "team@example.com"}
AUTH: Final = {"authIssuer": "https://login.example.com", "authAudience": "counter"}
DOMAIN: Final = {"domainName": "ws.example.com", "hostedZoneId": "Z0123456789"}

# Key → before, after. Keys that require each other change together.
CHANGES: Final[dict[str, tuple[dict[str, str], dict[str, str]]]] = {
    "stageName": ({}, {"stageName": "live"}),
    "memoryMb": ({}, {"memoryMb": "1024"}),
    "timeoutSeconds": ({}, {"timeoutSeconds": "25"}),
    "logRetentionDays": ({}, {"logRetentionDays": "365"}),
    "website": ({}, {"website": "false"}),
    "allowedOrigins": ({}, {"allowedOrigins": '["https://www.example.com"]'}),
    "allowLocalhost": ({}, {"allowLocalhost": "false"}),
    "allowMissingOrigin": ({}, {"allowMissingOrigin": "false"}),
    "authIssuer": ({}, AUTH),
    "authAudience": (AUTH, AUTH | {"authAudience": "other"}),
    "authJwksUrl": (AUTH, AUTH | {"authJwksUrl": "https://login.example.com/keys"}),
    "authPackages": ({}, {"authPackages": ".vendor/other"}),
    "throttleRate": ({}, {"throttleRate": "9"}),
    "throttleBurst": ({}, {"throttleBurst": "9"}),
    "postsPerSecond": ({}, {"postsPerSecond": "9"}),
    "clicksPerSecond": ({}, {"clicksPerSecond": "9"}),
    "counterShards": ({}, {"counterShards": "9"}),
    "reservedConcurrency": ({}, {"reservedConcurrency": "9"}),
    "tableMaxReadUnits": ({}, {"tableMaxReadUnits": "900"}),
    "tableMaxWriteUnits": ({}, {"tableMaxWriteUnits": "900"}),
    "budgetUsd": (MAIL, MAIL | {"budgetUsd": "9"}),
    "domainName": ({}, DOMAIN),
    "hostedZoneId": (DOMAIN, DOMAIN | {"hostedZoneId": "Z9876543210"}),
    "alarms": (MAIL, MAIL | {"alarms": "true"}),
    "alarmEmail": ({}, MAIL),
    "dashboard": ({}, {"dashboard": "true"}),
    "tracing": ({}, {"tracing": "true"}),
    "accessLogs": ({}, {"accessLogs": "true"}),
    "accountLoggingRole": ({}, {"accountLoggingRole": "true"}),
    "keepData": ({}, {"keepData": "true"}),
}

# Keys that switch something on or off. The others change resources and add or remove none.
SWITCHES: Final = {
    "website",
    "authIssuer",
    "clicksPerSecond",
    "budgetUsd",
    "domainName",
    "alarms",
    "alarmEmail",
    "dashboard",
    "tracing",
    "accessLogs",
    "accountLoggingRole",
}

# Logical names of the resources that a change replaces. A key that is not listed replaces none.
REPLACED: Final[dict[str, set[str]]] = {
    # Both resources name the stage. Clients reconnect to the new URL.
    "stageName": {"websocket-permission", "websocket-stage"},
    # A record cannot move to another zone.
    "hostedZoneId": {"websocket-a", "websocket-aaaa", "websocket-certificate-record"},
}


def graph(config: dict[str, str]) -> Graph:
    """The graph of dev with these keys set."""
    return record_without_packages(**config) if "authIssuer" in config else record(**config)
