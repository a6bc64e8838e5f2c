"""The program itself: its ready line, its lock, its end, what it keeps, and what it never writes down."""

import json
import re
import signal
import subprocess
import time

import pytest

from endpoints import Endpoints
from fake_worker import FakeWorker
from penstock import Client, Server, binary, wait_for


def test_ready_line(fresh_server):
    server = fresh_server(key=None)
    assert set(server.ready) == {"url", "apiKey", "pid"}
    assert server.ready["pid"] == server.pid
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", server.url)
    assert server.ready["apiKey"].startswith("rpa_")
    assert server.client().graphql("{ myself { id } }")["myself"]["id"]


def test_first_key_is_shown_only_once(fresh_server):
    server = fresh_server(key=None)
    key = server.key
    assert server.terminate() == 0
    server.start()
    assert "apiKey" not in server.ready
    assert Client(server.url, key).graphql("{ myself { id } }")["myself"]["id"]


def test_second_server_on_the_same_data_is_refused(fresh_server):
    server = fresh_server()
    second = Server(server.data, server.settings)
    second.log_path, second.out_path = server.data.with_name("second.log"), server.data.with_name("second.out")
    process = second.spawn()
    assert process.wait(20) != 0
    assert str(server.pid) in second.log_text()
    assert server.client().graphql("{ __typename }") == {"__typename": "Query"}


def test_data_is_free_again_after_a_kill(fresh_server):
    server = fresh_server()
    server.kill()
    server.start()
    assert server.client().graphql("{ __typename }") == {"__typename": "Query"}


def test_unknown_setting_names_the_nearest(fresh_server, tmp_path):
    configuration = tmp_path / "penstock.toml"
    configuration.write_text("[workers]\nping_intervall_ms = 5\n")
    done = subprocess.run([str(binary()), "serve", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "d"), "--config",
                           str(configuration)], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0
    assert "ping_intervall_ms" in done.stderr and "ping_interval_ms" in done.stderr.replace("ping_intervall_ms", "")


def test_configuration_file_is_read(fresh_server, tmp_path):
    configuration = tmp_path / "penstock.toml"
    configuration.write_text("[account]\nworkers_quota = 7\n")
    server = fresh_server(arguments=("--config", str(configuration)))
    assert server.client().graphql("{ myself { maxServerlessConcurrency } }") == {
        "myself": {"maxServerlessConcurrency": 7}}


def test_sigterm_releases_a_held_take_and_ends(fresh_server):
    server = fresh_server({"workers.poll_hold_ms": 25000})
    client = server.client()
    endpoint = Endpoints(client).make()
    worker = FakeWorker(client, endpoint)
    take = worker.start_take()
    client.wait_health(endpoint, lambda health: health["workers"]["ready"] == 1, "the poll to be held")
    before = time.monotonic()
    status = server.terminate()
    assert status == 0 and time.monotonic() - before < 15
    assert take.result(5).status_code == 204
    worker.vanish()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupt_and_hangup_end_all_workers(fresh_server, number):
    """Someone who leaves leaves nothing behind, not even a worker in the middle of a job. The job waits for the next start."""
    server = fresh_server()
    client = server.client()
    endpoint = Endpoints(client).make_python(workersMin=1, workersMax=1)
    job = client.run(endpoint, {"mock_delay": 60, "mock_return": "too late"})
    client.wait_status(endpoint, job, "IN_PROGRESS", 60)
    assert server.worker_processes()
    server.process.send_signal(number)
    assert server.process.wait(20) == 0
    assert server.worker_processes() == []
    server.start()
    assert server.client().status(endpoint, job)["status"] in ("IN_QUEUE", "IN_PROGRESS")


