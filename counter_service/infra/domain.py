"""A custom domain for the WebSocket API: certificate, mapping and DNS records."""

from dataclasses import dataclass
from typing import Final, cast

import pulumi
import pulumi_aws as aws

from .websocket_api import WebSocketStage

_RECORD_TYPES: Final = ("A", "AAAA")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomDomainArgs:
    """Arguments of CustomDomain.

    Args:
        domain_name: Such as ws.example.com.
        hosted_zone_id: Id of the Route 53 zone that gets the records.
    """

    domain_name: str
    hosted_zone_id: str
    stage: WebSocketStage


def url(domain_name: str) -> str:
    """The wss URL of the stage. It has no path, because the mapping has no key.

    It is known before any resource exists, so the site's headers do not wait for the domain.
    """
    return f"wss://{domain_name}"


class CustomDomain(pulumi.ComponentResource):
    """Serves the stage at `url(domain_name)`.

    The API's own endpoint stays enabled (`disable_execute_api_endpoint` is not set), because the
    function posts to @connections there, and a disabled endpoint responds with 403.
    """

    def __init__(
        self, name: str, args: CustomDomainArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:CustomDomain", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        domain = self._create_domain(self._create_certificate())
        self._create_records(domain)
        mapping = aws.apigatewayv2.ApiMapping(
            "websocket-mapping",
            api_id=args.stage.api_id,
            domain_name=domain.domain_name,
            stage=args.stage.name,
            opts=self._child,
        )
        self.register_outputs({"url": pulumi.Output.concat("wss://", mapping.domain_name)})

    def _create_certificate(self) -> pulumi.Output[str]:
        """ARN of a certificate that ACM has issued. ACM renews it as long as the record exists."""
        certificate = aws.acm.Certificate(
            "websocket-certificate",
            domain_name=self._args.domain_name,
            validation_method="DNS",
            opts=self._child,
        )
        option = certificate.domain_validation_options[0]  # one name, so one option
        record = aws.route53.Record(
            "websocket-certificate-record",
            zone_id=self._args.hosted_zone_id,
            name=option.resource_record_name,
            type=option.resource_record_type,
            records=[option.resource_record_value],
            ttl=300,
            allow_overwrite=True,  # ACM wants the same record for every certificate of a name
            opts=self._child,
        )
        return aws.acm.CertificateValidation(
            "websocket-certificate-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=self._child,
        ).certificate_arn

    def _create_domain(self, certificate_arn: pulumi.Output[str]) -> aws.apigatewayv2.DomainName:
        return aws.apigatewayv2.DomainName(
            "websocket-domain",
            domain_name=self._args.domain_name,
            domain_name_configuration={
                "certificate_arn": certificate_arn,
                "endpoint_type": "REGIONAL",
                "security_policy": "TLS_1_2",
                "ip_address_type": "dualstack",  # for the AAAA record
            },
            opts=self._child,
        )

    def _create_records(self, domain: aws.apigatewayv2.DomainName) -> None:
        # Optional in pulumi-aws's types, but AWS always sets both.
        target = domain.domain_name_configuration
        target_name = cast("pulumi.Output[str]", target.target_domain_name)
        target_zone = cast("pulumi.Output[str]", target.hosted_zone_id)
        for record_type in _RECORD_TYPES:
            aws.route53.Record(
                f"websocket-{record_type.lower()}",
                zone_id=self._args.hosted_zone_id,
                name=self._args.domain_name,
                type=record_type,
                aliases=[
                    {
                        "name": target_name,
                        "zone_id": target_zone,
                        "evaluate_target_health": False,
                    }
                ],
                opts=self._child,
            )
