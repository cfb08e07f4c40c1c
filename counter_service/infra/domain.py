"""A domain name of one's own for the WebSocket API: certificate, mapping and DNS records."""

from typing import Final, cast

import pulumi
import pulumi_aws as aws

from .settings import Settings

Known = pulumi.Output[str]  # optional in pulumi-aws's types, but AWS always says it

# Regional domains speak both, and the records below name both.
_RECORD_TYPES: Final = ("A", "AAAA")


def url(settings: Settings) -> str | None:
    """The wss URL at the domain, if there is one. Without a path: the mapping has no key.

    Known before anything exists, so what needs the URL need not wait for what serves it.
    """
    return f"wss://{settings.domain_name}" if settings.domain_name else None


class CustomDomain(pulumi.ComponentResource):
    """Serves the stage at `url(settings)`.

    The API's own endpoint stays on (`disable_execute_api_endpoint` is not set): the function posts
    to @connections there, and would be answered 403 like anybody else.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        stage: aws.apigatewayv2.Stage,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("counter:infra:CustomDomain", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        domain = aws.apigatewayv2.DomainName(
            "websocket-domain",
            domain_name=settings.domain_name,
            domain_name_configuration={
                "certificate_arn": self._validated_certificate(settings),
                "endpoint_type": "REGIONAL",
                "security_policy": "TLS_1_2",
                "ip_address_type": "dualstack",
            },
            opts=child,
        )
        mapping = aws.apigatewayv2.ApiMapping(
            "websocket-mapping",
            api_id=stage.api_id,
            domain_name=domain.domain_name,
            stage=stage.name,
            opts=child,
        )
        target = domain.domain_name_configuration
        for record_type in _RECORD_TYPES:
            aws.route53.Record(
                f"websocket-{record_type.lower()}",
                zone_id=settings.hosted_zone_id,
                name=settings.domain_name,
                type=record_type,
                aliases=[
                    {
                        "name": cast("Known", target.target_domain_name),
                        "zone_id": cast("Known", target.hosted_zone_id),
                        "evaluate_target_health": False,
                    }
                ],
                opts=child,
            )
        self.register_outputs({"url": pulumi.Output.concat("wss://", mapping.domain_name)})

    def _validated_certificate(self, settings: Settings) -> pulumi.Output[str]:
        """ARN of a certificate that ACM has issued, and renews while the record stays."""
        child = pulumi.ResourceOptions(parent=self)
        certificate = aws.acm.Certificate(
            "websocket-certificate",
            domain_name=settings.domain_name,
            validation_method="DNS",
            opts=child,
        )
        option = certificate.domain_validation_options[0]  # one name, so one option
        record = aws.route53.Record(
            "websocket-certificate-record",
            zone_id=settings.hosted_zone_id,
            name=option.resource_record_name,
            type=option.resource_record_type,
            records=[option.resource_record_value],
            ttl=300,
            allow_overwrite=True,  # ACM asks for the same record for every certificate of the name
            opts=child,
        )
        return aws.acm.CertificateValidation(
            "websocket-certificate-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=child,
        ).certificate_arn
