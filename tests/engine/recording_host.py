"""A language host that runs no program: it writes the configuration that the engine passes.

Started by the Pulumi CLI in place of `pulumi-language-python`. The first argument is the file to
write, and the last one the engine's address.
"""

import json
import sys
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import language_pb2

from counter_service.toolchain import language_host


class RecordingHost(language_host.LanguageHost):
    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.script.write_text(json.dumps(dict(request.config)), encoding="utf-8")
        return language_pb2.RunResponse()


if __name__ == "__main__":
    language_host.LanguageHost = RecordingHost  # type: ignore[misc]  # main creates it
    language_host.main(sys.argv[1:])
