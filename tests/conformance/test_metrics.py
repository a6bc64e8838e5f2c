"""GET /metrics: the Prometheus text format (docs/metrics.md), parsed strictly."""

import math
import re

import pytest

from endpoints import Endpoints
from fake_worker import FakeWorker
from receiver import Receiver
from penstock import wait_for

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)')
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def parse(text: str) -> dict:
    """{(name, labels): value}. Fails on anything that the format does not allow."""
    assert text.endswith("\n") and "\r" not in text
    samples: dict = {}
    types: dict[str, str] = {}
    family = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family, _, words = line.removeprefix("# HELP ").partition(" ")
            assert NAME.fullmatch(family) and words, line
            assert family not in types, f"{family} comes twice, or in two parts"
            continue
        if line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            assert name == family and kind in SUFFIXES, line
            types[name] = kind
            continue
        match = re.fullmatch(r"([^ {]+)(?:\{(.*)\})? ([^ ]+)", line)
        assert match, f"not a sample: {line!r}"
        name, inside, value = match.groups()
        assert NAME.fullmatch(name) and name.removeprefix(family) in SUFFIXES[types[family]], line
        labels = []
        position = 0
        while inside and position < len(inside):
            label = LABEL.match(inside, position)
            assert label, line
            labels.append(label.groups())
            position = label.end()
        assert len(dict(labels)) == len(labels), line
        key = (name, tuple(sorted(labels)))
        assert key not in samples, f"{key} comes twice"
        samples[key] = math.inf if value == "+Inf" else float(value)
        assert types[family] == "gauge" or samples[key] >= 0, line
        assert types[family] != "counter" or name.endswith("_total"), line
    for name in (name for name, kind in types.items() if kind == "histogram"):
        buckets = [(math.inf if dict(labels)["le"] == "+Inf" else float(dict(labels)["le"]), value)
                   for (sample, labels), value in samples.items() if sample == f"{name}_bucket"]
        assert buckets == sorted(buckets) and buckets[-1][0] == math.inf, "bounds grow, and so do counts"
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)
        assert buckets[-1][1] == samples[f"{name}_count", ()]
    return samples


def scrape(server, **headers) -> dict:
    answer = server.client().http.get(f"{server.url}/metrics", headers=headers, timeout=30)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parse(answer.text)


def value(samples: dict, name: str, **labels) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def test_it_counts_what_happened(fresh_server, tmp_path):
    server = fresh_server({"webhooks.allow_private": True})
    client = server.client()
    endpoints = Endpoints(client)
    ep = endpoints.make()
    before = scrape(server)
    assert value(before, "penstock_jobs", endpoint=ep, state="IN_QUEUE") == 0
    receiver = Receiver().start()
    jobs = [client.run(ep, {"n": n}, webhook=f"http://127.0.0.1:{receiver.port}/hook") for n in range(2)]
    client.run(ep, {}, policy={"priority": "low"})
    batch = client.ok("POST", f"{ep}/batch", [{"input": {}}])["id"]
    client.ok("POST", f"{ep}/batch/{batch}/finalize")
    worker = endpoints.worker(ep)
    assert worker.take_job()["id"] == jobs[0]
    samples = scrape(server)
    assert value(samples, "penstock_jobs", endpoint=ep, state="IN_QUEUE") == 3
    assert value(samples, "penstock_jobs", endpoint=ep, state="IN_PROGRESS") == 1
    assert [value(samples, "penstock_queue_depth", endpoint=ep, kind=kind) for kind in ("normal", "low", "batch")] == [1] * 3
    assert value(samples, "penstock_workers", endpoint=ep, state="running") == 1
    assert value(samples, "penstock_workers", endpoint=ep, state="idle") == 0
    wait_for(lambda: value(scrape(server), "penstock_queue_oldest_wait_seconds", endpoint=ep) > 0.01, 10, "a wait")
    worker.finish(jobs[0], 1)
    assert worker.take_job()["id"] == jobs[1]
    worker.done(jobs[1], {"error": "no"})
    wait_for(lambda: value(scrape(server), "penstock_webhook_posts_total", result="delivered") == 2, 20, "two webhooks")
    client.call("POST", f"{ep}/run", b"nonsense")
    samples = scrape(server)
    assert value(samples, "penstock_jobs_finished_total", endpoint=ep, result="completed") == 1
    assert value(samples, "penstock_jobs_finished_total", endpoint=ep, result="failed") == 1
    assert value(samples, "penstock_webhooks_pending") == 0
    assert value(samples, "penstock_http_requests_total", route="run") == 4
    assert value(samples, "penstock_http_answers_total", code="400") == 1
    assert value(samples, "penstock_commit_seconds_count") > value(before, "penstock_commit_seconds_count")
    assert value(samples, "penstock_commit_records_total") > 10 and value(samples, "penstock_log_bytes_total") > 1_000
    assert value(samples, "penstock_disk_has_room") == 1
    assert value(samples, "process_resident_memory_bytes") > 1_000_000
    assert value(samples, "penstock_http_connections") >= 1
    wait_for(lambda: value(scrape(server), "penstock_tables_lag_turns") == 0, 20, "the tables to follow")
    receiver.stop()


def test_who_may_read_it(server, client):
    def status(**headers) -> int:
        return client.http.get(f"{server.url}/metrics", headers=headers, timeout=30).status_code

    assert status() == 200, "from this machine"
    for name, text in (("X-Forwarded-For", "10.1.1.1"), ("Via", "1.1 proxy"), ("Host", "metrics.example"), ("Origin", "http://x")):
        assert status(**{name: text}) == 401, f"{name}: it came from elsewhere, perhaps"
        assert status(**{name: text, "Authorization": f"Bearer {server.key}"}) == 200
    assert status(Authorization="Bearer nonsense") == 401
    assert client.http.post(f"{server.url}/metrics", timeout=30).status_code == 405


def test_labels_are_bounded(server, client, ep):
    """Nothing that a client sends makes a series."""
    def names() -> set:
        return {key for key in scrape(server) if key[0] != "penstock_http_answers_total"}

    before = names()
    for path in (f"{ep}/nonsense", "unknown/run", f"{ep}/status/none", "../x", f"{ep}/batch/none"):
        client.call("GET", path)
    assert names() == before


def test_dropped_spans_are_counted(fresh_server):
    server = fresh_server({"otlp.endpoint": "http://127.0.0.1:9"})
    samples = scrape(server)
    assert value(samples, "penstock_spans_dropped_total") == 0 and value(samples, "penstock_spans_waiting") == 0
    client = server.client()
    client.run(Endpoints(client).make(), {})
    wait_for(lambda: value(scrape(server), "penstock_spans_waiting") > 0, 10, "a span that waits")


def test_metrics_of_one_endpoint_as_flash_reads_them(client, ep):
    nothing = {"running": 0, "idle": 0, "initializing": 0, "ready": 0, "throttled": 0, "unhealthy": 0}
    assert client.ok("GET", f"{ep}/metrics") == {"readyWorkers": [], "workers": nothing}
    with FakeWorker(client, ep) as worker:
        poll = worker.start_take()
        client.wait_health(ep, lambda health: health["workers"]["ready"] == 1, "a ready worker")
        assert client.ok("GET", f"{ep}/metrics") == {"readyWorkers": [worker.id], "workers": {**nothing, "idle": 1, "ready": 1}}
        assert poll.result().status_code == 204
    assert client.call("GET", f"{ep}/metrics", authorization="Bearer x").status_code == 401
