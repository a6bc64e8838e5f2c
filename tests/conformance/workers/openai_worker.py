"""A worker of the OpenAI route, in the shape of worker-vllm: the real SDK, a generator that answers `openai_route`.

A streamed answer is one text of server-sent events, cut every few characters, as a proxy that reads from a socket would.
Models: "echo"; "missing" (the error that worker-vllm makes of vLLM's 404), "broken" (an exception), "slow" (a delta every
half second, for ever), "late" (streams two deltas, then fails), "objects" (yields parsed objects, as old workers did).
"""

import asyncio
import json
import sys

import runpod

CUT = 7
MODELS = {"object": "list", "data": [{"id": "echo", "object": "model", "created": 1, "owned_by": "penstock"}]}


def usage(words):
    return {"prompt_tokens": len(words), "completion_tokens": len(words), "total_tokens": 2 * len(words)}


def completion(body, words):
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"], "usage": usage(words),
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                         "message": {"role": "assistant", "content": " ".join(words), "refusal": None}}]}


def delta(body, content, finish=None):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"],
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": finish}]}


def worker_error(message):
    return {"error": {"message": message, "type": "worker_error", "code": None}}


async def stream(body, words):
    events = [delta(body, word + " ") for word in words] + [delta(body, "", "stop")]
    if body["model"] == "objects":
        for event in events:
            yield event
        yield "data: [DONE]\n\n"
        return
    if body["model"] == "slow":
        for number in range(1_000):
            yield f"data: {json.dumps(delta(body, f'{number} '))}\n\n"
            await asyncio.sleep(0.5)
    if body["model"] == "late":
        yield f"data: {json.dumps(events[0])}\n\ndata: {{\"cut"
        yield worker_error("vLLM returned HTTP 503: the engine is gone")
        return
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    for start in range(0, len(text), CUT):
        yield text[start:start + CUT]


async def handler(job):
    route, body = job["input"]["openai_route"], job["input"].get("openai_input") or {}
    if route == "/v1/models":
        yield MODELS
        return
    if route == "/v1/echo":  # what the worker was told
        yield job["input"]
        return
    if route != "/v1/chat/completions":
        yield worker_error(f"vLLM returned HTTP 404: Not Found: {route}")
        return
    if body["model"] == "missing":
        yield worker_error("vLLM returned HTTP 404: The model `missing` does not exist.")
        return
    if body["model"] == "broken":
        raise RuntimeError("the handler broke")
    words = body["messages"][-1]["content"].split()
    if body.get("stream"):
        async for piece in stream(body, words):
            yield piece
    elif body["model"] == "slow":
        await asyncio.sleep(600)
    else:
        yield completion(body, words)


if __name__ == "__main__":
    runpod.serverless.start({"handler": handler, "return_aggregate_stream": "--no_aggregate" not in sys.argv,
                             "concurrency_modifier": lambda _: 10})
