"""OpenAI's own library, unchanged: what it makes of a house, as one line of JSON.

    openai_client.py BASE_URL TOKEN         lists, asks whole and in pieces, and errs in every way that it has a class for
    openai_client.py BASE_URL TOKEN waits   asks once, and tries again as often as it has to
"""

import json
import sys

import openai
from openai import OpenAI

QUESTION = "Will it rain tomorrow in Oslo?"
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def raised(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code, error.request_id is not None]
    return None


def everything(client):
    user = {"role": "user", "content": QUESTION}
    ask = lambda **more: client.chat.completions.create(**{"model": "auto", "messages": [user], **more})
    whole = ask()
    pieces = list(ask(model="weather", stream=True, stream_options={"include_usage": True}))
    deltas = [piece.choices[0].delta for piece in pieces if piece.choices]
    stranger = client.with_options(api_key="nobody")
    return {
        "models": [model.id for model in client.models.list()],
        "model": client.models.retrieve("weather").name,
        "whole": whole.choices[0].message.content,
        "reasoning": getattr(whole.choices[0].message, "reasoning_content", None),
        "finish": [choice.finish_reason for choice in pieces[-2].choices],
        "streamed": "".join(delta.content or "" for delta in deltas),
        "usage": [whole.usage.total_tokens, pieces[-1].usage.total_tokens],
        "turn": whole.model_extra["switchboard"]["state"],
        "errors": [
            raised(lambda: stranger.models.list()),
            raised(lambda: ask(model="nobody-is-called-so")),
            raised(lambda: ask(messages=[{"role": "user", "content": [PICTURE]}])),
            raised(lambda: ask(n=2)),
        ],
    }


def waits(client):
    user = {"role": "user", "content": QUESTION}
    answer = client.with_options(max_retries=8).chat.completions.create(model="weather", messages=[user])
    return {"whole": answer.choices[0].message.content}


base_url, token, *more = sys.argv[1:]
client = OpenAI(base_url=base_url, api_key=token, max_retries=0, timeout=60)
print(json.dumps(waits(client) if more else everything(client)))
