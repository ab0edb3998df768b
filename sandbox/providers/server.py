"""Runs a provider as the engine's plugin: gRPC, one clear sentence per error, a quiet end."""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.providers.framework import ProviderError, UnfinishedError

# Requests to emulators are short, and the engine asks for many resources at once.
_THREADS = 16
_MESSAGE_BYTES = 400 * 1024 * 1024  # What the engine itself allows.
_WATCH_SECONDS = 1.0
_GRACE_SECONDS = 5.0


def main(provider: sdk.Provider, version: str) -> None:
    """Serve until the engine ends us or ends itself, then exit without a word.

    Launch it with `exec`: it ends when its parent process does, so that a killed engine leaves no
    plugin behind.
    """
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if not addresses:
        sys.exit("a provider is started by the Pulumi engine, which passes its own address")
    asyncio.run(_serve(provider, version, addresses[0]))
    # A thread may still wait for an answer that nobody needs any more.
    sys.stdout.flush()
    os._exit(0)


async def _serve(provider: sdk.Provider, version: str, engine_address: str) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="cloud"))
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)

    server = grpc.aio.server(
        interceptors=[_OneSentence()],
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MESSAGE_BYTES),
        ],
    )
    servicer = ProviderServicer(sys.argv[1:], version, provider, engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    parent = os.getppid()  # An engine that is gone already does not take the port: that fails.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()

    while not ended.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(ended.wait(), _WATCH_SECONDS)
        except TimeoutError:
            continue
    await server.stop(_GRACE_SECONDS)


Call = Callable[[Any, "grpc.aio.ServicerContext[Any, Any]"], Awaitable[Any]]


class _OneSentence(grpc.aio.ServerInterceptor):
    """Reports an error as the engine expects it, instead of gRPC's words around it."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        return grpc.unary_unary_rpc_method_handler(
            _reporting(handler.unary_unary),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def _reporting(call: Call) -> Any:
    async def answer(request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> Any:
        try:
            return await call(request, context)
        except UnfinishedError as error:
            await context.abort(
                grpc.StatusCode.UNKNOWN, str(error), (("grpc-status-details-bin", _details(error)),)
            )
        except ProviderError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except NotImplementedError as error:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except Exception as error:  # noqa: BLE001 - a bug of ours: the engine shows where it is
            trace = "".join(traceback.format_exception(error))
            await context.abort(
                grpc.StatusCode.UNKNOWN, f"this is a fault in the sandbox's own provider:\n{trace}"
            )

    return answer


def _details(error: UnfinishedError) -> bytes:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.resource_id,
            properties=PropertyValue.marshal_map(error.state),
            reasons=[str(error)],
        )
    )
    return status.SerializeToString()
