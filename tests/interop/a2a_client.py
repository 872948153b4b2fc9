"""The official Python client of A2A, unchanged: every operation over each binding, as one line of JSON.

    a2a_client.py URL CA TOKEN      what came of each: its outcome, or the class of the error
"""

import asyncio
import json
import ssl
import sys
import uuid

import grpc
import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.helpers.proto_helpers import get_artifact_text, new_text_part
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTasksRequest,
    Message,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    SubscribeToTaskRequest,
    TaskPushNotificationConfig,
    TaskState,
)

url, ca, token = sys.argv[1:]


def said(text, **more):
    parts = [new_text_part(text)]
    return Message(message_id=str(uuid.uuid4()), role=Role.ROLE_USER, parts=parts, **more)


def name(task):
    return TaskState.Name(task.status.state).removeprefix("TASK_STATE_").lower()


def channel(address):
    """A channel that shows the token with each call."""
    with open(ca, "rb") as file:
        trusted = grpc.ssl_channel_credentials(file.read())
    return grpc.aio.secure_channel(
        address, grpc.composite_channel_credentials(trusted, grpc.access_token_call_credentials(token))
    )


async def first(events):
    return [event async for event in events][0].task


def only(card, binding, version):
    """The card with this interface alone."""
    one = AgentCard()
    one.CopyFrom(card)
    del one.supported_interfaces[:]
    fits = lambda of: (of.protocol_binding, of.protocol_version) == (binding, version)
    one.supported_interfaces.extend(of for of in card.supported_interfaces if fits(of))
    return one


async def every_operation(binding, version, http, card):
    rows, seen = [], {}
    card = only(card, binding, version)
    make = lambda **how: ClientFactory(
        ClientConfig(httpx_client=http, grpc_channel_factory=channel, supported_protocol_bindings=[binding], **how)
    ).create(card)
    whole, streaming, polling = make(streaming=False), make(), make(streaming=False, polling=True)

    async def did(operation, call):
        try:
            outcome = await call()
        except Exception as error:
            outcome = f"{type(error).__name__}"
        rows.append({"client": "python", "binding": f"{binding} {version}", "operation": operation, "outcome": outcome})

    async def send():
        task = seen["task"] = await first(whole.send_message(SendMessageRequest(message=said("@weather rain?"))))
        return [name(task), get_artifact_text(task.artifacts[0])]

    async def stream():
        events = [e async for e in streaming.send_message(SendMessageRequest(message=said("@weather rain?")))]
        kinds = [event.WhichOneof("payload") for event in events]
        text = "".join(get_artifact_text(e.artifact_update.artifact) for e in events if e.HasField("artifact_update"))
        return [kinds[0], kinds[-1], text]

    async def again():
        message = said("@booker book a room")
        task = await first(whole.send_message(SendMessageRequest(message=message)))
        same = await first(whole.send_message(SendMessageRequest(message=message)))
        reply = said("Tuesday", task_id=task.id, context_id=task.context_id)
        answered = await first(whole.send_message(SendMessageRequest(message=reply)))
        same_task = same.id == task.id == answered.id
        return [name(task), task.status.message.parts[0].text, same_task, get_artifact_text(answered.artifacts[0])]

    async def get():
        task = await whole.get_task(GetTaskRequest(id=seen["task"].id, history_length=1))
        return [name(task), len(task.history), task.history[0].parts[0].text]

    async def list_tasks():
        page = await whole.list_tasks(ListTasksRequest(page_size=1, context_id=seen["task"].context_id))
        own = [task.id for task in page.tasks] == [seen["task"].id]
        return [own, page.total_size, page.next_page_token, len(page.tasks[0].artifacts)]

    async def begin():
        config = SendMessageConfiguration(history_length=0)
        request = SendMessageRequest(message=said("@slow take your time"), configuration=config)
        task = seen["slow"] = await first(polling.send_message(request))
        return [name(task) in ("submitted", "working"), len(task.history)]

    async def subscribe():
        events = streaming.subscribe(SubscribeToTaskRequest(id=seen["slow"].id))
        kinds = []
        async for event in events:
            kinds.append(event.WhichOneof("payload"))
            if "artifact_update" in kinds:
                break
        return [kinds[0], kinds[-1]]

    async def cancel():
        return name(await whole.cancel_task(CancelTaskRequest(id=seen["slow"].id)))

    async def extended():
        own = await whole.get_extended_agent_card(GetExtendedAgentCardRequest())
        return any(skill.id.startswith("weather/") for skill in own.skills)

    config = lambda: TaskPushNotificationConfig(id="1", task_id=seen["task"].id, url="https://example.com/told")

    async def noted(call):
        config = await call
        return [config.id, config.url]

    async def noted_all():
        page = await whole.list_task_push_notification_configs(ListTaskPushNotificationConfigsRequest(task_id=task_id()))
        return [config.url for config in page.configs]

    async def forget():
        await whole.delete_task_push_notification_config(one(DeleteTaskPushNotificationConfigRequest))
        return await noted_all() == []

    one = lambda kind: kind(task_id=seen["task"].id, id="1")
    task_id = lambda: seen["task"].id
    for operation, call in [
        ("send", send),
        ("stream", stream),
        ("ask back, send again, reply", again),
        ("get", get),
        ("list", list_tasks),
        ("send, return at once", begin),
        ("subscribe", subscribe),
        ("cancel", cancel),
        ("cancel again", cancel),
        ("subscribe to what is over", subscribe),
        ("reply to what is over", lambda: first(whole.send_message(SendMessageRequest(message=said("x", task_id=task_id()))))),
        ("get what is not there", lambda: whole.get_task(GetTaskRequest(id=str(uuid.uuid4())))),
        ("extended card", extended),
        ("push: create", lambda: noted(whole.create_task_push_notification_config(config()))),
        ("push: get", lambda: noted(whole.get_task_push_notification_config(one(GetTaskPushNotificationConfigRequest)))),
        ("push: list", noted_all),
        ("push: delete", forget),
    ]:
        await did(operation, call)
    return rows


async def main():
    trust = ssl.create_default_context(cafile=ca)
    async with httpx.AsyncClient(verify=trust, timeout=60) as http:
        card = await A2ACardResolver(http, url).get_agent_card()
        http.headers["Authorization"] = f"Bearer {token}"
        spoken = [("JSONRPC", "1.0"), ("HTTP+JSON", "1.0"), ("GRPC", "1.0"), ("JSONRPC", "0.3")]
        rows = [row for binding, version in spoken for row in await every_operation(binding, version, http, card)]
    print(json.dumps(rows))


asyncio.run(main())
