"""The baseline: the counter as tutorials write it, with module-level clients, a scan and a loop."""

import json
import os

import boto3

dynamodb = boto3.resource("dynamodb")
connections = dynamodb.Table(os.environ["CONNECTIONS_TABLE"])
counter = dynamodb.Table(os.environ["COUNTER_TABLE"])
api = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["MANAGEMENT_ENDPOINT"])


def handle(event, context):
    connection_id = event["requestContext"]["connectionId"]
    match event["requestContext"]["eventType"]:
        case "CONNECT":
            connections.put_item(Item={"connectionId": connection_id})
        case "DISCONNECT":
            connections.delete_item(Key={"connectionId": connection_id})
        case "MESSAGE":
            message(json.loads(event["body"]), connection_id)
    return {"statusCode": 200}


def message(body, connection_id):
    if body["action"] == "get-current":
        row = counter.get_item(Key={"id": "global"}).get("Item", {})
        send(connection_id, int(row.get("value", 0)))
    elif body["action"] == "increment":
        response = counter.update_item(
            Key={"id": "global"},
            UpdateExpression="ADD #value :one",
            ExpressionAttributeNames={"#value": "value"},
            ExpressionAttributeValues={":one": 1},
            ReturnValues="UPDATED_NEW",
        )
        value = int(response["Attributes"]["value"])
        page = connections.scan()
        rows = page["Items"]
        while "LastEvaluatedKey" in page:
            page = connections.scan(ExclusiveStartKey=page["LastEvaluatedKey"])
            rows += page["Items"]
        for row in rows:
            send(row["connectionId"], value)


def send(connection_id, value):
    try:
        api.post_to_connection(
            ConnectionId=connection_id,
            Data=json.dumps({"type": "counter-update", "value": value}),
        )
    except api.exceptions.GoneException:
        connections.delete_item(Key={"connectionId": connection_id})
