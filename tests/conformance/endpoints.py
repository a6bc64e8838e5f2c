"""Endpoints and workers for tests: made in a line, deleted at the end."""

import uuid
from pathlib import Path

from fake_worker import FakeWorker
from penstock import process_template

WORKERS = Path(__file__).parent / "workers"

# A template whose workers start and never ask for a job: enough where only their number matters.
SLEEPER = {"imageName": f"process:{WORKERS}", "dockerArgs": "/bin/sleep 600"}

# Quick leases (four ping intervals) and short polls: the rules are the same, the waiting is not.
FAST = {
    "workers.ping_interval_ms": 1000,
    "workers.poll_hold_ms": 3000,
    "workers.stop_signal_grace_ms": 3000,
}


class Endpoints:
    """Makes endpoints with a template each, and deletes them in the end."""

    def __init__(self, client):
        self.client = client
        self.made: list[dict] = []
        self.workers: list[FakeWorker] = []
        self.by_flags: dict = {}

    def make(self, template: dict | None = None, **fields) -> str:
        template_id = self.client.save_template(**(template or {}))["id"]
        settings = {"name": "endpoint-" + uuid.uuid4().hex[:8], "gpuIds": "AMPERE_16", "templateId": template_id,
                    "workersMin": 0, "workersMax": 0, "idleTimeout": 5, **fields}
        endpoint_id = self.client.save_endpoint(**settings)["id"]
        self.made.append({**settings, "id": endpoint_id})
        return endpoint_id

    def make_python(self, flags: tuple = (), **fields) -> str:
        """An endpoint whose workers are processes with the real SDK."""
        return self.make(process_template(WORKERS, "mock_worker.py", *flags), **{"workersMax": 3, **fields})

    def shared_python(self, *flags: str) -> str:
        """Like make_python, but one for all tests that want these flags; its first worker stays up."""
        if flags not in self.by_flags:
            self.by_flags[flags] = self.make_python(flags, workersMin=1, workersMax=2, idleTimeout=60)
        return self.by_flags[flags]

    def change(self, endpoint_id: str, **fields) -> dict:
        known = next(made for made in self.made if made["id"] == endpoint_id)
        known.update(fields)
        required = {name: known[name] for name in ("id", "name", "gpuIds", "templateId")}
        return self.client.save_endpoint(**required, **fields)

    def worker(self, endpoint_id: str, **options) -> FakeWorker:
        worker = FakeWorker(self.client, endpoint_id, **options)
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        for worker in self.workers:
            worker.vanish()
        for made in self.made:
            if self.client.endpoint(made["id"], "id"):
                self.change(made["id"], workersMin=0, workersMax=0)
                self.client.delete_endpoint(made["id"])
