"""Stands in for AWS's provider, as Pulumi's engine calls it: a server of its gRPC protocol.

It follows the bridged provider: outputs that AWS computes are unknown in a preview, a changed
input is a diff, and a changed ForceNew input is a replacement. Assets are compared by their hash.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import RLock
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockResourceArgs, Mocks
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.infra import recorder
from tests.infra.force_new import FORCE_NEW

from .account import Account, Refused, Thing

VERSION: Final = "7.51.1"
_PATH: Final = "path"  # of an asset, which also has a hash


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Creates resources in an account.

    Args:
        account: The resources that exist.
        aws: Creates a resource and returns its outputs. The default only invents the outputs.
    """

    def __init__(self, account: Account, aws: Mocks | None = None) -> None:
        self.account = account
        self._inventor = recorder.Provider()
        self._aws = aws or self._inventor
        self._lock = RLock()  # one operation at a time, so that they have an order

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _diff(_changed(_plain(request.old_inputs), _plain(request.news)), frozenset())

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        changed = _changed(_plain(request.old_inputs), _plain(request.news))
        return _diff(changed, FORCE_NEW[request.type])

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs = _plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=_struct(self._planned(request, inputs)))
        with self._lock, _refusals(context):
            self.account.refuse(request.type, request.name, inputs)
            values = rpc.deserialize_properties(request.properties)
            arguments = MockResourceArgs(request.type, request.name, values, custom=True)
            id_, outputs = self._aws.new_resource(arguments)
            if self._aws is self._inventor:  # which gives two resources of a name one id
                id_ = f"{id_}-{self.account.created}"
            computed = {key: value for key, value in outputs.items() if values.get(key) != value}
            thing = Thing(request.type, request.name, str(id_), inputs, inputs | computed)
            self.account.create(thing)
            return provider_pb2.CreateResponse(id=thing.id, properties=_struct(thing.outputs))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs = _plain(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_struct(self._updated(request, inputs)))
        with self._lock, _refusals(context):
            outputs = self._updated(request, inputs)
            self.account.update(Thing(request.type, request.name, request.id, inputs, outputs))
            return provider_pb2.UpdateResponse(properties=_struct(outputs))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._lock, _refusals(context):
            self.account.delete(request.type, request.id)
            return empty_pb2.Empty()

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        thing = self.account.things.get((request.type, request.id))
        if thing is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=thing.id, properties=_struct(thing.outputs), inputs=_struct(thing.inputs)
        )

    def _outputs(self, request: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        arguments = MockResourceArgs(request.type, request.name, inputs)
        return self._inventor.new_resource(arguments)[1]

    def _planned(self, request: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        """The outputs of a resource that does not exist. Those that AWS computes are unknown."""
        outputs = self._outputs(request, inputs)
        return inputs | {
            name: _unknown_beside(inputs.get(name), value) for name, value in outputs.items()
        }

    def _updated(self, request: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        """The outputs after an update. Those that AWS computed stay, unless an input sets them."""
        old_inputs = _plain(request.old_inputs)
        computed = {
            name: value for name, value in _plain(request.olds).items() if name not in old_inputs
        }
        return computed | self._outputs(request, inputs)


@contextmanager
def serving(provider: AwsProvider) -> Iterator[int]:
    """Serve a provider on a port of this machine."""
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@contextmanager
def _refusals(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except Refused as problem:
        _abort(context, str(problem))


def _abort(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError("context.abort() did not raise an exception")


def _plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = json_format.MessageToDict(struct)
    return plain


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
    """Names of the inputs that differ."""
    names = old.keys() | new.keys()
    return frozenset(name for name in names if _seen(old.get(name)) != _seen(new.get(name)))


def _seen(value: Any) -> Any:
    """A value without the paths of its assets, which have a hash."""
    if isinstance(value, dict):
        return {
            key: _seen(inner)
            for key, inner in value.items()
            if not (key == _PATH and rpc._special_sig_key in value)
        }
    return [_seen(inner) for inner in value] if isinstance(value, list) else value


def _unknown_beside(given: Any, value: Any) -> Any:
    """A planned output: unknown unless it was given as an input."""
    if isinstance(given, dict) and isinstance(value, dict):
        return {key: _unknown_beside(given.get(key), inner) for key, inner in value.items()}
    return given if given == value else rpc.UNKNOWN


def _diff(changed: frozenset[str], force_new: frozenset[str]) -> Any:
    kinds = provider_pb2.DiffResponse
    return provider_pb2.DiffResponse(
        changes=kinds.DIFF_SOME if changed else kinds.DIFF_NONE,
        diffs=sorted(changed),
        replaces=sorted(changed & force_new),
    )
