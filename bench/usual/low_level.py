"""What `handler.py` does for an increment, on two low-level clients."""

import json
import os
from typing import Any


def increment(dynamodb: Any, api: Any) -> None:
    answer = dynamodb.update_item(
        TableName=os.environ["COUNTER_TABLE"],
        Key={"id": {"S": "global"}},
        UpdateExpression="ADD #value :one",
        ExpressionAttributeNames={"#value": "value"},
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    value = int(answer["Attributes"]["value"]["N"])
    message = json.dumps({"type": "counter-update", "value": value})
    for row in dynamodb.scan(TableName=os.environ["CONNECTIONS_TABLE"])["Items"]:
        api.post_to_connection(ConnectionId=row["connectionId"]["S"], Data=message)
