"""A server on a virtual clock (docs/virtual-clock.md), and the examples of tests that use one."""

import os
import subprocess

import pytest

from endpoints import Endpoints
from penstock import ROOT, VENV_PYTHON, Server, binary

EXAMPLES = ROOT / "examples" / "ci"


def penstock_serve(*arguments: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    return subprocess.run([str(binary()), "serve", "--listen", "127.0.0.1:0", *arguments], env=environment,
                          capture_output=True, text=True, timeout=30)


def advance(client, **body):
    return client.http.post(f"{client.url}/penstock/v1/clock/advance", json=body, timeout=60,
                            headers={"Authorization": f"Bearer {client.key}"})


def now(client) -> str:
    answer = client.http.get(f"{client.url}/penstock/v1/clock", headers={"Authorization": f"Bearer {client.key}"}, timeout=30)
    return answer.json()["now"]


@pytest.fixture
def virtual(tmp_path):
    """A client of a server on a virtual clock with a script."""
    started = []

    def start(script: str):
        file = tmp_path / "script.yaml"
        file.write_text(script)
        server = Server(tmp_path / "none", arguments=("--ephemeral", "--clock", "virtual", "--script", str(file)))
        started.append(server)
        return server.start().client()

    yield start
    for server in started:
        server.close()


def test_time_goes_on_only_when_it_is_told_to(virtual):
    client = virtual("workers: {loading: 1s, execution: 10s}")
    ep = Endpoints(client).make(workersMax=1)
    assert now(client) == "2026-01-01T00:00:00.000Z"
    job = client.run(ep, {"n": 1})
    assert client.status(ep, job)["waitReason"]["code"] == "WORKERS_STARTING"
    assert advance(client, ms=999).json()["now"] == "2026-01-01T00:00:00.999Z"
    assert client.status(ep, job)["status"] == "IN_QUEUE"
    advance(client, ms=1)
    assert client.status(ep, job)["status"] == "IN_PROGRESS"
    advance(client, seconds=10)
    ended = client.status(ep, job)
    assert (ended["status"], ended["output"], ended["delayTime"], ended["executionTime"]) == ("COMPLETED", {"n": 1}, 1000, 10000)
    assert advance(client, to="2026-01-01T12:00:00Z").json()["now"] == "2026-01-01T12:00:00.000Z" == now(client)
    assert client.health(ep)["workers"]["idle"] == 0, "idleTimeout is over"


def test_a_job_that_hangs_ends_by_its_execution_timeout(virtual):
    client = virtual("workers: {jobs: [{job: 1, hangs: true}]}")
    ep = Endpoints(client).make(workersMax=1)
    job = client.run(ep, {}, policy={"executionTimeout": 60_000})
    advance(client, seconds=59)
    assert client.status(ep, job)["status"] == "IN_PROGRESS"
    advance(client, seconds=1)
    assert client.status(ep, job)["status"] == "FAILED"


def test_a_webhook_arrives_before_time_goes_on(virtual):
    from receiver import Receiver
    client = virtual("workers: {execution: 1s}")
    ep = Endpoints(client).make(workersMax=1)
    with Receiver() as receiver:
        client.run(ep, {"n": 1}, webhook=receiver.url())
        advance(client, seconds=2)
        assert len(receiver.received) == 1


def test_a_day_of_scaling(virtual):
    client = virtual("seed: 3\nworkers: {loading: 5s..20s, execution: 1s..30s}")
    ep = Endpoints(client).make(workersMax=5, scalerType="REQUEST_COUNT", scalerValue=2)
    for hour in range(24):
        for _ in range(40):
            client.run(ep, {"hour": hour})
        assert advance(client, seconds=3600).status_code == 200
    assert client.health(ep)["jobs"]["completed"] == 24 * 40


@pytest.mark.parametrize("body", [{}, {"ms": -1}, {"ms": "1"}, {"to": "noon"}, {"ms": 1e20}, {"hours": 1}, {"ms": 1, "seconds": 1},
                                  {"to": "2020-01-01T00:00:00Z"}])
def test_what_no_clock_does_is_refused(virtual, body):
    client = virtual("")
    answer = advance(client, **body)
    assert answer.status_code == 400 and answer.json()["error"], answer.text
    assert now(client) == "2026-01-01T00:00:00.000Z"


def test_the_real_clock_is_nobodys_to_move(client):
    answer = advance(client, ms=1)
    assert answer.status_code == 400 and "--clock virtual" in answer.json()["error"]


def test_it_needs_ephemeral_and_a_script_that_is_one(tmp_path):
    refused = penstock_serve("--clock", "virtual", "--data", str(tmp_path / "data"))
    assert refused.returncode == 2 and "--ephemeral" in refused.stderr
    refused = penstock_serve("--ephemeral", "--script", "x.yaml")
    assert refused.returncode == 2 and "--clock virtual" in refused.stderr
    script = tmp_path / "faults.yaml"
    script.write_text("workers:\n  executoin: 3s\n")
    refused = penstock_serve("--ephemeral", "--clock", "virtual", "--script", str(script))
    assert refused.returncode == 2 and f'{script}:2: unknown key "executoin" of workers; did you mean "execution"?' in refused.stderr
    refused = penstock_serve("--ephemeral", "--clock", "virtual", "--script", str(tmp_path / "none.yaml"))
    assert refused.returncode == 2 and "none.yaml" in refused.stderr


def run_example(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "RUNPOD_"))}
    environment["PENSTOCK_TEST_BINARY"] = str(binary())
    done = subprocess.run(command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_in_python_passes():
    run_example(str(VENV_PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider", ".")


def test_the_example_in_javascript_passes():
    run_example("node", "--test", ".")
