"""Inputs whose change makes AWS's provider replace a resource: delete it and create another.

Terraform calls them ForceNew; Pulumi takes that over. Read from the schema of each resource in
github.com/hashicorp/terraform-provider-aws, internal/service/<file>. Names are pulumi-aws's.
"""

from typing import Final

FORCE_NEW: Final[dict[str, frozenset[str]]] = {
    type_: frozenset(inputs.split())
    for type_, inputs in {
        # acm/certificate.go, certificate_validation.go
        "aws:acm/certificate:Certificate": (
            "certificateAuthorityArn domainName keyAlgorithm subjectAlternativeNames "
            "validationMethod validationOptions"
        ),
        "aws:acm/certificateValidation:CertificateValidation": (
            "certificateArn validationRecordFqdns"
        ),
        # apigateway/account.go: one for the account and region
        "aws:apigateway/account:Account": "",
        # apigatewayv2/api.go, api_mapping.go, domain_name.go, integration.go, route.go, stage.go
        "aws:apigatewayv2/api:Api": "credentialsArn protocolType routeKey target",
        "aws:apigatewayv2/apiMapping:ApiMapping": "apiId domainName",
        "aws:apigatewayv2/domainName:DomainName": "domainName",
        "aws:apigatewayv2/integration:Integration": "apiId integrationSubtype integrationType",
        "aws:apigatewayv2/route:Route": "apiId",
        "aws:apigatewayv2/stage:Stage": "apiId name",
        # budgets/budget.go
        "aws:budgets/budget:Budget": "accountId name namePrefix",
        # cloudfront/*.go
        "aws:cloudfront/distribution:Distribution": "staging",
        "aws:cloudfront/function:Function": "name",
        "aws:cloudfront/originAccessControl:OriginAccessControl": "",
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": "",
        # cloudwatch/dashboard.go, metric_alarm.go; logs/group.go
        "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
        "aws:cloudwatch/logGroup:LogGroup": "logGroupClass name namePrefix",
        "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
        # dynamodb/table.go
        "aws:dynamodb/table:Table": "hashKey importTable name rangeKey",
        # iam/role.go, role_policy.go, role_policy_attachment.go
        "aws:iam/role:Role": "name namePrefix path",
        "aws:iam/rolePolicy:RolePolicy": "name namePrefix role",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn role",
        # lambda/function.go, function_event_invoke_config.go, function_recursion_config.go,
        # permission.go
        "aws:lambda/function:Function": "name packageType tenancyConfig",
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
            "functionName qualifier"
        ),
        "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": "functionName",
        "aws:lambda/permission:Permission": (
            "action eventSourceToken function functionUrlAuthType invokedViaFunctionUrl principal "
            "principalOrgId qualifier sourceAccount sourceArn statementId statementIdPrefix"
        ),
        # route53/record.go
        "aws:route53/record:Record": "name setIdentifier type zoneId",
        # s3/bucket.go, bucket_*.go, object.go
        "aws:s3/bucket:Bucket": "bucket bucketPrefix objectLockEnabled",
        "aws:s3/bucketObjectv2:BucketObjectv2": "bucket key",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
        "aws:s3/bucketPolicy:BucketPolicy": "bucket",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
            "bucket expectedBucketOwner"
        ),
        # sns/topic.go, topic_policy.go, topic_subscription.go
        "aws:sns/topic:Topic": "fifoTopic name namePrefix",
        "aws:sns/topicPolicy:TopicPolicy": "arn",
        "aws:sns/topicSubscription:TopicSubscription": "endpoint protocol topic",
    }.items()
}
