"""GPUs of a server whose driver is a stand-in (tests/fakes/fake_nvml.cpp): what is listed, what a worker sees, quarantine."""

import subprocess
from pathlib import Path

import pytest
import requests

from endpoints import SLEEPER, Endpoints
from penstock import binary, environment_of, wait_for

FAKE_DRIVER = binary().parent / "fakes" / "libnvidia-ml.so.1"
HEALTHY = ("driver 550.54.14\ncuda 12040\n"
           "gpu uuid=GPU-a type=NVIDIA_A40 memory=46068 used=100 load=37 ecc=0\n"
           "gpu uuid=GPU-b type=NVIDIA_A40 memory=46068 used=0 load=0 ecc=0\n")


class Driver:
    def __init__(self, path: Path):
        self.path = path
        self.says(HEALTHY)

    def says(self, text: str) -> None:
        following = self.path.with_suffix(".next")
        following.write_text(text)
        following.rename(self.path)


@pytest.fixture
def driver(tmp_path):
    return Driver(tmp_path / "driver")


@pytest.fixture
def gpu_server(fresh_server, driver):
    return fresh_server({"gpus.nvml": FAKE_DRIVER, "gpus.poll_ms": 20, "test.nvml": driver.path}, gpus="")


def gpus_of(server) -> dict:
    answer = requests.get(f"{server.url}/penstock/v1/gpus", headers={"Authorization": f"Bearer {server.key}"}, timeout=10)
    assert answer.status_code == 200, answer.text
    return {gpu["id"]: gpu for gpu in answer.json()["gpus"]}


def penstock(server, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "gpus", *arguments, "--url", server.url, "--api-key", server.key], capture_output=True,
                          text=True, timeout=30)


def test_gpus_are_listed_as_the_driver_says(gpu_server):
    wait_for(lambda: gpus_of(gpu_server)["GPU-a"]["utilizationPercent"] == 37, 20, "the first reading")
    gpu = gpus_of(gpu_server)["GPU-a"]
    assert gpu["type"] == "NVIDIA A40" and gpu["pool"] == "AMPERE_48" and gpu["memoryMb"] == 46068
    assert gpu["state"] == "FREE" and gpu["emulated"] is False and gpu["quarantine"] is None
    table = penstock(gpu_server, "list")
    assert table.returncode == 0 and "GPU-b" in table.stdout and "AMPERE_48" in table.stdout


def test_a_worker_sees_exactly_its_device(gpu_server):
    endpoints = Endpoints(gpu_server.client())
    endpoints.make(SLEEPER, gpuIds="AMPERE_48", workersMin=2, workersMax=2)
    processes = wait_for(lambda: gpu_server.worker_processes()[1:] and gpu_server.worker_processes(), 30, "two workers")
    seen = [environment_of(pid) for pid in processes]
    assert sorted(one["CUDA_VISIBLE_DEVICES"] for one in seen) == ["GPU-a", "GPU-b"]
    assert all(one["NVIDIA_VISIBLE_DEVICES"] == one["CUDA_VISIBLE_DEVICES"] for one in seen)
    assert all(one["RUNPOD_DC_ID"] == "local" and one["RUNPOD_GPU_COUNT"] == "1" for one in seen)
    listed = gpus_of(gpu_server)
    assert all(gpu["state"] == "USED" and len(gpu["workers"]) == 1 for gpu in listed.values())
    gpu_server.kill()
    gpu_server.start()
    assert {gpu["id"]: gpu["workers"] for gpu in gpus_of(gpu_server).values()} == {
        gpu["id"]: gpu["workers"] for gpu in listed.values()}, "adopted workers keep their devices"
    endpoints.client = gpu_server.client()
    endpoints.close()


