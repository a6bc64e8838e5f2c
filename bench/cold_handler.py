"""A worker with the runpod package that says when it got how far. Started through cold_worker, which notes the first
instruction of the process."""

import time

FIRST_LINE_NS = time.monotonic_ns()

import os  # noqa: E402

import runpod  # noqa: E402

IMPORTED_NS = time.monotonic_ns()


def handler(job):
    job_ns = time.monotonic_ns()
    return {"main_ns": int(os.environ["PENSTOCK_BENCH_MAIN_NS"]), "first_line_ns": FIRST_LINE_NS,
            "imported_ns": IMPORTED_NS, "job_ns": job_ns}


if __name__ == "__main__":
    runpod.serverless.start({"handler": handler})