def test_under_nohup_a_hang_up_has_no_effect(fresh_server):
    server = fresh_server(hang_up="ignore")
    server.process.send_signal(signal.SIGHUP)
    assert server.client().health(Endpoints(server.client()).make())["workers"]["running"] == 0
    assert server.terminate() == 0
    assert "SIGHUP" not in server.log_text()


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_restart_keeps_everything(fresh_server, end):
    server = fresh_server({"workers.ping_interval_ms": 10000})
    client = server.client()
    endpoint = Endpoints(client).make()
    worker = FakeWorker(client, endpoint, pings=False)
    done = client.run(endpoint, {"n": 1})
    worker.take_job()
    worker.finish(done, {"kept": True})
    failed = client.run(endpoint, {"n": 2})
    worker.take_job()
    worker.done(failed, {"error": "kept too"})
    cancelled = client.run(endpoint, {"n": 3})
    client.ok("POST", f"{endpoint}/cancel/{cancelled}")
    running = client.run(endpoint, {"n": 4})
    worker.take_job()
    waiting = [client.run(endpoint, {"n": n}) for n in range(5, 8)]
    listed = client.graphql("{ myself { endpoints { id name templateId workersMax createdAt version } podTemplates "
                            "{ id name imageName env { key value } boundEndpointId } } }")
    before = {job: client.status(endpoint, job) for job in (done, failed, cancelled)}
    jobs_before = client.health(endpoint)["jobs"]

    getattr(server, end)()
    server.start()

    client = server.client()
    assert client.graphql("{ myself { endpoints { id name templateId workersMax createdAt version } podTemplates "
                          "{ id name imageName env { key value } boundEndpointId } } }") == listed
    assert {job: client.status(endpoint, job) for job in before} == before
    assert client.health(endpoint)["jobs"] == jobs_before
    worker.client = client
    worker.finish(running, "over the restart")
    assert client.status(endpoint, running)["output"] == "over the restart"
    assert [worker.take_job()["id"] for _ in waiting] == waiting


def test_ephemeral_server_leaves_nothing(fresh_server):
    server = fresh_server(arguments=("--ephemeral",))
    client = server.client()
    endpoint = Endpoints(client).make()
    client.run(endpoint, {"n": 1})
    server.terminate()
    server.start()
    assert server.client().graphql("{ myself { endpoints { id } } }") == {"myself": {"endpoints": []}}


def test_ephemeral_and_a_data_directory_contradict_each_other(tmp_path):
    command = [str(binary()), "serve", "--listen", "127.0.0.1:0", "--ephemeral", "--data", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert result.returncode == 2 and "give one of them" in result.stderr


def test_secrets_are_not_in_the_log(fresh_server):
    server = fresh_server()
    client = server.client()
    endpoint = Endpoints(client).make({"env": [{"key": "PASSWORD", "value": "hunter2hunter2"}]})
    worker = FakeWorker(client, endpoint)
    job = client.run(endpoint, {"private": "payload-not-for-logs"})
    worker.take_job()
    worker.finish(job, "result-not-for-logs")
    client.post_graphql({"query": "{ nonsense"})
    client.call("GET", f"{endpoint}/status/{job}", authorization="Bearer guessed-key-0123456789")
    client.http.get(f"{client.url}/graphql", params={"api_key": client.key, "query": "{ myself { id } }"}, timeout=10)
    worker.close()
    server.terminate()
    log = server.log_text() + server.out_path.read_text().partition("\n")[2]
    for secret in (server.key, worker.key, "hunter2hunter2", "guessed-key-0123456789", "payload-not-for-logs",
                   "result-not-for-logs"):
        assert secret not in log, secret


def test_workers_survive_a_killed_server(fresh_server):
    """A worker process goes on working while the server is down, and its result is accepted."""
    server = fresh_server()
    client = server.client()
    endpoint = Endpoints(client).make_python(workersMin=1, workersMax=1)
    job = client.run(endpoint, {"mock_delay": 3, "mock_return": "after the crash"})
    holder = client.wait_status(endpoint, job, "IN_PROGRESS", 60)["workerId"]
    before = server.worker_processes(holder)
    server.kill()
    server.start()
    client = server.client()
    status = client.wait_terminal(endpoint, job)
    assert status["output"] == "after the crash"
    assert before
    # No second copy of the worker and nobody forgotten: the fleet is one worker again.
    wait_for(lambda: len(client.endpoint(endpoint, "pods { id }")["pods"]) == 1, 20, "one worker")
    assert server.terminate() == 0


def test_attach_command_prints_the_environment(server, client, endpoints, ep):
    environment = {"PENSTOCK_URL": server.url, "PENSTOCK_API_KEY": server.key, "PATH": "/usr/bin:/bin"}
    done = subprocess.run([str(binary()), "worker", "attach", ep, "--json"], env=environment, capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    attached = json.loads(done.stdout)
    assert attached["environment"]["RUNPOD_POD_ID"] == attached["workerId"]
    assert attached["environment"]["RUNPOD_ENDPOINT_ID"] == ep
    assert "/job-take/" in attached["environment"]["RUNPOD_WEBHOOK_GET_JOB"]
    plain = subprocess.run([str(binary()), "worker", "attach", ep], env=environment, capture_output=True, text=True,
                           timeout=20)
    assert "RUNPOD_WEBHOOK_GET_JOB=" in plain.stdout
