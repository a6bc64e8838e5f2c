"""The worker of the start benchmark: imports what a Python worker imports, then takes jobs and answers each with its times
(CLOCK_MONOTONIC, ns). It speaks the protocol by itself, because the SDK waits up to 0.1 s before it looks at a job."""

import time

MAIN_NS = time.monotonic_ns()

import asyncio  # noqa: E402, F401
import http.client  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402, F401
import os  # noqa: E402
import ssl  # noqa: E402, F401
import urllib.request  # noqa: E402, F401

IMPORTED_NS = time.monotonic_ns()
POLL_SECONDS = 100


def split(url: str) -> tuple[str, str]:
    host, _, path = url.removeprefix("http://").partition("/")
    return host, "/" + path


def work() -> None:
    host, take = split(os.environ["RUNPOD_WEBHOOK_GET_JOB"])
    _, done = split(os.environ["RUNPOD_WEBHOOK_POST_OUTPUT"])
    headers = {"Authorization": os.environ["RUNPOD_AI_API_KEY"]}
    connection = http.client.HTTPConnection(host, timeout=POLL_SECONDS)
    first_take_ns = time.monotonic_ns()
    while True:
        connection.request("GET", take + "&job_in_progress=0", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            continue
        job = json.loads(body)
        times = {"main_ns": MAIN_NS, "imported_ns": IMPORTED_NS, "take_ns": first_take_ns, "job_ns": time.monotonic_ns()}
        connection.request("POST", done.replace("$ID", job["id"]) + "&isStream=false", json.dumps({"output": times}),
                           headers)
        connection.getresponse().read()


if __name__ == "__main__":
    work()
