"""The OpenAI route of queue-based endpoints (contract/data-plane 5, cases 99 to 102), with the published clients."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
import requests

from endpoints import WORKERS, Endpoints
from penstock import process_template, wait_for

JS = Path(__file__).parent / "js"
JS_NAMES = re.findall(r"^  async (\w+)\(", (JS / "openai_cases.mjs").read_text(), re.MULTILINE)
SAY = [{"role": "user", "content": "the quick brown føx 🦊"}]


@pytest.fixture(scope="module")
def chat_ep(client, shared_endpoints):
    ep = shared_endpoints.make(process_template(WORKERS, "openai_worker.py"), workersMin=1, workersMax=1, idleTimeout=60)
    client.wait_health(ep, lambda h: h["workers"]["ready"] >= 1, "a ready worker", 60)
    return ep


@pytest.fixture(scope="module")
def ai(server, chat_ep):
    return openai.OpenAI(base_url=f"{server.url}/v2/{chat_ep}/openai/v1", api_key=server.key, max_retries=0, timeout=30)


def post(client, ep: str, body, path: str = "chat/completions", **options) -> requests.Response:
    return client.call("POST", f"{ep}/openai/v1/{path}", body, **options)


def question(model: str = "echo", **more) -> dict:
    return {"model": model, "messages": SAY, **more}


# ---- the published Python client

def test_dp_099_chat_completion(ai):
    answer = ai.chat.completions.create(model="echo", messages=SAY)
    assert answer.choices[0].message.content == "the quick brown føx 🦊"
    assert answer.usage.total_tokens == 10
    assert answer._request_id.startswith("sync-"), "the job behind it"


def test_dp_099_the_body_is_one_object(client, chat_ep):
    answer = post(client, chat_ep, question())
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert answer.json()["object"] == "chat.completion"


def test_dp_099_without_aggregation_the_chunk_is_the_answer(client, shared_endpoints):
    ep = shared_endpoints.make(process_template(WORKERS, "openai_worker.py", "--no_aggregate"), workersMax=1)
    assert post(client, ep, question()).json()["object"] == "chat.completion"


@pytest.mark.parametrize("model", ["echo", "objects"])
def test_dp_100_chat_completion_as_a_stream(ai, model):
    """The worker cuts its events anywhere (echo), or yields objects (objects): the client sees whole deltas."""
    stream = ai.chat.completions.create(model=model, messages=SAY, stream=True)
    deltas = [chunk.choices[0] for chunk in stream]
    assert "".join(delta.delta.content for delta in deltas) == "the quick brown føx 🦊 "
    assert deltas[-1].finish_reason == "stop"


def test_dp_100_the_stream_is_what_the_worker_wrote(client, chat_ep):
    answer = post(client, chat_ep, question(stream=True), headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = answer.content.decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""] and len(events) == 8
    assert all(event.startswith("data: ") for event in events[:-1])


def test_dp_100_deltas_come_as_they_are_made(ai, client, chat_ep):
    stream = ai.chat.completions.create(model="slow", messages=SAY, stream=True)
    first = [chunk.choices[0].delta.content for chunk, _ in zip(stream, range(2))]
    assert first == ["0 ", "1 "], "the third is not made yet"
    stream.close()
    wait_for(lambda: client.health(chat_ep)["jobs"]["inProgress"] == 0, 10, "the job of a client that left to end")


def test_dp_101_models(ai):
    assert [model.id for model in ai.models.list()] == ["echo"]


def test_dp_101_a_get_has_no_input_and_no_query(client, chat_ep):
    answer = client.ok("GET", f"{chat_ep}/openai/v1/echo?limit=3")
    assert answer == {"openai_route": "/v1/echo"}
    assert post(client, chat_ep, b'{"n": 1.0, "big": 12345678901234567890}', "echo").text == (
        '{"openai_route": "/v1/echo", "openai_input": {"n": 1.0, "big": 12345678901234567890}}')


def test_dp_102_an_error_of_vllm_keeps_its_status(ai, client, chat_ep):
    with pytest.raises(openai.NotFoundError, match="The model `missing` does not exist") as caught:
        ai.chat.completions.create(model="missing", messages=SAY)
    assert caught.value.type == "worker_error"
    job = caught.value.response.headers["x-request-id"]
    assert client.status(chat_ep, job)["status"] == "FAILED"
    with pytest.raises(openai.NotFoundError):
        ai.chat.completions.create(model="missing", messages=SAY, stream=True)


def test_dp_102_other_errors_are_500_and_not_repeated(server, chat_ep, client):
    before = client.health(chat_ep)["jobs"]["failed"]
    patient = openai.OpenAI(base_url=f"{server.url}/v2/{chat_ep}/openai/v1", api_key=server.key, max_retries=3)
    with pytest.raises(openai.InternalServerError, match="the handler broke"):
        patient.chat.completions.create(model="broken", messages=SAY)
    assert client.health(chat_ep)["jobs"]["failed"] == before + 1


def test_dp_102_an_error_in_mid_stream_is_an_event(ai):
    stream = ai.chat.completions.create(model="late", messages=SAY, stream=True)
    seen = []
    with pytest.raises((openai.APIError, json.JSONDecodeError)):
        for chunk in stream:
            seen.append(chunk.choices[0].delta.content)
    assert seen == ["the "]


def test_the_error_event_is_whole_whatever_was_cut(client, chat_ep):
    events = post(client, chat_ep, question("late", stream=True)).content.decode().split("\n\n")
    assert events[1] == 'data: {"cut'
    error = json.loads(events[2].removeprefix("data: "))["error"]
    assert "the engine is gone" in error["message"] and error["type"] == "worker_error"


# ---- what the gateway itself refuses

def test_a_bad_key_is_told_as_openai_does(server, chat_ep):
    stranger = openai.OpenAI(base_url=f"{server.url}/v2/{chat_ep}/openai/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as caught:
        stranger.models.list()
    assert caught.value.code == "invalid_api_key" and caught.value.type == "invalid_request_error"
    answer = requests.get(f"{server.url}/v2/{chat_ep}/openai/v1/models", timeout=30)
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("method,path,body,status,says", [
    ("GET", "nosuchendpoint/openai/v1/models", None, 404, "nosuchendpoint"),
    ("GET", "{ep}/openai", None, 404, "/openai/v1/models"),
    ("GET", "{ep}/openai/v1", None, 404, "/openai/v1/models"),
    ("GET", "{ep}/openai/v2/models", None, 404, "/openai/v1/models"),
    ("DELETE", "{ep}/openai/v1/models/echo", None, 405, "GET or POST"),
    ("POST", "{ep}/openai/v1/chat/completions", b"", 400, "empty"),
    ("POST", "{ep}/openai/v1/chat/completions", b"[1]", 400, "object"),
    ("POST", "{ep}/openai/v1/chat/completions", b'{"model":', 400, "byte"),
])
def test_what_is_no_request(client, chat_ep, method, path, body, status, says):
    answer = client.call(method, path.replace("{ep}", chat_ep), body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert says in error["message"] and error["type"] == "invalid_request_error"


def test_an_endpoint_without_workers_times_out_and_cancels(fresh_server):
    server = fresh_server({"openai.timeout_s": 1})
    client = server.client()
    template = client.save_template()["id"]
    ep = client.save_endpoint(name="idle", gpuIds="AMPERE_16", templateId=template, workersMin=0, workersMax=0)["id"]
    for stream in (False, True):
        answer = post(client, ep, question(stream=stream))
        assert answer.status_code == 504 and "openai.timeout_s" in answer.json()["error"]["message"]
        assert answer.headers["x-should-retry"] == "false"
        assert client.status(ep, answer.headers["x-request-id"])["status"] == "CANCELLED"


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_cancels_its_job(client, ep, worker, stream):
    with pytest.raises(requests.exceptions.ReadTimeout):
        post(client, ep, question(stream=stream), timeout=0.3)
    wait_for(lambda: client.health(ep)["jobs"]["inQueue"] == 0, 10, "the job to leave the queue")
    assert worker.take(extra="").status_code == 204


def test_a_server_that_stops_answers(fresh_server):
    server = fresh_server()
    client = server.client()
    template = client.save_template()["id"]
    ep = client.save_endpoint(name="idle", gpuIds="AMPERE_16", templateId=template, workersMin=0, workersMax=0)["id"]
    held = subprocess.Popen(["curl", "-s", "-w", "%{http_code}", "-H", f"Authorization: {server.key}",
                             f"{server.url}/v2/{ep}/openai/v1/models"], stdout=subprocess.PIPE, text=True)
    wait_for(lambda: client.health(ep)["jobs"]["inQueue"] == 1, 10, "the job to be queued")
    server.terminate(10)
    answer, _ = held.communicate(timeout=10)
    assert answer.endswith("503") and "stopping" in answer


def test_a_plain_handler_answers_as_it_is(client, ep, worker):
    """Not a generator: its output comes whole, also to a client that streams."""
    for output, stream, expected in [({"a": 1}, False, '{"a": 1}'), ([{"a": 1}], False, '{"a": 1}'),
                                     ([1, 2], False, "[1, 2]"), ("data: x\n\n", True, "data: x\n\n"),
                                     ([{"a": 1}], True, 'data: {"a": 1}\n\n')]:
        call = subprocess.Popen(["curl", "-sN", "-H", f"Authorization: {client.key}", "-d", json.dumps({"stream": stream}),
                                 f"{client.url}/v2/{ep}/openai/v1/x"], stdout=subprocess.PIPE, text=True)
        worker.finish(worker.take_job()["id"], output)
        assert call.communicate(timeout=10)[0] == expected


def test_the_cursor_of_stream_is_left_alone(client, chat_ep):
    job = post(client, chat_ep, question(stream=True)).headers["x-request-id"]
    page = client.ok("GET", f"{chat_ep}/stream/{job}")
    assert page["status"] == "COMPLETED"
    assert "".join(element["output"] for element in page["stream"]).endswith("data: [DONE]\n\n")


# ---- the published JavaScript client

@pytest.fixture(scope="module")
def js_results(server, chat_ep):
    environment = {**os.environ, "BASE_URL": f"{server.url}/v2/{chat_ep}/openai/v1", "API_KEY": server.key}
    done = subprocess.run(["node", "openai_cases.mjs"], cwd=JS, env=environment, capture_output=True, text=True, timeout=100)
    found = {result["name"]: result for result in map(
        json.loads, (line for line in done.stdout.splitlines() if line.startswith('{"name"')))}
    assert set(found) == set(JS_NAMES), done.stderr
    return found


@pytest.mark.parametrize("name", JS_NAMES)
def test_js(js_results, name):
    assert js_results[name]["ok"], js_results[name]["detail"]


# ---- outputs too large for memory, of jobs that streamed nothing

LONG = "føx " * 300_000


def answer_in_one(server, output, body: dict) -> requests.Response:
    """The answer to a job whose worker posts this output and no chunk."""
    client = server.client()
    own = Endpoints(client)
    ep = own.make()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post, client, ep, body)
        worker = own.worker(ep)
        worker.finish(worker.take_job()["id"], output)
        return answer.result(60)


def test_a_spooled_output_is_answered(fresh_server):
    server = fresh_server({"jobs.spool_mb": 1})
    completion = {"object": "chat.completion", "text": LONG}
    answer = answer_in_one(server, [completion], question())
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert answer.json() == completion and answer.headers["x-request-id"].startswith("sync-")
    assert answer_in_one(server, completion, question()).json() == completion
    assert answer_in_one(server, [completion, 1], question()).json() == [completion, 1]


def test_a_spooled_output_is_streamed(fresh_server):
    server = fresh_server({"jobs.spool_mb": 1})
    events = [f"data: {LONG}\n\n", {"delta": LONG}, "data: [DONE]\n\n"]
    answer = answer_in_one(server, events, question(stream=True))
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    first, second, third, rest = answer.content.decode().split("\n\n")
    assert first == f"data: {LONG}" and json.loads(second.removeprefix("data: ")) == {"delta": LONG}
    assert third == "data: [DONE]" and rest == ""
