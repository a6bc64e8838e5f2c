"""Python workers that are forked from a process which has imported the SDK already."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from endpoints import Endpoints
from penstock import binary, is_running, process_template, wait_for

HANDLER = """
import os
import sys

import helper
import runpod


def handler(job):
    if job["input"].get("exit"):
        os._exit(job["input"]["exit"])
    if job["input"].get("signal"):
        os.kill(os.getpid(), job["input"]["signal"])
    return {"pid": os.getpid(), "session": os.getsid(0), "parent": os.getppid(), "cwd": os.getcwd(), "argv": sys.argv,
            "main": sys.modules["__main__"].__file__, "name": __name__, "pod": os.environ["RUNPOD_POD_ID"],
            "path": sys.path[0], "own": os.environ.get("OWN"), "helper": helper.VALUE,
            "stdin": os.readlink("/proc/self/fd/0"), "stdout": os.readlink("/proc/self/fd/1")}


if __name__ == "__main__":
    print("handler begins", flush=True)
    runpod.serverless.start({"handler": handler})
"""


@pytest.fixture
def place(tmp_path):
    directory = tmp_path / "handler"
    directory.mkdir()
    (directory / "handler.py").write_text(HANDLER)
    (directory / "helper.py").write_text("VALUE = 1\n")
    return directory


def make(client, place: Path, env: list | None = None, **fields) -> str:
    template = process_template(place, "handler.py", "one", "two")
    template["env"] = [*template.get("env", []), *(env or [])]
    return Endpoints(client).make(template, **{"workersMax": 1, "idleTimeout": 1, **fields})


def one_job(client, endpoint: str, **payload) -> tuple[dict, str]:
    """A job on a fresh worker. Gives its output and how that worker was started."""
    wait_for(lambda: not client.workers_of(endpoint)["workers"], 30, "the worker before to go")
    job = client.run(endpoint, {"x": 1, **payload})
    done = client.wait_terminal(endpoint, job, timeout=60)
    kinds = [w["start"]["kind"] for w in client.workers_of(endpoint)["workers"] if w["id"] == done["workerId"]]
    return done, kinds[0] if kinds else "gone"


def ready(server, times: int = 1) -> None:
    wait_for(lambda: server.log_text().count("a fork server for") >= times, 60, "the fork server to be ready")


def until_forked(server, client, endpoint: str) -> None:
    """Its next worker is forked."""
    one_job(client, endpoint)
    ready(server)
    wait_for(lambda: not client.workers_of(endpoint)["workers"], 30, "the worker before to go")


def fork_servers(place: Path) -> list[int]:
    """Those of that directory and their spares."""
    title = f"penstock-fork-server {place}".encode()
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            is_one = Path(f"/proc/{entry}/cmdline").read_bytes().rstrip(b"\0") == title
        except OSError:
            continue
        if is_one and is_running(int(entry)):
            found.append(int(entry))
    return found


def test_a_forked_worker_is_like_any_other(fresh_server, place):
    server = fresh_server()
    client = server.client()
    ep = make(client, place, [{"key": "OWN", "value": "mine"}])
    first, kind = one_job(client, ep)
    assert kind == "spawned"
    ready(server)
    second, kind = one_job(client, ep)
    assert kind == "forked", server.log_text()
    one, two = first["output"], second["output"]
    assert two["pid"] == two["session"] and two["parent"] == server.pid
    assert two["pod"] == second["workerId"] != one["pod"]
    for same in ("cwd", "argv", "main", "name", "path", "own", "helper", "stdin"):
        assert one[same] == two[same], same
    assert two["stdout"] != one["stdout"] and "handler begins" in Path(two["stdout"]).read_text()
    cold = {kind["kind"]: kind["ready"]["p50Ms"] for kind in client.workers_of(ep)["coldStarts"]}
    assert cold["forked"] < cold["spawned"]
    shown = subprocess.run([binary(), "workers", ep, "--url", server.url, "--api-key", server.key],
                           capture_output=True, text=True, timeout=30)
    assert shown.returncode == 0 and "forked" in shown.stdout, shown
    # By its environment and its command line others know it as they know any worker.
    assert two["pid"] in server.worker_processes(second["workerId"])
    assert Path(f"/proc/{two['pid']}/cmdline").read_bytes().rstrip(b"\0").endswith(b" handler.py one two")


def test_its_end_is_seen(fresh_server, place):
    server = fresh_server()
    client = server.client()
    ep = make(client, place)
    until_forked(server, client, ep)
    job = client.run(ep, {"exit": 3})
    wait_for(lambda: "exit code 3" in server.log_text(), 30, "the exit code in the log")
    assert [kind["count"] for kind in client.workers_of(ep)["coldStarts"] if kind["kind"] == "forked"] == [1]
    assert client.wait_terminal(ep, job, timeout=60)["status"] == "FAILED"
    job = client.run(ep, {"signal": int(signal.SIGSEGV)})
    wait_for(lambda: "signal 11" in server.log_text(), 30, "the signal in the log")
    client.wait_terminal(ep, job, timeout=60)


def test_a_fork_server_that_imports_ends_with_the_server(fresh_server, place):
    (place / "slow.py").write_text("import time\ntime.sleep(600)\n")
    server = fresh_server()
    client = server.client()
    ep = make(client, place, [{"key": "PENSTOCK_PRELOAD", "value": "slow"}], idleTimeout=60)
    one_job(client, ep)
    [importing] = wait_for(lambda: fork_servers(place), 30, "the fork server to begin")
    server.kill()
    wait_for(lambda: not is_running(importing), 30, "the fork server to end")


def test_a_forked_worker_is_frozen_and_thawed(fresh_server, place):
    server = fresh_server()
    client = server.client()
    ep = make(client, place)
    until_forked(server, client, ep)
    client.save_endpoint(id=ep, name="frozen-fb", gpuIds="AMPERE_16", workersMin=0, workersMax=1, idleTimeout=1,
                         flashBootType="FLASHBOOT", templateId=client.endpoint(ep, "templateId")["templateId"])
    first, kind = one_job(client, ep)
    assert kind == "forked"
    wait_for(lambda: [w["status"] for w in client.workers_of(ep)["workers"]] == ["frozen"], 30, "the worker to be frozen")
    again = client.wait_terminal(ep, client.run(ep, {"x": 1}), timeout=60)
    assert again["output"]["pid"] == first["output"]["pid"]


def test_what_cannot_be_forked_is_run_as_ever(fresh_server, place):
    server = fresh_server({"log_level": "debug"})
    client = server.client()
    template = process_template(place, "handler.py")
    template["dockerArgs"] = template["dockerArgs"].replace(" -u ", " -u -X dev ")
    ep = Endpoints(client).make(template, workersMax=1, idleTimeout=1)
    assert one_job(client, ep)[1] == "spawned"
    assert "is not forked: of Python's options, -X is not known" in server.log_text()
    assert not fork_servers(place)


def test_a_changed_file_is_never_served_old(fresh_server, place):
    server = fresh_server()
    client = server.client()
    ep = make(client, place, [{"key": "PENSTOCK_PRELOAD", "value": "helper"}])
    one_job(client, ep)
    ready(server)
    assert one_job(client, ep)[1] == "forked"
    (place / "helper.py").write_text("VALUE = 2\n")
    done, kind = one_job(client, ep)
    assert done["output"]["helper"] == 2 and kind == "spawned"
    ready(server, 2)
    done, kind = one_job(client, ep)
    assert done["output"]["helper"] == 2 and kind == "forked"


def test_a_preload_with_threads_is_not_used(fresh_server, place):
    (place / "busy.py").write_text("import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n")
    server = fresh_server()
    client = server.client()
    ep = make(client, place, [{"key": "PENSTOCK_PRELOAD", "value": "busy"}], workersMin=1)
    wait_for(lambda: "are not forked: what it imports started 1 threads" in server.log_text(), 60, "the reason in the log")
    wait_for(lambda: not fork_servers(place), 30, "it to end")
    client.save_endpoint(id=ep, name="none", gpuIds="AMPERE_16", workersMin=0, workersMax=1, idleTimeout=1,
                         templateId=client.endpoint(ep, "templateId")["templateId"])
    assert one_job(client, ep)[1] == "spawned"


def test_it_ends_with_the_server_and_comes_back(fresh_server, place):
    server = fresh_server()
    client = server.client()
    ep = make(client, place, idleTimeout=60)
    first, _ = one_job(client, ep)
    ready(server)
    wait_for(lambda: len(fork_servers(place)) == 2, 30, "the spare process")
    server.kill_worker(first["workerId"])
    second, kind = one_job(client, ep)
    assert kind == "forked"
    server.kill()
    wait_for(lambda: not fork_servers(place), 30, "the fork server and its spare to end")
    assert is_running(second["output"]["pid"]), "its worker goes on"
    server.start()
    client = server.client()
    done = client.wait_terminal(ep, client.run(ep, {"x": 1}), timeout=60)
    assert done["output"]["pid"] == second["output"]["pid"], "and is adopted"
    os.kill(second["output"]["pid"], signal.SIGKILL)
    assert one_job(client, ep)[1] == "spawned"
    ready(server, 2)
    os.kill(listing_pid(server, client, ep), signal.SIGKILL)
    assert one_job(client, ep)[1] == "forked"


def listing_pid(server, client, endpoint: str) -> int:
    done = client.wait_terminal(endpoint, client.run(endpoint, {"x": 1}), timeout=60)
    return done["output"]["pid"]


@pytest.mark.parametrize("how", ["setting", "template"])
def test_it_can_be_switched_off(fresh_server, place, how):
    server = fresh_server({"workers.fork_servers": False} if how == "setting" else {})
    client = server.client()
    ep = make(client, place, [{"key": "PENSTOCK_FORK_SERVER", "value": "off"}] if how == "template" else [], workersMin=1)
    wait_for(lambda: any(w["readyAt"] for w in client.workers_of(ep)["workers"]), 60, "a worker")
    begun = time.monotonic()
    wait_for(lambda: fork_servers(place) or time.monotonic() - begun > 2.5, 10, "the time in which one would be prepared")
    assert not fork_servers(place)