def test_a_gpu_that_fails_is_quarantined_until_it_is_released(gpu_server, driver):
    driver.says(HEALTHY.replace("load=0 ecc=0", "load=0 ecc=2"))
    wait_for(lambda: gpus_of(gpu_server)["GPU-b"]["state"] == "QUARANTINED", 20, "its quarantine")
    reason = "2 uncorrected memory errors (ECC) since its last reset"
    assert gpus_of(gpu_server)["GPU-b"]["quarantine"]["reason"] == reason
    gpu_server.kill()
    gpu_server.start()
    assert gpus_of(gpu_server)["GPU-b"]["quarantine"]["reason"] == reason
    assert reason in penstock(gpu_server, "list").stdout
    assert penstock(gpu_server, "release", "GPU-b").returncode == 0
    assert gpus_of(gpu_server)["GPU-b"]["quarantine"] is None
    again = penstock(gpu_server, "release", "GPU-b")
    assert again.returncode == 1 and "is not quarantined" in again.stderr


def test_a_gpu_that_vanishes(gpu_server, driver):
    driver.says("driver 550.54.14\ncuda 12040\ngpu uuid=GPU-b type=NVIDIA_A40 memory=46068\n")
    wait_for(lambda: gpus_of(gpu_server)["GPU-a"]["state"] == "QUARANTINED", 20, "its quarantine")
    refused = penstock(gpu_server, "release", "GPU-a")
    assert refused.returncode == 1 and "the driver does not list it" in refused.stderr
    driver.says(HEALTHY)
    wait_for(lambda: penstock(gpu_server, "release", "GPU-a").returncode == 0, 20, "its release")
    assert gpus_of(gpu_server)["GPU-a"]["state"] == "FREE"


def test_a_gpu_is_quarantined_by_hand(gpu_server):
    assert penstock(gpu_server, "quarantine", "GPU-a", "--reason", "fan is loud").returncode == 0
    assert gpus_of(gpu_server)["GPU-a"]["quarantine"]["reason"] == "fan is loud"
    unknown = penstock(gpu_server, "quarantine", "GPU-nope")
    assert unknown.returncode == 1 and 'no GPU "GPU-nope"' in unknown.stderr
    bad = requests.post(f"{gpu_server.url}/penstock/v1/gpus/GPU-b/quarantine", data="{", timeout=10,
                        headers={"Authorization": f"Bearer {gpu_server.key}"})
    assert bad.status_code == 400, bad.text
    assert requests.get(f"{gpu_server.url}/penstock/v1/gpus", timeout=10).status_code == 401


def test_emulation_is_in_every_listing(fresh_server):
    server = fresh_server(gpus="2xADA_24,1xAMPERE_16@EU-RO-1")
    listed = gpus_of(server)
    assert sorted(listed) == ["local-EU-RO-1:0", "local:0", "local:1"]
    assert all(gpu["emulated"] for gpu in listed.values())
    assert penstock(server, "list").stdout.count("emulated") == 3


def test_an_endpoint_goes_back_to_where_it_ran_also_after_a_kill(fresh_server):
    server = fresh_server(gpus="1xAMPERE_16,2xAMPERE_16@EU-RO-1")
    endpoints = Endpoints(server.client())

    def used() -> list[str]:
        return sorted(name for name, gpu in gpus_of(server).items() if gpu["workers"])

    blocker = endpoints.make(SLEEPER, workersMin=1, workersMax=1)
    wait_for(lambda: used() == ["local:0"], 30, "a worker on the fullest node")
    mine = endpoints.make(SLEEPER, workersMin=1, workersMax=1)
    wait_for(lambda: used() == ["local-EU-RO-1:0", "local:0"], 30, "a worker on the other node")
    for endpoint in (blocker, mine):
        endpoints.change(endpoint, workersMin=0, workersMax=0)
    wait_for(lambda: not used(), 30, "all workers to end")

    server.kill()
    server.start()
    endpoints.client = server.client()
    endpoints.change(mine, workersMin=1, workersMax=1)
    wait_for(used, 30, "its next worker")
    assert used() == ["local-EU-RO-1:0"], "the other node is fuller, and it never ran there"
    endpoints.close()
