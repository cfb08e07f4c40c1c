"""A custom domain: certificate, mapping, records, and the resources that it must not change."""

import pytest

from .recorder import HOST, REGION, Graph, record

CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
DOMAIN = "aws:apigatewayv2/domainName:DomainName"
MAPPING = "aws:apigatewayv2/apiMapping:ApiMapping"
RECORD = "aws:route53/record:Record"
TYPES = {CERTIFICATE, VALIDATION, DOMAIN, MAPPING, RECORD}

NAME = "ws.example.com"
ZONE = "Z0123AB"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return record(domainName=NAME, hostedZoneId=ZONE)


def test_the_certificate_is_validated_by_dns(graph: Graph) -> None:
    certificate = graph.one(CERTIFICATE).inputs
    assert (certificate["domainName"], certificate["validationMethod"]) == (NAME, "DNS")
    validation = graph.one(VALIDATION)
    assert validation.inputs["validationRecordFqdns"] == [f"_0a1b.{NAME}"]
    assert graph.one(RECORD, "websocket-certificate-record").inputs == {
        "zoneId": ZONE,
        "name": f"_0a1b.{NAME}.",
        "type": "CNAME",
        "records": ["_2c3d.acm-validations.aws."],
        "ttl": 300,
        "allowOverwrite": True,
        "fqdn": f"_0a1b.{NAME}",
    }


def test_the_domain_waits_for_a_valid_certificate(graph: Graph) -> None:
    domain = graph.one(DOMAIN)
    assert graph.one(VALIDATION).urn in graph.upstream(domain)
    configuration = domain.inputs["domainNameConfiguration"]
    assert configuration["endpointType"] == "REGIONAL"
    assert configuration["ipAddressType"] == "dualstack"  # for the AAAA record
    assert configuration["certificateArn"] == graph.one(VALIDATION).inputs["certificateArn"]


def test_the_domain_serves_the_stage_at_its_root(graph: Graph) -> None:
    mapping = graph.one(MAPPING)
    assert mapping.inputs["domainName"] == NAME
    assert mapping.inputs["apiId"] == "websocket-api-id"
    assert mapping.inputs["stage"] == "prod"
    assert "apiMappingKey" not in mapping.inputs
    assert graph.one("aws:apigatewayv2/stage:Stage").urn in graph.upstream(mapping)


@pytest.mark.parametrize("record_type", ["A", "AAAA"])
def test_a_record_leads_to_the_regional_domain(graph: Graph, record_type: str) -> None:
    inputs = graph.one(RECORD, f"websocket-{record_type.lower()}").inputs
    assert (inputs["zoneId"], inputs["name"], inputs["type"]) == (ZONE, NAME, record_type)
    assert inputs["aliases"] == [
        {
            "name": f"d-a1b2c3d4e5.execute-api.{REGION}.amazonaws.com",
            "zoneId": "Z1U9ULNL0V5AJ3",
            "evaluateTargetHealth": False,
        }
    ]


def test_clients_connect_to_the_domain(graph: Graph) -> None:
    assert graph.outputs["WebSocketApiEndpoint"] == f"wss://{NAME}"


def test_the_function_posts_to_the_api_itself_which_stays_enabled(graph: Graph) -> None:
    variables = graph.one("aws:lambda/function:Function").inputs["environment"]["variables"]
    assert variables["MANAGEMENT_ENDPOINT"] == f"https://{HOST}/prod"
    assert not graph.one("aws:apigatewayv2/api:Api").inputs.get("disableExecuteApiEndpoint")


def test_the_domain_is_in_the_region_of_the_stack(graph: Graph) -> None:
    """A regional domain takes a certificate of its own region only."""
    [provider] = {each.provider for each in graph.resources if each.type in TYPES}
    assert provider.startswith(graph.one("pulumi:providers:aws").urn)
