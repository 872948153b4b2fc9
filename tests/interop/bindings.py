"""Agents built on the official Python SDK, each with one interface alone; prints their addresses as one line of JSON.

    bindings.py      {"HTTP+JSON 1.0": ..., "GRPC 1.0": ..., "JSONRPC 0.3": ..., "fallback": ...}

They ask back once, and turn the words of what they are told then around. With "slowly" they take seconds for it, with
"piecemeal" they say it word by word, and do not ask; "unreadable" they refuse. `/canceled` says how many of their tasks were
canceled. The last one's card begins with interfaces of which one is not there, and one leads to nothing.
"""

import asyncio
import json
import socket

import grpc
import uvicorn
from a2a.helpers.proto_helpers import new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.request_handlers.grpc_handler import GrpcHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from a2a.types.a2a_pb2_grpc import add_A2AServiceServicer_to_server
from a2a.utils.errors import ContentTypeNotSupportedError
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


SECONDS = 4
PAUSE = 0.2


class Turner(AgentExecutor):
    def __init__(self):
        self.canceled = 0

    async def execute(self, context, event_queue):
        begun = context.current_task
        task = begun or new_task_from_user_message(context.message)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        words = context.get_user_input().split()
        if "unreadable" in words:
            raise ContentTypeNotSupportedError(message="these words cannot be read")
        if not begun:
            await event_queue.enqueue_event(task)
        if not begun and not {"slowly", "piecemeal"} & set(words):
            await updater.requires_input(updater.new_agent_message([new_text_part("Which words?")]))
            return
        await updater.start_work(updater.new_agent_message([new_text_part("turning words around")]))
        if "slowly" in words:
            await asyncio.sleep(SECONDS)
        turned = list(reversed(words))
        pieces = [f"{word} " for word in turned] if "piecemeal" in words else [" ".join(turned)]
        for at, piece in enumerate(pieces):
            await updater.add_artifact([new_text_part(piece)], "turned", append=at > 0, last_chunk=at == len(pieces) - 1)
            await asyncio.sleep(PAUSE)
        await updater.complete()

    async def cancel(self, context, event_queue):
        self.canceled += 1
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def card(url, interfaces, streaming):
    skill = AgentSkill(id="turn", name="Turn", description="Turns words around.", tags=["text"], examples=["turn"])
    return AgentCard(
        name="Turner", description="Turns words around.", version="1", skills=[skill],
        supported_interfaces=[
            AgentInterface(url=at, protocol_binding=binding, protocol_version=version)
            for binding, version, at in interfaces
        ],
        capabilities=AgentCapabilities(streaming=streaming),
        default_input_modes=["text/plain"], default_output_modes=["text/plain"],
    )


def listener():
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen()
    return bound, f"http://127.0.0.1:{bound.getsockname()[1]}"


def served(kind, url, over_grpc):
    turner = Turner()
    own = lambda of: DefaultRequestHandler(agent_executor=turner, task_store=InMemoryTaskStore(), agent_card=of)
    canceled = Route("/canceled", lambda _: JSONResponse(turner.canceled))
    if kind == "JSONRPC 0.3":
        of = card(url, [("JSONRPC", "0.3", f"{url}/")], True)
        old = {
            "name": of.name, "description": of.description, "version": "1", "protocolVersion": "0.3.0", "url": f"{url}/",
            "preferredTransport": "JSONRPC", "capabilities": {"streaming": True}, "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "skills": [{"id": "turn", "name": "Turn", "description": "", "tags": [], "examples": ["turn"]}],
        }
        shown = Route("/.well-known/agent-card.json", lambda _: JSONResponse(old))
        return [shown, canceled, *create_jsonrpc_routes(own(of), rpc_url="/", enable_v0_3_compat=True)]
    if kind == "GRPC 1.0":
        port = over_grpc.add_insecure_port("127.0.0.1:0")
        of = card(url, [("GRPC", "1.0", f"127.0.0.1:{port}")], True)
        add_A2AServiceServicer_to_server(GrpcHandler(own(of)), over_grpc)
        return [canceled] + create_agent_card_routes(of)
    nobody = [("JSONRPC", "1.0", "http://127.0.0.1:1/"), ("JSONRPC", "1.0", f"{url}/nothing")]
    rest = [("HTTP+JSON", "1.0", f"{url}/rest")]
    of = card(url, nobody + rest if kind == "fallback" else rest, kind != "fallback")
    return [canceled] + create_agent_card_routes(of) + create_rest_routes(own(of), path_prefix="/rest")


async def main():
    kinds = ["HTTP+JSON 1.0", "GRPC 1.0", "JSONRPC 0.3", "fallback"]
    bound = {kind: listener() for kind in kinds}
    over_grpc = grpc.aio.server()
    routes = {kind: served(kind, url, over_grpc) for kind, (_, url) in bound.items()}
    await over_grpc.start()
    print(json.dumps({kind: url for kind, (_, url) in bound.items()}), flush=True)
    server = lambda kind: uvicorn.Server(uvicorn.Config(Starlette(routes=routes[kind]), log_level="warning"))
    await asyncio.gather(*(server(kind).serve(sockets=[at]) for kind, (at, _) in bound.items()))


asyncio.run(main())
