"""The worker of the conformance tests: the real SDK, and a handler that does what the job's input says.

Inputs: mock_return, mock_delay, mock_error, mock_crash, mock_refresh, mock_progress, mock_chunks, mock_chunk_delay,
mock_unserialisable, mock_job (answers the job object that the handler got).
Flags: --generator, --async_generator, --return_aggregate_stream, --async, --concurrency N, --refresh_worker.
"""

import argparse
import asyncio
import os
import time

import runpod


def before(job):
    """Everything that needs no waiting. Returns (seconds to wait, answer)."""
    job_input = job["input"]
    if job_input.get("mock_progress"):
        runpod.serverless.progress_update(job, job_input["mock_progress"])
    answer = job_input.get("mock_return")
    if job_input.get("mock_job"):
        answer = {"job": job}
    if job_input.get("mock_unserialisable"):
        answer = {"value": {1, 2, 3}}
    if job_input.get("mock_refresh"):
        answer = {"refresh_worker": True, **(answer or {})}
    return float(job_input.get("mock_delay", 0)), answer


def after(job):
    job_input = job["input"]
    if job_input.get("mock_crash"):
        os._exit(1)
    if job_input.get("mock_error"):
        raise RuntimeError(job_input["mock_error"])


def handler(job):
    delay, answer = before(job)
    time.sleep(delay)
    after(job)
    return answer


async def async_handler(job):
    delay, answer = before(job)
    await asyncio.sleep(delay)
    after(job)
    return answer


def chunks_of(job):
    return job["input"].get("mock_chunks", ["value1", "value2", "value3"])


def generator_handler(job):
    delay, _ = before(job)
    time.sleep(delay)
    for chunk in chunks_of(job):
        time.sleep(float(job["input"].get("mock_chunk_delay", 0)))
        yield chunk
    after(job)


async def async_generator_handler(job):
    delay, _ = before(job)
    await asyncio.sleep(delay)
    for chunk in chunks_of(job):
        await asyncio.sleep(float(job["input"].get("mock_chunk_delay", 0)))
        yield chunk
    after(job)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--generator", action="store_true")
    parser.add_argument("--async_generator", action="store_true")
    parser.add_argument("--async", dest="use_async", action="store_true")
    parser.add_argument("--return_aggregate_stream", action="store_true")
    parser.add_argument("--refresh_worker", action="store_true")
    parser.add_argument("--concurrency", type=int, default=1)
    flags, _ = parser.parse_known_args()

    config = {"handler": handler, "return_aggregate_stream": flags.return_aggregate_stream}
    if flags.generator:
        config["handler"] = generator_handler
    elif flags.async_generator:
        config["handler"] = async_generator_handler
    elif flags.use_async:
        config["handler"] = async_handler
    if flags.concurrency > 1:
        config["concurrency_modifier"] = lambda _: flags.concurrency
    if flags.refresh_worker:
        config["refresh_worker"] = True
    runpod.serverless.start(config)


if __name__ == "__main__":
    main()
