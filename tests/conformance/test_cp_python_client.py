"""The functions of the real Python package that manage endpoints, templates, GPUs and the user."""

import uuid

import pytest
import runpod
from runpod.error import AuthenticationError, QueryError

from endpoints import SLEEPER
from penstock import wait_for


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A server with an empty account."""
    from penstock import Server
    with Server(tmp_path_factory.mktemp("python") / "data", gpus="4xAMPERE_16,2xADA_24") as server:
        yield server


@pytest.fixture(autouse=True)
def pointed_at_the_server(account, monkeypatch):
    monkeypatch.setenv("RUNPOD_API_BASE_URL", account.url)
    monkeypatch.setattr(runpod, "api_key", account.key)


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def make_template(**options) -> dict:
    return runpod.create_template(name=unique("python"), image_name="example/worker:1", is_serverless=True,
                                  docker_start_cmd="python handler.py", **options)


def test_py_get_user(account):
    user = runpod.get_user()
    assert user["id"].startswith("user_") and user["networkVolumes"] == []


def test_py_update_user_settings():
    keys = "ssh-ed25519 AAAA one\nssh-rsa BBBB two"
    assert runpod.update_user_settings(keys) == {"id": runpod.get_user()["id"], "pubKey": keys}
    assert runpod.get_user()["pubKey"] == keys


def test_py_get_gpus():
    gpus = runpod.get_gpus()
    assert len(gpus) == 24
    assert {"id": "NVIDIA RTX A4000", "displayName": "RTX A4000", "memoryInGb": 16} in gpus


def test_py_get_gpu():
    gpu = runpod.get_gpu("NVIDIA GeForce RTX 4090", 2)
    assert (gpu["displayName"], gpu["memoryInGb"], gpu["maxGpuCount"], gpu["secureCloud"]) == ("RTX 4090", 24, 2, True)
    assert gpu["lowestPrice"] == {"minimumBidPrice": 0, "uninterruptablePrice": 0}
    with pytest.raises(ValueError, match="No GPU found"):
        runpod.get_gpu("NVIDIA nothing")


def test_py_create_template():
    template = make_template(container_disk_in_gb=7, ports="8000/http", env={"A": "1"}, volume_mount_path="/data")
    assert template["imageName"] == "example/worker:1" and template["isServerless"] is True
    assert template["containerDiskInGb"] == 7 and template["env"] == [{"key": "A", "value": "1"}]
    assert template["dockerArgs"] == "python handler.py"
    with pytest.raises(QueryError, match="must be unique"):
        runpod.create_template(name=template["name"], image_name="example/worker:1", is_serverless=True)


def test_py_create_endpoint_and_list_it(account):
    template = make_template()
    made = runpod.create_endpoint("by python", template["id"], "AMPERE_16", workers_max=1, flashboot=True,
                                  allowed_cuda_versions="12.4,12.5", gpu_count=2)
    assert made["name"].startswith("by python") and made["templateId"] == template["id"]
    listed = next(e for e in runpod.get_endpoints() if e["id"] == made["id"])
    assert (listed["gpuIds"], listed["gpuCount"], listed["idleTimeout"]) == ("AMPERE_16", 2, 5)
    assert (listed["scalerType"], listed["scalerValue"]) == ("QUEUE_DELAY", 4)
    assert (listed["workersMin"], listed["workersMax"], listed["type"]) == (0, 1, "QB")
    assert listed["networkVolumeId"] is None and listed["networkVolume"] is None and listed["env"] == []
    stored = account.client().endpoint(made["id"], "flashBootType allowedCudaVersions")
    assert stored == {"flashBootType": "FLASHBOOT", "allowedCudaVersions": "12.4,12.5"}


def test_py_create_endpoint_with_a_volume(account):
    client = account.client()
    place = client.graphql("{ dataCenters { id } }")["dataCenters"][0]["id"]
    volume = client.graphql('mutation { createNetworkVolume(input: { name: "v", size: 5, dataCenterId: "%s" }) { id } }'
                            % place)["createNetworkVolume"]["id"]
    made = runpod.create_endpoint("with a volume", make_template()["id"], network_volume_id=volume, workers_max=1)
    listed = next(e for e in runpod.get_endpoints() if e["id"] == made["id"])
    assert listed["networkVolume"] == {"id": volume, "dataCenterId": place}
    assert {"id": volume, "name": "v", "size": 5, "dataCenterId": place} in runpod.get_user()["networkVolumes"]


def test_py_update_endpoint_template():
    first, second = make_template(), make_template()
    made = runpod.create_endpoint("two templates", first["id"], workers_max=1)
    assert runpod.update_endpoint_template(made["id"], second["id"]) == {"id": made["id"], "templateId": second["id"]}
    with pytest.raises(QueryError, match="Template not found"):
        runpod.update_endpoint_template(made["id"], "nosuchtmpl")


def test_py_refusals_are_query_errors():
    with pytest.raises(QueryError, match="Invalid GPU Pool ID"):
        runpod.create_endpoint("bad", make_template()["id"], gpu_ids="NVIDIA A40")


def test_py_pods_are_workers_by_id_and_nothing_else(account):
    assert runpod.get_pods() == []
    assert runpod.get_pod("nosuchworker01") is None
    client = account.client()
    template = client.save_template(**SLEEPER)["id"]
    endpoint = client.save_endpoint(gpuIds="AMPERE_16", name="busy", templateId=template, workersMin=1, workersMax=1)["id"]
    worker = wait_for(lambda: client.endpoint(endpoint, "pods { id }")["pods"], 10, "a worker")[0]["id"]
    pod = runpod.get_pod(worker)
    assert (pod["id"], pod["desiredStatus"], pod["gpuCount"]) == (worker, "RUNNING", 1)
    assert runpod.get_pods() == []


def test_py_pods_cannot_be_made():
    with pytest.raises(QueryError, match="podStop is not implemented by this server"):
        runpod.stop_pod("x")
    with pytest.raises(QueryError, match="There are no longer any instances available"):
        runpod.create_pod("pod", "example/image:1", "NVIDIA RTX A4000")


def test_py_wrong_key():
    with pytest.raises(AuthenticationError):
        runpod.get_user(api_key="wrong")
