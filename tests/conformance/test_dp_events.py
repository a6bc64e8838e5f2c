"""/stream with `Accept: text/event-stream`: a true stream of server-sent events, beside the polls of contract/data-plane 1.7."""

import http.client
import json
import socket
import threading
import time

import pytest

from penstock import wait_for


class Events:
    """One open stream, read as the events arrive."""

    def __init__(self, client, ep: str, job: str, last: str | None = None):
        headers = {"Authorization": f"Bearer {client.key}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        self.connection = http.client.HTTPConnection(client.url.removeprefix("http://"), timeout=30)
        self.connection.request("GET", f"/v2/{ep}/stream/{job}", headers=headers)
        self.answer = self.connection.getresponse()
        self.comments = 0

    def next(self) -> dict:
        """The fields of the next event; {} at the end of the stream."""
        fields: dict = {}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if not name and fields:
                return fields
            if name in ("id", "event"):
                fields[name] = value
            elif name == "data":
                fields["data"] = fields["data"] + "\n" + value if "data" in fields else value
            elif line.startswith(":"):
                self.comments += 1
        return fields

    def rest(self) -> list[dict]:
        return list(iter(self.next, {}))

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


def chunk_event(index: int, value) -> dict:
    return {"id": str(index), "data": json.dumps({"output": value})}


def test_each_chunk_is_an_event_at_once(client, ep, worker):
    job = client.run(ep, {})
    events = Events(client, ep, job)
    assert events.answer.status == 200
    assert events.answer.headers["content-type"].startswith("text/event-stream")
    worker.take_job()
    for n in range(3):
        worker.chunk(job, {"n": n})
        assert events.next() == chunk_event(n, {"n": n}), "before the next chunk is posted"
    worker.done(job, {"output": []}, stream=True)
    end = events.next()
    assert (end["event"], end["id"]) == ("end", "end")
    status = json.loads(end["data"])
    assert (status["id"], status["status"]) == (job, "COMPLETED")
    assert isinstance(status["executionTime"], int) and "output" not in status
    assert events.next() == {}


def test_a_failed_job_ends_with_its_error(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    worker.chunk(job, "a")
    worker.done(job, {"error": "handler: broke"}, stream=True)
    first, end = Events(client, ep, job).rest()
    assert first == chunk_event(0, "a")
    assert json.loads(end["data"])["status"] == "FAILED"
    assert json.loads(end["data"])["error"] == "handler: broke"


def test_last_event_id_goes_on_behind_it(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    for n in range(5):
        worker.chunk(job, n)
    first = Events(client, ep, job)
    assert [first.next()["id"] for _ in range(3)] == ["0", "1", "2"]
    first.close()
    again = Events(client, ep, job, last="2")
    assert again.next() == chunk_event(3, 3)
    assert again.next() == chunk_event(4, 4)
    worker.done(job, {"output": []}, stream=True)
    assert again.next()["event"] == "end"
    assert [event["id"] for event in Events(client, ep, job, last="4").rest()] == ["end"]
    assert Events(client, ep, job, last="end").answer.status == 204, "an EventSource stops at that"


@pytest.mark.parametrize("last", ["x", "-1", "99999999999", "1.5"])
def test_a_last_event_id_that_is_none_of_ours(client, ep, last):
    job = client.run(ep, {})
    answer = Events(client, ep, job, last=last).answer
    assert answer.status == 400 and last in json.load(answer)["error"]


def test_events_take_nothing_from_the_polls(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    readers = [Events(client, ep, job), Events(client, ep, job)]
    worker.chunk(job, "a")
    for reader in readers:
        assert reader.next() == chunk_event(0, "a")
    page = client.ok("GET", f"{ep}/stream/{job}")
    assert [element["output"] for element in page["stream"]] == ["a"]


def test_a_chunk_with_line_breaks_is_one_event(client, ep, worker):
    job = client.run(ep, {})
    worker.take_job()
    body = b'{\n  "output": {\r\n "a": 1}\n}'
    assert worker.post("RUNPOD_WEBHOOK_POST_STREAM", job, body).status_code == 200
    event = Events(client, ep, job).next()
    assert json.loads(event["data"]) == {"output": {"a": 1}}


def test_a_lost_attempt_goes_on_where_the_reader_is(client, ep, endpoints):
    """As the cursor of /stream does: what the reader has is not told again."""
    job = client.run(ep, {})
    lost = endpoints.worker(ep)
    lost.take_job()
    events = Events(client, ep, job)
    lost.chunk(job, "a")
    assert events.next() == chunk_event(0, "a")
    lost.vanish()
    worker = endpoints.worker(ep)
    assert worker.take_job()["id"] == job
    worker.chunk(job, "a again")
    worker.chunk(job, "b")
    assert events.next() == chunk_event(1, "b")


def test_a_cancelled_job_ends_the_stream(client, ep):
    job = client.run(ep, {})
    events = Events(client, ep, job)
    client.ok("POST", f"{ep}/cancel/{job}")
    assert json.loads(events.next()["data"])["status"] == "CANCELLED"
    assert events.next() == {}


def test_real_worker(client, shared_endpoints):
    ep = shared_endpoints.shared_python("--generator", "--return_aggregate_stream")
    job = client.run(ep, {"mock_chunks": ["a", "b", "c"], "mock_chunk_delay": 0.2})
    *chunks, end = Events(client, ep, job).rest()
    assert chunks == [chunk_event(n, value) for n, value in enumerate("abc")]
    assert json.loads(end["data"])["status"] == "COMPLETED"


def test_a_reader_that_does_not_read_costs_one_page(client, server, ep, worker):
    """48 MB of chunks, twenty readers that read nothing: the server keeps the chunks once and a page for each reader."""
    job = client.run(ep, {})
    worker.take_job()
    for _ in range(48):
        worker.chunk(job, "x" * 1_000_000)
    before = server.memory_bytes()
    host, _, port = client.url.removeprefix("http://").partition(":")
    sockets = []
    for _ in range(20):
        sock = socket.create_connection((host, int(port)))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(f"GET /v2/{ep}/stream/{job} HTTP/1.1\r\nHost: h\r\nAuthorization: {client.key}\r\n"
                     "Accept: text/event-stream\r\n\r\n".encode())
        sockets.append(sock)
    for sock in sockets:
        assert sock.recv(12) == b"HTTP/1.1 200"
    reader = Events(client, ep, job)
    for n in range(48):
        assert reader.next()["id"] == str(n), "the others do not hold this one up"
    assert server.memory_bytes() - before < 20 * 4_000_000
    for sock in sockets:
        sock.close()


def test_a_reader_that_leaves_is_let_go(client, server, ep):
    job = client.run(ep, {})
    open_before = server.descriptors()
    readers = [Events(client, ep, job) for _ in range(10)]
    assert server.descriptors() >= open_before + 10
    for reader in readers:
        reader.close()
    wait_for(lambda: server.descriptors() <= open_before, 10, "the connections of those who left to be closed")


def test_who_waits_is_not_in_the_way_of_the_end(fresh_server, tmp_path):
    server = fresh_server()
    client = server.client()
    template = client.save_template()["id"]
    ep = client.save_endpoint(name="held", gpuIds="AMPERE_16", templateId=template, workersMin=0, workersMax=0)["id"]
    job = client.run(ep, {})
    events = Events(client, ep, job)
    seen = []
    ended = threading.Thread(target=lambda: seen.extend(events.rest()))
    ended.start()
    before = time.monotonic()
    server.terminate()
    ended.join(10)
    assert not ended.is_alive() and time.monotonic() - before < 10
    assert seen == [], "the job has not ended"
