"""Network volumes: contract/control-plane 2.8, B18 to B20, D6, C45."""

import uuid
from pathlib import Path

import pytest
import requests

from penstock import GraphQLError, Server, environment_of, wait_for


@pytest.fixture(scope="module")
def two_places(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("volumes") / "data", gpus="4xAMPERE_16@EU-CZ-1,4xAMPERE_16@US-KS-2") as server:
        yield server


@pytest.fixture
def account(two_places):
    return two_places.client()


def create(client, select: str = "id", **fields) -> dict:
    wanted = {"name": f"volume-{uuid.uuid4().hex[:8]}", "size": 10, "dataCenterId": "EU-CZ-1", **fields}
    query = "mutation($i: CreateNetworkVolumeInput!) { createNetworkVolume(input: $i) { %s } }" % select
    return client.graphql(query, {"i": wanted})["createNetworkVolume"]


def update(client, select: str = "id", **fields) -> dict:
    query = "mutation($i: UpdateNetworkVolumeInput!) { updateNetworkVolume(input: $i) { %s } }" % select
    return client.graphql(query, {"i": fields})["updateNetworkVolume"]


def delete(client, volume_id: str) -> dict:
    return client.graphql('mutation { deleteNetworkVolume(input: { id: "%s" }) }' % volume_id)


def listed(client) -> list[str]:
    return [v["id"] for v in client.graphql("{ myself { networkVolumes { id } } }")["myself"]["networkVolumes"]]


def endpoint_with(client, select: str = "id", **fields) -> dict:
    base = {"gpuIds": "AMPERE_16", "name": "with volumes", "workersMax": 0}
    if "id" not in fields:
        base["templateId"] = client.save_template()["id"]
    return client.save_endpoint(select, **{**base, **fields})


def refusal(call, *arguments, **fields) -> str:
    with pytest.raises(GraphQLError) as refused:
        call(*arguments, **fields)
    assert refused.value.status == 200 and refused.value.code == "RUNPOD"
    return refused.value.message


def test_cp_c45_create_attach_and_read(account):
    volume = create(account, "id name size dataCenterId storageType storageClusterId dataCenter { id storageSupport }",
                    name="models", isNextGenStorage=True)
    assert volume == {"id": volume["id"], "name": "models", "size": 10, "dataCenterId": "EU-CZ-1", "storageType": None,
                      "storageClusterId": None, "dataCenter": {"id": "EU-CZ-1", "storageSupport": True}}
    assert len(volume["id"]) == 10 and volume["id"] in listed(account)
    select = "networkVolumeId networkVolume { id dataCenterId } networkVolumeIds { networkVolumeId dataCenterId } version"
    endpoint = endpoint_with(account, select, networkVolumeId=volume["id"])
    assert endpoint == {"networkVolumeId": volume["id"], "version": 0,
                        "networkVolume": {"id": volume["id"], "dataCenterId": "EU-CZ-1"},
                        "networkVolumeIds": [{"networkVolumeId": volume["id"], "dataCenterId": "EU-CZ-1"}]}


def test_cp_volumes_by_the_list_and_off_again(account):
    here, there = create(account)["id"], create(account, dataCenterId="US-KS-2")["id"]
    select = "id networkVolumeId networkVolumeIds { networkVolumeId } version"
    endpoint = endpoint_with(account, select, networkVolumeIds=[{"networkVolumeId": v} for v in (there, here)])
    assert [v["networkVolumeId"] for v in endpoint["networkVolumeIds"]] == [there, here]
    assert endpoint["networkVolumeId"] == there
    kept = endpoint_with(account, select, id=endpoint["id"])
    assert kept == endpoint
    cleared = endpoint_with(account, select, id=endpoint["id"], networkVolumeId=None, networkVolumeIds=None)
    assert cleared == {"id": endpoint["id"], "networkVolumeId": None, "networkVolumeIds": None, "version": 1}


def test_cp_b18_unknown_volume(account):
    assert refusal(endpoint_with, account, networkVolumeId="nosuchvolu") == "Network volume not found"
    assert refusal(endpoint_with, account, networkVolumeIds=[{"networkVolumeId": "nosuchvolu"}]) == (
        "Network volume not found")
    assert refusal(delete, account, "nosuchvolu") == "Tried to delete nonexistent network volume"
    assert "not found" in refusal(update, account, id="nosuchvolu", size=20)


