"""The increment on two boto3 clients, without a resource."""

import os
from typing import Any

import boto3
from low_level import increment

dynamodb = boto3.client("dynamodb")
api = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["MANAGEMENT_ENDPOINT"])


def handle(event: object, context: object) -> dict[str, Any]:
    increment(dynamodb, api)
    return {"statusCode": 200}
