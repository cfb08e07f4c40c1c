"""The increment on two botocore clients, without boto3."""

import os
from typing import Any

import botocore.session
from low_level import increment

session = botocore.session.get_session()
dynamodb = session.create_client("dynamodb")
api = session.create_client(
    "apigatewaymanagementapi", endpoint_url=os.environ["MANAGEMENT_ENDPOINT"]
)


def handle(event: object, context: object) -> dict[str, Any]:
    increment(dynamodb, api)
    return {"statusCode": 200}
