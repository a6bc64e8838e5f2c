"""Runs the load program (chaos_load.cpp) against a server, and the shim (shim.cpp) inside it."""

import json
import mmap
import os
import random
import struct
import subprocess
import threading
import time
from pathlib import Path

from penstock import ROOT, Server

SEED = int(os.environ.get("PENSTOCK_TEST_CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
JOBS = int(os.environ.get("PENSTOCK_TEST_CHAOS_JOBS", 100_000))
PROGRAMS = ROOT / "build" / "release" / "tests" / "chaos"
SETTINGS = {"workers.ping_interval_ms": 1000, "workers.poll_hold_ms": 2000, "jobs.queue_jobs_min": 10_000_000,
            "store.segment_mb": 4, "log_level": "warn"}


class Shim:
    """Makes the syncs of a server slow and its wall clock jump, at any time."""

    def __init__(self, folder: Path):
        self.path = folder / "shim"
        self.path.write_bytes(bytes(16))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 16)

    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(PROGRAMS / "libchaos_shim.so"), "CHAOS_SHIM": str(self.path)}

    def clock_ahead(self, seconds: float) -> None:
        self.memory[0:8] = struct.pack("<q", round(seconds * 1000))

    def slow_syncs(self, most_ms: float) -> None:
        self.memory[8:16] = struct.pack("<q", round(most_ms * 1000))


class ShimmedServer(Server):
    """A server with a shim in it."""

    def __init__(self, data: Path, settings: dict):
        super().__init__(data, settings)
        self.shim = Shim(self.data.parent)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **self.shim.environment()}


def make_endpoint(client, name: str, template: dict | None = None, **fields) -> str:
    template_id = client.save_template(**(template or {}))["id"]
    return client.save_endpoint(name=name, gpuIds="AMPERE_16", templateId=template_id,
                                **{"workersMax": 0, **fields})["id"]


class Load:
    """One run of the load program. Its last line is what it found."""

    def __init__(self, server: Server, folder: Path, jobs: int, workers: int = 24, **options):
        client = server.client()
        endpoint = make_endpoint(client, "chaos")
        lines = []
        for _ in range(workers):
            attached = client.attach_worker(endpoint)
            environment = attached["environment"]
            paths = [environment["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", attached["workerId"]),
                     environment["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$RUNPOD_POD_ID", attached["workerId"]),
                     environment["RUNPOD_WEBHOOK_PING"].replace("$RUNPOD_POD_ID", attached["workerId"])]
            lines.append(" ".join([environment["RUNPOD_AI_API_KEY"], *(path.removeprefix(server.url) for path in paths)]))
        file = folder / "workers"
        file.write_text("\n".join(lines) + "\n")
        self.jobs = jobs
        flags = {"port": server.url.rpartition(":")[2], "key": server.key, "endpoint": endpoint, "workers-file": file,
                 "jobs": jobs, "seed": SEED, **{name.replace("_", "-"): value for name, value in options.items()}}
        self.process = subprocess.Popen(
            [str(PROGRAMS / "chaos_load"), *(text for name, value in flags.items() for text in (f"--{name}", str(value)))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.last = {"acknowledged": 0, "accepted": 0}
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.last = json.loads(line)

    def wait_acknowledged(self, count: float, timeout: float = 300) -> None:
        deadline = time.monotonic() + timeout
        while self.last["acknowledged"] < count:
            assert self.process.poll() is None, self.last
            assert time.monotonic() < deadline, f"stuck: {self.last}, {count:.0f} were wanted"
            time.sleep(0.002)

    def finish(self, timeout: float) -> dict:
        """No more is done to the server: waits for the judgement."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the load did not come to its end: {self.last}") from None
        self.thread.join(10)
        return self.last

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def kill_again_and_again(server: Server, load: Load, kills: int, rng: random.Random, between=lambda: None,
                         after=lambda: None) -> None:
    """Lets each life of the server have a random share of the jobs. `between` runs while it is down, `after` when it is up again."""
    for kill in range(kills):
        load.wait_acknowledged((kill + rng.random()) * load.jobs / kills)
        server.kill()
        between()
        server.start()
        after()


def judge(found: dict, jobs: int) -> None:
    print(json.dumps(found))
    assert found["wrong"] == 0, found
    assert found["acknowledged"] >= jobs
