"""W3C Trace Context of jobs, and their spans by OTLP over HTTP."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from endpoints import Endpoints
from penstock import wait_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"


class Collector:
    """Takes POST /v1/traces on a port of its own. `status` is what it answers."""

    def __init__(self, port: int = 0):
        self.spans: list[dict] = []
        self.resources: list[dict] = []
        self.headers: list[dict] = []
        self.status = 200
        self.refused = 0
        self.lock = threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path == "/v1/traces" and collector.status == 200:
                    collector.take(body, dict(self.headers))
                else:
                    collector.refused += 1
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def take(self, body: dict, headers: dict) -> None:
        with self.lock:
            self.headers.append({name.lower(): value for name, value in headers.items()})
            for resource in body["resourceSpans"]:
                self.resources.append(resource["resource"])
                for scope in resource["scopeSpans"]:
                    self.spans += scope["spans"]

    def of_job(self, job: str) -> dict[str, list[dict]]:
        with self.lock:
            found: dict[str, list[dict]] = {}
            for span in self.spans:
                if attributes(span)["penstock.job.id"] == job:
                    found.setdefault(span["name"], []).append(span)
            return found

    def wait_for_end(self, job: str) -> dict[str, list[dict]]:
        return wait_for(lambda: (spans := self.of_job(job)) and "job" in spans and "accepted" in spans and spans, 15,
                        f"the spans of job {job}")

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def attributes(span: dict) -> dict:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in span["attributes"]}


def milliseconds(span: dict) -> float:
    return (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def traced(fresh_server, collector):
    server = fresh_server({"otlp.endpoint": f"http://127.0.0.1:{collector.port}/", "otlp.headers": "x-tenant=one"})
    client = server.client()
    endpoints = Endpoints(client)
    yield client, endpoints
    endpoints.close()


def submit(client, ep: str, traceparent: str | None, path: str = "run", job_input=None) -> tuple[str, str | None]:
    headers = {"traceparent": traceparent} if traceparent else {}
    answer = client.call("POST", f"{ep}/{path}", {"input": job_input or {}}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"], answer.headers.get("traceparent")


# ---- the header

def test_the_worker_gets_a_child_of_the_clients_span(client, ep, worker):
    job, told = submit(client, ep, SAMPLED)
    version, trace, span, flags = told.split("-")
    assert (version, trace, flags) == ("00", TRACE, "01") and span != PARENT
    assert worker.take_job()["traceparent"] == told


def test_flags_are_kept(client, ep, worker):
    _, told = submit(client, ep, f"00-{TRACE}-{PARENT}-00")
    assert told.startswith(f"00-{TRACE}-") and told.endswith("-00")
    assert worker.take_job()["traceparent"] == told


@pytest.mark.parametrize("header", [None, "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01", SAMPLED[:-1]])
def test_an_invalid_header_is_ignored(client, ep, worker, header):
    _, told = submit(client, ep, header)
    assert told is None
    assert set(worker.take_job()) == {"id", "input"}


def test_runsync_answers_with_it(client, ep):
    _, told = submit(client, ep, SAMPLED, "runsync?wait=1000")
    assert told.startswith(f"00-{TRACE}-")


def test_the_real_sdk_hands_it_to_the_handler(client, mock):
    job, told = submit(client, mock, SAMPLED, job_input={"mock_job": True})
    seen = client.wait_terminal(mock, job)["output"]["job"]
    assert seen["traceparent"] == told and seen["id"] == job


def test_it_is_kept_with_the_job(fresh_server):
    server = fresh_server()
    endpoints = Endpoints(server.client())
    ep = endpoints.make()
    _, told = submit(endpoints.client, ep, SAMPLED)
    server.kill()
    server.start()
    again = Endpoints(server.client())
    assert again.worker(ep).take_job()["traceparent"] == told


# ---- the spans

def test_the_spans_of_a_job(traced, collector):
    client, endpoints = traced
    ep = endpoints.make()
    job, told = submit(client, ep, SAMPLED)
    time.sleep(0.2)  # the queued span has a length
    worker = endpoints.worker(ep)
    worker.take_job()
    worker.finish(job)
    spans = collector.wait_for_end(job)
    assert {name: len(found) for name, found in spans.items()} == {
        "job": 1, "accepted": 1, "queued": 1, "taken": 1, "running": 1, "done": 1}
    root = spans["job"][0]
    assert (root["traceId"], root["parentSpanId"], root["spanId"]) == (TRACE, PARENT, told.split("-")[2])
    assert root["status"] == {}
    for name in ("accepted", "queued", "taken", "running", "done"):
        assert spans[name][0]["parentSpanId"] == root["spanId"] and spans[name][0]["traceId"] == TRACE
    assert milliseconds(root) == pytest.approx(
        milliseconds(spans["queued"][0]) + milliseconds(spans["running"][0]), abs=1)
    assert attributes(root)["penstock.endpoint.id"] == ep and attributes(root)["penstock.worker.id"] == worker.id
    assert collector.headers[0]["x-tenant"] == "one"
    resource = {pair["key"]: pair["value"]["stringValue"] for pair in collector.resources[0]["attributes"]}
    assert resource["service.name"] == "penstock" and resource["service.version"]


def test_failures_and_lost_attempts_are_errors(traced, collector):
    client, endpoints = traced
    ep = endpoints.make()
    job, told = submit(client, ep, None)
    assert told, "with a collector every job has a trace"
    lost = endpoints.worker(ep)
    lost.take_job()
    lost.vanish()
    worker = endpoints.worker(ep)
    worker.take_job()
    worker.done(job, {"error": "broke"})
    spans = collector.wait_for_end(job)
    assert "parentSpanId" not in spans["job"][0]
    assert spans["job"][0]["status"] == {"code": 2, "message": "broke"}
    assert [attributes(span)["penstock.job.attempt"] for span in spans["running"]] == ["1", "2"]
    assert "lost" in spans["running"][0]["status"]["message"]
    assert len({span["spanId"] for found in spans.values() for span in found}) == 7


def test_who_asks_not_to_be_sampled_is_not(traced, collector):
    client, endpoints = traced
    ep = endpoints.make()
    quiet, _ = submit(client, ep, f"00-{TRACE}-{PARENT}-00")
    loud, _ = submit(client, ep, SAMPLED)
    for job in (quiet, loud):
        client.ok("POST", f"{ep}/cancel/{job}")
    collector.wait_for_end(loud)
    assert collector.of_job(quiet) == {}


def test_a_collector_that_comes_back_gets_what_waited(traced, collector):
    client, endpoints = traced
    ep = endpoints.make()
    collector.status = 503
    jobs = [submit(client, ep, None)[0] for _ in range(30)]
    assert client.ok("POST", f"{ep}/purge-queue") == {"removed": 30, "status": "completed"}
    wait_for(lambda: collector.refused, 15, "the first batch to be refused")
    collector.status = 200
    for job in jobs:
        collector.wait_for_end(job)


def test_without_a_collector_jobs_go_on(fresh_server, collector):
    collector.close()
    server = fresh_server({"otlp.endpoint": f"http://127.0.0.1:{collector.port}"})
    endpoints = Endpoints(server.client())
    ep = endpoints.make()
    worker = endpoints.worker(ep)
    before = time.monotonic()
    for _ in range(50):
        job = endpoints.client.run(ep, {})
        worker.take_job()
        worker.finish(job)
    assert time.monotonic() - before < 10
    wait_for(lambda: "does not take spans" in server.log_text(), 15, "a warning")
    assert requests.get(server.url, timeout=5).status_code == 200
    endpoints.close()


@pytest.mark.parametrize("setting,value", [("otlp.endpoint", "collector:4318"), ("otlp.headers", "novalue")])
def test_a_setting_that_is_wrong_is_told(fresh_server, setting, value):
    with pytest.raises(AssertionError, match=setting):
        fresh_server({setting: value})
