"""A worker with the unmodified RunPod SDK. What a job's input asks for is what it does:

    {"echo": X}                     answers X
    {"stream": 5, "delay": 2}       yields five chunks over two seconds
    {"progress": 4, "delay": 2}     reports 25, 50, 75 and 100 percent over two seconds, then answers
    {"delay": 2}                    takes two seconds
    {"fail": "why"}                 ends as FAILED with that text

It is an async generator with `return_aggregate_stream`, the way the SDK lets one handler serve both kinds of callers:
/stream gets the chunks as they come, /status and /runsync get all of them as a list when the job is done.
"""

import asyncio
import os

import runpod


async def handler(job):
    job_input = job["input"]
    delay = float(job_input.get("delay", 0))
    chunks = int(job_input.get("stream", 0))
    reports = int(job_input.get("progress", 0))

    if reports:
        # The process id lets a demonstration end this very worker in the middle of the job.
        for report in range(reports):
            runpod.serverless.progress_update(job, {"pid": os.getpid(), "percent": 100 * report // reports})
            await asyncio.sleep(delay / reports)
        runpod.serverless.progress_update(job, {"pid": os.getpid(), "percent": 100})
    elif not chunks:
        await asyncio.sleep(delay)

    if "fail" in job_input:
        yield {"error": str(job_input["fail"])}
        return

    for chunk in range(chunks):
        await asyncio.sleep(delay / chunks)
        yield {"chunk": chunk + 1, "of": chunks}

    if not chunks:
        yield {"echo": job_input.get("echo", "hello"), "worker": os.environ.get("RUNPOD_POD_ID", "local")}


if __name__ == "__main__":
    runpod.serverless.start({"handler": handler, "return_aggregate_stream": True})
