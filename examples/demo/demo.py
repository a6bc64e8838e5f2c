#!/usr/bin/env python3
"""What Penstock does, shown on this machine in about a minute: `./dev demo`.

It uses what any user has: the GraphQL API, the job API and the unmodified runpod package, on both sides. Each step says
what it expects; the first answer that is different ends the demonstration with a non-zero status and shows that answer."""

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import runpod  # noqa: E402

import seed  # noqa: E402
from penstock import TERMINAL, Server, is_running, process_template  # noqa: E402
from table import LiveTable  # noqa: E402

# The defaults are 10 s and 25 s; with these a lost worker is noticed within 4 s instead of 40.
SETTINGS = {"workers.ping_interval_ms": 1000, "workers.poll_hold_ms": 5000,
            "workers.frozen_for_s": 3}  # FLASHBOOT keeps idle workers frozen for an hour otherwise
HELLO = ROOT / "examples" / "hello"


class Unexpected(Exception):
    pass


def expect(condition, what: str, seen) -> None:
    if not condition:
        raise Unexpected(f"expected {what}\n     saw {seen!r}")


class Demo:
    def __init__(self, directory: Path):
        self.server = Server(directory / "data", SETTINGS, gpus="8xAMPERE_16", key=None)
        self.table = LiveTable()
        self.started = time.monotonic()
        self.step_number = 0

    # ---- telling

    def step(self, title: str, do):
        """Runs one step and says how long it took."""
        self.step_number += 1
        print(f"\n\033[1m{self.step_number:2}. {title}\033[0m" if self.table.is_terminal
              else f"\n{self.step_number:2}. {title}", flush=True)
        before = time.monotonic()
        do()
        print(f"    ok, {time.monotonic() - before:.1f} s", flush=True)

    def say(self, text: str) -> None:
        print(f"    {text}", flush=True)
        self.table.restart()

    # ---- asking

    def graphql(self, query: str) -> dict:
        answer = self.client.post_graphql({"query": query})
        expect(answer.status_code == 200, "HTTP 200 from /graphql", (answer.status_code, answer.text))
        return answer.json()

    def workers(self) -> dict:
        return self.client.health(self.endpoint_id)["workers"]

    def pods(self) -> list[dict]:
        return self.client.endpoint(self.endpoint_id, "pods { id desiredStatus }")["pods"]

    def wait(self, condition, what: str, timeout: float):
        """The first true value of condition(), with the table of jobs and workers redrawn meanwhile."""
        deadline = time.monotonic() + timeout
        while True:
            self.draw()
            value = condition()
            if value:
                return value
            expect(time.monotonic() < deadline, f"{what} within {timeout:g} s", self.last_seen)
            time.sleep(0.25)

    def draw(self) -> None:
        health = self.client.health(self.endpoint_id)
        for job in self.watched:
            if self.last_seen.get(job, {}).get("status") not in TERMINAL:
                self.last_seen[job] = self.client.status(self.endpoint_id, job)
        self.most_workers = max(self.most_workers, len(self.pods()))
        self.table.draw(self.watched, self.last_seen, health)

    def watch(self, jobs: dict[str, str]) -> None:
        """Jobs by id, with a word for each on what it does."""
        self.watched, self.last_seen, self.most_workers = jobs, {}, 0
        self.table.restart()

    def all_done(self) -> bool:
        return all(self.last_seen.get(job, {}).get("status") in TERMINAL for job in self.watched)

    # ---- the steps

    def start(self) -> None:
        self.server.start()
        self.client = self.server.client()
        self.say(f"penstock serve at {self.server.url}, process {self.server.pid}, no GPU needed: 8 emulated AMPERE_16")
        self.say("worker pings every second instead of every ten, so that lost workers are noticed quickly")
        runpod.api_key = self.server.key
        runpod.endpoint_url_base = f"{self.server.url}/v2"

    def save_template(self) -> None:
        self.template_id = self.client.save_template(name="hello", **process_template(HELLO, "handler.py"))["id"]
        self.say(f"template {self.template_id} runs examples/hello/handler.py as a plain process")

    def save_endpoint(self) -> None:
        answer = self.graphql(seed.fill(seed.CREATE, template_id=self.template_id))
        endpoint = answer.get("data", {}).get("saveEndpoint") or {}
        self.endpoint_id = endpoint.get("id")
        expect(answer == {"data": {"saveEndpoint": {**seed.CREATED, "id": self.endpoint_id,
                                                    "templateId": self.template_id}}}, "the endpoint as it was asked for",
               answer)
        self.endpoint = runpod.Endpoint(self.endpoint_id)
        self.say(f"endpoint {self.endpoint_id}: QUEUE_DELAY 4, 0 to 3 workers, idle time-out 5 s, FLASHBOOT")

    def list_endpoints(self) -> None:
        answer = self.graphql(seed.LIST)
        expect(answer == {"data": {"myself": {"endpoints": [self.listed()], "serverlessDiscount": None}}},
               "exactly this endpoint, without workers", answer)

    def listed(self, workers_max: int = 3) -> dict:
        kept = {name: value for name, value in seed.CREATED.items() if name != "flashBootType"}
        return {**kept, "id": self.endpoint_id, "templateId": self.template_id, "networkVolumeId": None, "pods": [],
                "workersMax": workers_max}

    def run_sync(self) -> None:
        expect(self.pods() == [], "no worker before the first job", self.pods())
        output = self.endpoint.run_sync({"echo": "hello from zero workers"}, timeout=60)
        expect(isinstance(output, list) and output[0].get("echo") == "hello from zero workers", "the echo", output)
        self.say(f"runpod.Endpoint.run_sync: {output[0]}")

    def run_twenty(self) -> None:
        kinds = [("echo", {"echo": n, "delay": 1}) for n in range(9)]
        kinds += [("stream", {"stream": 4, "delay": 1.2})] * 4
        kinds += [("fail", {"fail": "asked to", "delay": 0.5})] * 3
        kinds += [("progress", {"progress": 4, "delay": 1.6, "echo": "reported"})] * 4
        kinds = [kinds[n * 7 % 20] for n in range(20)]  # mixed
        jobs = [(self.endpoint.run(job_input), kind, job_input) for kind, job_input in kinds]
        self.watch({job.job_id: kind for job, kind, _ in jobs})
        self.wait(self.all_done, "all 20 jobs done", 90)
        for job, kind, job_input in jobs:
            self.check_job(job, kind, job_input)
        self.say(f"20 of 20 as expected, up to {self.most_workers} workers")
        expect(2 <= self.most_workers <= 3, "two or three workers under load", self.most_workers)

    def check_job(self, job, kind: str, job_input: dict) -> None:
        state = self.last_seen[job.job_id]
        if kind == "fail":
            expect(state["status"] == "FAILED" and state["error"] == "asked to", "FAILED with its own text", state)
            return
        expect(state["status"] == "COMPLETED", "COMPLETED", state)
        if kind == "stream":
            chunks = [{"chunk": n + 1, "of": 4} for n in range(4)]
            expect(state["output"] == chunks, "all chunks as the output", state)
            expect(list(job.stream()) == chunks, "the same chunks from /stream", state)
        else:
            expect(state["output"][0]["echo"] == job_input["echo"], "its own echo", state)

    def kill_worker(self) -> None:
        job = self.endpoint.run({"progress": 8, "delay": 4, "echo": "finished elsewhere"})
        self.watch({job.job_id: "progress"})

        def halfway() -> dict | None:
            progress = self.last_seen[job.job_id].get("output")
            return progress if progress and progress["percent"] >= 50 else None

        output = self.wait(halfway, "half of the work done, and the worker's pid", 30)
        first = self.last_seen[job.job_id]
        self.say(f"kill -9 {output['pid']}: worker {first['workerId']} at {output['percent']} %")
        os.kill(output["pid"], signal.SIGKILL)
        self.wait(self.all_done, "the job to finish on another worker", 60)
        state = self.last_seen[job.job_id]
        expect(state["status"] == "COMPLETED" and state.get("retries") == 1 and state["workerId"] != first["workerId"],
               "COMPLETED on another worker with retries 1", state)
        expect(not is_running(output["pid"]), "the killed worker to be gone", output["pid"])
        self.say(f"COMPLETED by worker {state['workerId']}, retries {state['retries']}")

    def kill_server(self) -> None:
        jobs = {self.endpoint.run({"echo": n, "delay": 0.5}).job_id: "echo" for n in range(12)}
        self.watch(jobs)

        def busy() -> bool:
            seen = [state["status"] for state in self.last_seen.values()]
            return seen.count("COMPLETED") >= 3 and {"IN_PROGRESS", "IN_QUEUE"} <= set(seen)

        self.wait(busy, "jobs done, running and waiting at the same time", 30)
        done_before = {job: state for job, state in self.last_seen.items() if state["status"] in TERMINAL}
        self.say(f"kill -9 {self.server.pid}: the server, with {len(done_before)} of 12 jobs done")
        self.server.kill()
        before = time.monotonic()
        self.server.start()
        self.client = self.server.client()
        self.say(f"same port, same data: process {self.server.pid} is ready after {time.monotonic() - before:.2f} s")
        self.wait(self.all_done, "every acknowledged job done", 90)
        for number, job in enumerate(jobs):
            state = self.last_seen[job]
            expect(state["status"] == "COMPLETED" and [chunk["echo"] for chunk in state["output"]] == [number],
                   "COMPLETED once, with its own echo", state)
            expect(self.client.status(self.endpoint_id, job) == state, "the same answer again", state)
        for job, state in done_before.items():
            expect(self.last_seen[job] == state, "results from before the crash unchanged", self.last_seen[job])
        self.say("12 of 12 acknowledged jobs completed, each with one result")

    def back_to_zero(self) -> None:
        self.watch({})
        self.wait(lambda: not self.pods(), "no worker after the idle time-out of 5 s", 40)
        self.wait(lambda: not self.server.worker_processes(), "no worker process", 10)

    def modify(self) -> None:
        answer = self.graphql(seed.fill(seed.MODIFY, self.endpoint_id, self.template_id))
        expect(answer == {"data": {"saveEndpoint": {"id": self.endpoint_id, "gpuIds": "AMPERE_16", "name": "My Endpoint",
                                                    "templateId": self.template_id, "workersMax": 5}}},
               "workersMax 5", answer)
        answer = self.graphql(seed.LIST)
        expect(answer["data"]["myself"]["endpoints"] == [self.listed(workers_max=5)],
               "everything that the call left out as it was", answer)

    def delete(self) -> None:
        delete = seed.fill(seed.DELETE, self.endpoint_id)
        refused = self.graphql(delete)
        expect(refused.get("errors") and refused["data"] == {"deleteEndpoint": None},
               "a refusal while workersMax is not zero", refused)
        self.say(f"refused: {refused['errors'][0]['message']}")
        self.client.save_endpoint(id=self.endpoint_id, name="My Endpoint", gpuIds="AMPERE_16",
                                  templateId=self.template_id, workersMin=0, workersMax=0)
        answer = self.graphql(delete)
        expect(answer == {"data": {"deleteEndpoint": None}}, "a null when both are zero", answer)
        self.say(f"both at zero: {answer}")
        listed = self.graphql(seed.LIST)["data"]["myself"]["endpoints"]
        expect(listed == [], "no endpoint", listed)

    def stop(self) -> None:
        status = self.server.terminate()
        expect(status == 0, "exit status 0 after SIGTERM", status)
        expect(self.server.worker_processes() == [], "no process left", self.server.worker_processes())

    def run(self) -> None:
        self.watch({})
        self.step("Start the server", self.start)
        self.step("saveTemplate", self.save_template)
        self.step("saveEndpoint", self.save_endpoint)
        self.step("List endpoints", self.list_endpoints)
        self.step("One job with /runsync, from zero workers", self.run_sync)
        self.step("Twenty jobs with /run: nine echo, four stream, three fail, four report progress", self.run_twenty)
        self.step("kill -9 a worker in the middle of a job", self.kill_worker)
        self.step("kill -9 the server while jobs run and wait, and start it again", self.kill_server)
        self.step("Workers return to zero", self.back_to_zero)
        self.step("saveEndpoint with workersMax 5 and nothing else", self.modify)
        self.step("deleteEndpoint: refused, both to zero, done", self.delete)
        self.step("Stop the server", self.stop)
        print(f"\nAll {self.step_number} steps as expected in {time.monotonic() - self.started:.0f} s.")


def interrupt(*_) -> None:
    raise KeyboardInterrupt


def main() -> int:
    for ending in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal, for example: what was started is ended all the same
        signal.signal(ending, interrupt)
    directory = Path(tempfile.mkdtemp(prefix="penstock-demo-"))
    demo = Demo(directory)
    try:
        demo.run()
        return 0
    except Exception as error:  # whatever it was: name the step, show the answer, clean up
        print(f"\nFAILED in step {demo.step_number}: {error or repr(error)}", file=sys.stderr)
        print(f"\nLast lines of the server's log:\n{demo.server.log_text()[-3000:]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        demo.server.close()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
