"""A WebSocket client that is not ours: asks one question and prints every frame until its turn is over.

    client.py URL CA_FILE TOKEN "question"
"""

import asyncio
import json
import ssl
import sys

from websockets.asyncio.client import connect


async def main(url, ca, token, question):
    trust = ssl.create_default_context(cafile=ca)
    address = url.replace("https://", "wss://").rstrip("/") + "/ws"
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(address, ssl=trust, subprotocols=["switchboard.v1"], additional_headers=headers) as socket:
        conversation = sys.argv[5] if len(sys.argv) > 5 else create(url, trust, headers)
        await socket.send(json.dumps({"type": "join", "conversation": conversation, "after": 0}))
        send = {"type": "send", "id": "question-1", "conversation": conversation, "text": question}
        await socket.send(json.dumps(send))
        async for text in socket:
            print(text, flush=True)
            if json.loads(text)["type"] in ("turn.finished", "error"):
                return


def create(url, trust, headers):
    from urllib.request import Request, urlopen

    headers = {**headers, "Content-Type": "application/json"}
    request = Request(url.rstrip("/") + "/v1/conversations", data=b"{}", headers=headers)
    with urlopen(request, context=trust, timeout=20) as answer:
        return json.load(answer)["id"]


asyncio.run(asyncio.wait_for(main(*sys.argv[1:5]), 60))
