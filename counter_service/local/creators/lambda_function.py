"""Creates the function, its permission, and how it is invoked asynchronously."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pulumi

from counter_service.local.emulator import MiniStack
from counter_service.local.errors import LocalError

from .creator import Created, Creator
from .inputs import Inputs


def create_function(aws: MiniStack, inputs: Inputs) -> Created:
    """Create the function from its archive, with its reserved concurrency if there is one."""
    tracing = inputs.get("tracingConfig")
    function = aws.client("lambda").create_function(
        FunctionName=inputs["name"],
        Description=inputs.get("description", ""),
        Runtime=inputs["runtime"],
        Architectures=inputs["architectures"],
        Handler=inputs["handler"],
        Role=inputs["role"],
        Code={"ZipFile": zipped(inputs["code"])},
        MemorySize=int(inputs["memorySize"]),
        Timeout=int(inputs["timeout"]),
        Environment={"Variables": inputs["environment"].whole("variables")},
        TracingConfig={"Mode": tracing["mode"] if tracing else "PassThrough"},
    )
    if reserved := inputs.get("reservedConcurrentExecutions"):
        aws.client("lambda").put_function_concurrency(
            FunctionName=inputs["name"], ReservedConcurrentExecutions=int(reserved)
        )
    arn = function["FunctionArn"]
    return function["FunctionName"], {
        "arn": arn,
        "invokeArn": (
            f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
        ),
    }


def zipped(archive: pulumi.AssetArchive) -> bytes:
    """The archive as a zip. The same files give the same bytes.

    Raises:
        LocalError: An entry of the archive is not a file.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, asset in sorted(archive.assets.items()):
            if not isinstance(asset, pulumi.FileAsset):
                raise LocalError(
                    f"The local run cannot pack {name} into the function's archive: "
                    "make it a pulumi.FileAsset."
                )
            # A ZipInfo without a date has a constant one.
            bundle.writestr(zipfile.ZipInfo(name), Path(asset.path).read_bytes())
    return content.getvalue()


def create_recursion_config(aws: MiniStack, inputs: Inputs) -> Created:
    """Set what Lambda does when the function invokes itself in a loop."""
    aws.client("lambda").put_function_recursion_config(
        FunctionName=inputs["functionName"], RecursiveLoop=inputs["recursiveLoop"]
    )
    return inputs["functionName"], {}


def create_event_invoke_config(aws: MiniStack, inputs: Inputs) -> Created:
    """Set the retries and the maximum age of asynchronous invocations."""
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=inputs["functionName"],
        MaximumRetryAttempts=int(inputs["maximumRetryAttempts"]),
        MaximumEventAgeInSeconds=int(inputs["maximumEventAgeInSeconds"]),
    )
    return inputs["functionName"], {}


def create_permission(aws: MiniStack, inputs: Inputs) -> Created:
    """Allow a service to invoke the function."""
    statement_id = "graph-function"
    aws.client("lambda").add_permission(
        FunctionName=inputs["function"],
        StatementId=statement_id,
        Action=inputs["action"],
        Principal=inputs["principal"],
        SourceArn=inputs["sourceArn"],
    )
    return statement_id, {"statementId": statement_id}


CREATORS: Final[Mapping[str, Creator]] = {
    "aws:lambda/function:Function": Creator(
        create_function,
        ignored={
            "loggingConfig": "MiniStack has one format, and writes to the function's log group.",
        },
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Creator(
        create_event_invoke_config
    ),
    "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": Creator(create_recursion_config),
    "aws:lambda/permission:Permission": Creator(create_permission),
}
