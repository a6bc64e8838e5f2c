"""GraphQL over HTTP: what npm graphql-http audits, what the npm graphql-sse client sees, and how answers are asked for."""

import json
import threading
from pathlib import Path

import pytest
import requests

from javascript import cases_of, run_script
from penstock import wait_for

JS = Path(__file__).parent / "js"


def test_every_audit_is_green(server):
    results = run_script(JS / "audits.mjs", server)
    assert len(results) >= 60
    assert not [result for result in results.values() if not result["ok"]]


@pytest.fixture(scope="module")
def subscriptions(server, client):
    template = client.save_template()["id"]
    endpoint = client.save_endpoint(name="listened to", templateId=template, gpuIds="AMPERE_16", workersMax=0)["id"]
    return run_script(JS / "subscriptions.mjs", server, ENDPOINT=endpoint)


@pytest.mark.parametrize("name", cases_of(JS / "subscriptions.mjs"))
def test_graphql_sse_client(subscriptions, name):
    assert subscriptions[name]["ok"], subscriptions[name]["detail"]


WRONG = {"query": "{ nothing }"}


@pytest.mark.parametrize("accept, status, content_type", [
    (None, 400, "application/json; charset=utf-8"),
    ("*/*", 400, "application/json; charset=utf-8"),
    ("application/json", 200, "application/json; charset=utf-8"),
    ("application/json, text/plain, */*", 200, "application/json; charset=utf-8"),
    ("application/graphql-response+json, application/json;q=0.9", 400,
     "application/graphql-response+json; charset=utf-8"),
    ("application/json;q=0.5, application/graphql-response+json", 400,
     "application/graphql-response+json; charset=utf-8"),
    ("application/graphql-response+json;q=0, */*", 400, "application/json; charset=utf-8"),
    ("text/event-stream", 200, "text/event-stream; charset=utf-8"),
    ("text/html", 406, "application/json; charset=utf-8"),
])
def test_a_refused_document_by_accept(client, accept, status, content_type):
    answer = client.post_graphql(WRONG, {"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (status, content_type)
    assert "Cannot query field" in answer.text or status == 406


@pytest.mark.parametrize("content_type, status", [
    ("application/json", 200), ("Application/JSON; charset=UTF-8", 200), ("application/x-www-form-urlencoded", 200),
    (None, 200), ("text/plain", 415), ("multipart/form-data; boundary=x", 415),
])
def test_content_types(client, content_type, status):
    answer = client.post_graphql({"query": "{ __typename }"}, {"content-type": content_type})
    assert answer.status_code == status, answer.text
    if status == 415:
        assert "application/json" in answer.json()["errors"][0]["message"]


def test_a_subscription_needs_a_stream(client):
    answer = client.post_graphql({"query": 'subscription { jobEvents(endpointId: "x") { id } }'})
    assert answer.status_code == 406
    assert "text/event-stream" in answer.json()["errors"][0]["message"]


def subscribe(client, query: str) -> requests.Response:
    answer = requests.post(f"{client.url}/graphql", json={"query": query}, stream=True, timeout=30,
                           headers={"authorization": client.key, "accept": "text/event-stream"})
    assert answer.status_code == 200
    return answer


class Listener:
    """A subscription that is read in a thread of its own."""

    def __init__(self, client, query: str):
        self.events = []
        self.over = False
        self.answer = subscribe(client, query)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        name = None
        for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            if line.startswith("data: ") and name == "next":
                self.events.append(json.loads(line.removeprefix("data: ")))
            if name == "complete":
                self.over = True

    def wait(self, condition, what: str):
        return wait_for(lambda: condition(self.events), 30, f"{what}; events {self.events}")


def test_workers_come_and_go_in_the_events(client, endpoints):
    endpoint = endpoints.make_python(workersMax=1, idleTimeout=1)
    listener = Listener(client, 'subscription { endpointEvents(id: "%s") { kind workerId endpoint { pods { id } } } }'
                        % endpoint)
    jobs = Listener(client, 'subscription { jobEvents(endpointId: "%s") { id status workerId delayTime executionTime } }'
                    % endpoint)
    job = client.run(endpoint, {"x": 1})
    assert client.wait_terminal(endpoint, job)["status"] == "COMPLETED"
    seen = jobs.wait(lambda events: [e["data"]["jobEvents"] for e in events]
                     if events and events[-1]["data"]["jobEvents"]["status"] == "COMPLETED" else None, "the end of the job")
    assert [event["status"] for event in seen] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert {event["id"] for event in seen} == {job}
    assert seen[0]["workerId"] is None and seen[2]["workerId"]
    assert seen[2]["delayTime"] >= 0 and seen[2]["executionTime"] >= 0
    gone = listener.wait(lambda events: [e["data"]["endpointEvents"] for e in events]
                         if events[-1:] and events[-1]["data"]["endpointEvents"]["kind"] == "WORKER_GONE" else None,
                         "the worker to go")
    assert gone[0]["kind"] == "CURRENT"
    assert {event["workerId"] for event in gone[1:]} == {seen[2]["workerId"]}
    assert gone[-1]["endpoint"]["pods"] == []


def test_one_subscription_too_many(fresh_server):
    client = fresh_server({"graphql.subscriptions": 1}).client()
    template = client.save_template()["id"]
    endpoint = client.save_endpoint(name="busy", templateId=template, gpuIds="AMPERE_16", workersMax=0)["id"]
    query = 'subscription { jobEvents(endpointId: "%s") { id } }' % endpoint
    held = subscribe(client, query)
    refused = Listener(client, query)
    event = refused.wait(lambda events: events and events[0], "a refusal")
    assert "1 subscriptions" in event["errors"][0]["message"]
    wait_for(lambda: refused.over, 10, "the end")
    held.close()
    # The place is free as soon as the server sees that the first one left.
    wait_for(lambda: _listens(client, query), 10, "a free place")


def _listens(client, query: str) -> bool:
    answer = subscribe(client, query)
    first = next(answer.iter_lines(chunk_size=1, decode_unicode=True))
    answer.close()
    return first == ":"


def test_a_stranger_hears_nothing(client, endpoints):
    query = 'subscription { jobEvents(endpointId: "%s") { id } }' % endpoints.make()
    answer = requests.post(f"{client.url}/graphql", json={"query": query}, timeout=30,
                           headers={"accept": "text/event-stream"})
    assert '"Unauthorized"' in answer.text and answer.text.endswith("event: complete\ndata: \n\n")