def test_cp_b19_unknown_data_centre(account):
    assert refusal(create, account, dataCenterId="EU-RO-9") == (
        'Data center "EU-RO-9" not found or does not support network volumes')


def test_cp_b20_two_volumes_in_one_data_centre(account):
    both = [{"networkVolumeId": create(account)["id"]} for _ in range(2)]
    message = refusal(endpoint_with, account, networkVolumeIds=both)
    assert message.startswith("networkVolumeIds has ") and "EU-CZ-1" in message


@pytest.mark.parametrize("fields", [{"name": None}, {"name": ""}, {"size": None}, {"size": 0}, {"size": 5000}])
def test_cp_volume_needs_a_name_and_a_size(account, fields):
    before = listed(account)
    assert next(iter(fields)) in refusal(create, account, **fields)
    assert listed(account) == before


def test_cp_d6_a_volume_grows_only(account):
    volume = create(account)["id"]
    assert refusal(update, account, id=volume, size=9) == "Network volume size cannot be reduced"
    assert update(account, "size", id=volume, size=10) == {"size": 10}
    assert update(account, "size name", id=volume, size=11, name="larger") == {"size": 11, "name": "larger"}


def test_cp_an_attached_volume_cannot_be_deleted(account):
    volume = create(account)["id"]
    endpoint = endpoint_with(account, networkVolumeId=volume)["id"]
    assert endpoint in refusal(delete, account, volume)
    account.delete_endpoint(endpoint)
    assert delete(account, volume) == {"deleteNetworkVolume": None}
    assert volume not in listed(account)


def test_cp_a_volume_is_a_directory_that_its_workers_are_told(two_places, account, tmp_path):
    volume = create(account, dataCenterId="US-KS-2")["id"]
    template = account.save_template(imageName=f"process:{tmp_path}", dockerArgs="/bin/sleep 600")["id"]
    endpoint = endpoint_with(account, id=endpoint_with(account, templateId=template)["id"], templateId=template,
                             networkVolumeId=volume, workersMin=1, workersMax=1)["id"]
    pods = "pods { id networkVolumeId machine { dataCenterId } }"
    pod = wait_for(lambda: account.endpoint(endpoint, pods)["pods"], 10, "a worker")[0]
    assert pod["networkVolumeId"] == volume and pod["machine"]["dataCenterId"] == "US-KS-2"
    worker = wait_for(lambda: two_places.worker_processes(pod["id"]), 10, "its process")[0]
    environment = environment_of(worker)
    assert environment["RUNPOD_VOLUME_ID"] == volume
    directory = Path(environment["PENSTOCK_VOLUME_PATH"])
    (directory / "model.bin").write_bytes(b"weights")
    endpoint_with(account, id=endpoint, workersMin=0, workersMax=0)
    account.delete_endpoint(endpoint)
    assert (directory / "model.bin").exists(), "the volume outlives the endpoint"
    delete(account, volume)
    wait_for(lambda: not directory.exists(), 10, "the directory to go")


def test_cp_volumes_survive_kill_9(fresh_server):
    server = fresh_server(gpus="2xAMPERE_16@EU-CZ-1")
    client = server.client()
    volume = create(client, name="kept")["id"]
    gone = create(client)["id"]
    delete(client, gone)
    endpoint = endpoint_with(client, networkVolumeId=volume)["id"]
    update(client, id=volume, size=99)
    server.kill()
    server.start()
    client = server.client()
    volumes = client.graphql("{ myself { networkVolumes { id name size dataCenterId } } }")["myself"]["networkVolumes"]
    assert volumes == [{"id": volume, "name": "kept", "size": 99, "dataCenterId": "EU-CZ-1"}]
    assert client.endpoint(endpoint, "networkVolumeId") == {"networkVolumeId": volume}


def test_cp_a_directory_without_a_volume_is_named_and_left_alone(fresh_server):
    server = fresh_server()
    stray = server.data / "volumes" / "stray12345"
    stray.mkdir(parents=True)
    server.kill()
    server.start()
    wait_for(lambda: "stray12345 belongs to no network volume" in server.log_text(), 10, "the warning")
    assert stray.exists()


def test_cp_volume_mutations_need_a_key(server):
    for query in ('mutation { deleteNetworkVolume(input: { id: "x" }) }',
                  'mutation { createNetworkVolume(input: { dataCenterId: "x" }) { id } }'):
        answer = requests.post(f"{server.url}/graphql", json={"query": query}, timeout=10)
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
