"""What a modify keeps, clears and starts afresh, and what is accepted beyond the letter of the schema:
contract/control-plane 2.2, 2.3, 2.9, C50."""

import uuid

import pytest

from endpoints import SLEEPER
from penstock import GraphQLError, wait_for

FULL = {
    "gpuIds": "AMPERE_16,AMPERE_24,-NVIDIA RTX A4500", "gpuCount": 2, "workersMin": 0, "workersMax": 7,
    "workersStandby": 1, "idleTimeout": 42, "scalerType": "REQUEST_COUNT", "scalerValue": 9, "locations": "US,CZ",
    "allowedCudaVersions": "12.4,12.5", "minCudaVersion": "12.1", "executionTimeoutMs": 90000, "requestTTL": 60000,
    "flashBootType": "FLASHBOOT", "env": [{"key": "A", "value": "1"}], "compliance": ["GDPR"],
    "modelReferences": ["https://huggingface.co/org/name:main"], "workersPFBTarget": 1,
    "dataCenterIds": ["EU-CZ-1", "US-KS-2"]}
SELECT = "name templateId networkVolumeId instanceIds " + " ".join(
    field + (" { key value }" if field == "env" else "") for field in FULL)


def name() -> str:
    return f"modify-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def account(fresh_server):
    return fresh_server().client()


def create(client, **fields) -> tuple[str, dict]:
    """An endpoint with every setting set: its id, and how it reads."""
    template = client.save_template()["id"]
    made = client.save_endpoint("id " + SELECT, **{**FULL, "name": name(), "templateId": template, **fields})
    return made.pop("id"), made


def modify(client, endpoint_id: str, before: dict, **fields) -> dict:
    return client.save_endpoint(SELECT, **{"id": endpoint_id, "name": before["name"], **fields})


def version(client, endpoint_id: str) -> int:
    return client.endpoint(endpoint_id, "version")["version"]


def test_cp_everything_is_stored_as_given(account):
    _, made = create(account)
    assert {field: made[field] for field in FULL} == FULL


def test_cp_d1_absent_fields_are_kept(account):
    endpoint_id, before = create(account)
    assert modify(account, endpoint_id, before) == before


def test_cp_d1_null_keeps_what_has_a_default_and_clears_the_rest(account):
    endpoint_id, before = create(account)
    kept = ["gpuIds", "gpuCount", "workersMin", "workersMax", "workersPFBTarget", "idleTimeout", "scalerType",
            "scalerValue", "flashBootType"]
    cleared = ["locations", "allowedCudaVersions", "minCudaVersion", "executionTimeoutMs", "modelReferences",
               "compliance", "dataCenterIds", "requestTTL"]
    after = modify(account, endpoint_id, before, **dict.fromkeys(kept + cleared), env=None, networkVolumeId=None,
                   networkVolumeIds=None, instanceIds=None)
    assert {field: after[field] for field in kept} == {field: before[field] for field in kept}
    assert {field: after[field] for field in cleared} == dict.fromkeys(cleared)
    assert after["env"] == []


def test_cp_d1_upstream_reset(fresh_server):
    client = fresh_server({"graphql.save_endpoint_modify": "upstream-reset"}).client()
    endpoint_id, before = create(client)
    after = modify(client, endpoint_id, before)
    reset = {"gpuCount": 1, "workersMin": 0, "workersMax": 3, "workersPFBTarget": 0, "idleTimeout": 10, "scalerValue": 4}
    assert after == {**before, **reset}


def test_cp_c50_echo_all_and_change_the_gpus(account):
    endpoint_id, before = create(account)
    echo = {field: value for field, value in before.items() if field not in ("gpuIds", "networkVolumeId")}
    after = account.save_endpoint(SELECT, id=endpoint_id, **echo, gpuIds="ADA_24", networkVolumeId=None,
                                  networkVolumeIds=None)
    assert after == {**before, "gpuIds": "ADA_24"}


def test_cp_gpus_turn_a_cpu_endpoint_around(account):
    endpoint_id, before = create(account, gpuIds="", instanceIds=["cpu3c-2-4"])
    assert account.endpoint(endpoint_id, "computeType gpuIds instanceIds") == {
        "computeType": "CPU", "gpuIds": None, "instanceIds": ["cpu3c-2-4"]}
    modify(account, endpoint_id, before, gpuIds="ADA_24")
    assert account.endpoint(endpoint_id, "computeType gpuIds instanceIds") == {
        "computeType": "GPU", "gpuIds": "ADA_24", "instanceIds": None}


@pytest.mark.parametrize("change", [
    {"gpuIds": "ADA_24"}, {"gpuCount": 3}, {"env": [{"key": "A", "value": "2"}]}, {"allowedCudaVersions": "12.6"},
    {"minCudaVersion": "12.2"}, {"locations": "FR"}, {"dataCenterIds": ["EU-CZ-1"]}, {"instanceIds": ["cpu3c-2-4"]}],
    ids=lambda change: next(iter(change)))
def test_cp_d3_changes_that_need_fresh_workers_raise_the_version(client, change):
    endpoint_id, before = create(client, workersMax=0, workersStandby=0)
    modify(client, endpoint_id, before, **change)
    assert version(client, endpoint_id) == 1
    modify(client, endpoint_id, before, **change)
    assert version(client, endpoint_id) == 1, "the same again is no change"
    client.delete_endpoint(endpoint_id)


@pytest.mark.parametrize("change", [
    {"name": "another name"}, {"workersMax": 1}, {"workersStandby": None}, {"scalerType": "QUEUE_DELAY"},
    {"scalerValue": 5}, {"idleTimeout": 7}, {"executionTimeoutMs": 80000}, {"requestTTL": 70000},
    {"flashBootType": "OFF"}, {"modelReferences": []}], ids=lambda change: next(iter(change)))
def test_cp_d3_changes_in_place_keep_the_version(client, change):
    endpoint_id, before = create(client, workersMax=0, workersStandby=0)
    modify(client, endpoint_id, before, **change)
    assert version(client, endpoint_id) == 0
    modify(client, endpoint_id, before, workersMax=0)
    client.delete_endpoint(endpoint_id)


def test_cp_a_new_version_replaces_the_workers(client, endpoints):
    endpoint_id = endpoints.make(SLEEPER, workersMin=1, workersMax=1)
    pods = "pods { id slsVersion version desiredStatus }"
    first = wait_for(lambda: client.endpoint(endpoint_id, pods)["pods"], 10, "a worker")[0]
    assert first["slsVersion"] == first["version"] == 0
    endpoints.change(endpoint_id, env=[{"key": "A", "value": "1"}])

    def replaced():
        now = [pod for pod in client.endpoint(endpoint_id, pods)["pods"] if pod["desiredStatus"] == "RUNNING"]
        return [pod for pod in now if pod["slsVersion"] == 1] if len(now) == 1 else None

    assert wait_for(replaced, 20, "a worker of version 1 alone")[0]["id"] != first["id"]


@pytest.mark.parametrize("wrong", [
    {"gpuIds": "NOPE"}, {"scalerValue": 0}, {"workersMax": 100_001}, {"idleTimeout": 0}, {"templateId": "nosuchtmpl"},
    {"networkVolumeId": "nosuchvolu"}, {"executionTimeoutMs": 1}, {"type": "LB"}, {"instanceIds": ["x"]},
    {"env": [{"key": "A=B", "value": ""}]}, {"flashBootType": "OFF", "requestTTL": 1}],
    ids=lambda wrong: next(reversed(wrong)))
def test_cp_a_refused_modify_changes_nothing(account, wrong):
    endpoint_id, before = create(account)
    valid = {"locations": "FR", "workersMax": 5, "env": [{"key": "NEW", "value": "2"}]}
    with pytest.raises(GraphQLError) as refused:
        modify(account, endpoint_id, before, **{**valid, **wrong})
    assert refused.value.code == "RUNPOD"
    assert account.endpoint(endpoint_id, SELECT + " version") == {**before, "version": 0}


def test_cp_everything_survives_kill_9(fresh_server):
    server = fresh_server()
    client = server.client()
    endpoint_id, before = create(client)
    select = "name imageName config portsConfig { port name } env { key value } boundEndpointId"
    template = client.save_template("id " + select, config={"a": [1]}, portsConfig=[{"port": "80", "name": "web"}],
                                    env=[{"key": "K", "value": "line\nbreak"}])
    template_id = template.pop("id")
    server.kill()
    server.start()
    client = server.client()
    assert client.endpoint(endpoint_id, SELECT) == before
    assert client.graphql('{ podTemplate(id: "%s") { %s } }' % (template_id, select))["podTemplate"] == template


# ---- leniency


@pytest.fixture
def template(client):
    return client.save_template()["id"]


def save(client, template_id: str, select: str, **fields) -> dict:
    base = {"name": name(), "gpuIds": "AMPERE_16", "templateId": template_id, "workersMax": 0}
    return client.save_endpoint(select, **{**base, **fields})


def test_cp_l1_empty_text_for_an_enum_is_absent(client, template):
    assert save(client, template, "flashBootType", flashBootType="") == {"flashBootType": "OFF"}


def test_cp_l2_a_nullable_variable_in_a_place_that_needs_a_value(client):
    place = client.graphql("{ dataCenters { id } }")["dataCenters"][0]["id"]
    query = """mutation NetworkVolumeCreate($dataCenterId: String, $name: String, $size: Int) {
        createNetworkVolume(input: { dataCenterId: $dataCenterId, name: $name, size: $size }) { id } }"""
    made = client.graphql(query, {"dataCenterId": place, "name": "by pulumi", "size": 1})["createNetworkVolume"]
    client.graphql('mutation { deleteNetworkVolume(input: { id: "%s" }) }' % made["id"])
    with pytest.raises(GraphQLError) as refused:
        client.graphql(query, {"name": "by pulumi", "size": 1})
    assert "dataCenterId" in refused.value.message and "errors" in refused.value.body


def test_cp_l3_whole_floats_are_integers(client, template):
    assert save(client, template, "idleTimeout", idleTimeout=30.0) == {"idleTimeout": 30}


def test_cp_l4_a_template_without_command_and_env(client):
    query = """mutation { saveTemplate(input: { name: "%s", imageName: "example/worker:1", containerDiskInGb: 5,
        volumeInGb: 0, isServerless: true }) { dockerArgs env { key } } }""" % name()
    assert client.graphql(query)["saveTemplate"] == {"dockerArgs": "", "env": []}


def test_cp_l6_model_name_is_ignored(client, template):
    assert save(client, template, "modelReferences", modelName="org/name") == {"modelReferences": None}


def test_cp_l8_volume_size_is_required_of_a_template(client):
    with pytest.raises(GraphQLError) as refused:
        client.graphql('mutation { saveTemplate(input: { name: "x", imageName: "i", containerDiskInGb: 5 }) { id } }')
    assert 'Field "SaveTemplateInput.volumeInGb" of required type "Int!" was not provided' in refused.value.message


def test_cp_l9_b21_gpu_fields_of_a_cpu_endpoint_are_no_error(client, template):
    made = save(client, template, "computeType", gpuIds="", gpuCount=2, instanceIds=["cpu3g-4-16"],
                allowedCudaVersions="12.4", minCudaVersion="12.1", flashBootType="FLASHBOOT")
    assert made == {"computeType": "CPU"}


# ---- what is kept for clients


def test_cp_template_config_and_port_names(client):
    config = {"ports": [1, 2.5, True, None, {"nested": "text"}], "empty": {}}
    select = "id config portsConfig { port name } earned runtimeInMin allowedCudaVersions minVram minRam"
    made = client.save_template(select, config=config, portsConfig=[{"port": "8000", "name": "web"}])
    template_id = made.pop("id")
    assert made == {"config": config, "portsConfig": [{"port": "8000", "name": "web"}], "earned": 0, "runtimeInMin": 0,
                    "allowedCudaVersions": [], "minVram": None, "minRam": None}
    plain = client.save_template(select, id=template_id, name=name(), containerDiskInGb=5, volumeInGb=0)
    assert plain["config"] == config, "absent keeps"
    literal = """mutation { saveTemplate(input: { id: "%s", name: "%s", containerDiskInGb: 5, volumeInGb: 0,
        config: { a: [1, "b", null, ENUM] } }) { config } }""" % (template_id, name())
    assert client.graphql(literal)["saveTemplate"]["config"] == {"a": [1, "b", None, "ENUM"]}


def test_cp_worker_state_is_how_the_workers_are(client, endpoints):
    endpoint_id = endpoints.make(SLEEPER, workersMin=1, workersMax=1)
    live = "workerState(input: { granularity: LIVE }) { time initialized ready running throttled }"
    wait_for(lambda: client.endpoint(endpoint_id, live)["workerState"][0]["initialized"] == 1, 10, "a starting worker")
    state = client.endpoint(endpoint_id, live)["workerState"]
    assert len(state) == 1 and state[0]["time"].endswith("Z") and state[0]["throttled"] == 0
    answer = client.post_graphql({"query": """{ myself { endpoint(id: "%s") {
        workerState(input: { granularity: DAILY }) { time } webhookRequests(input: {}) { time } } } }""" % endpoint_id})
    assert answer.json()["data"]["myself"]["endpoint"] == {"workerState": None, "webhookRequests": None}
    assert [error["message"] for error in answer.json()["errors"]] == [
        "Endpoint.workerState of granularity DAILY is not implemented by this server; LIVE is",
        "Endpoint.webhookRequests is not implemented by this server"]


def test_cp_what_a_pod_says_of_its_worker(client, endpoints):
    template = {**SLEEPER, "env": [{"key": "A", "value": "template"}, {"key": "B", "value": "2"}]}
    endpoint_id = endpoints.make(template, workersMin=1, workersMax=1, env=[{"key": "A", "value": "endpoint"}])
    select = """pods { id gpuCount gpus { id podId } env costPerHr adjustedCostPerHr locked savingsPlans { podId }
        machineType cpuFlavorId vcpuCount machine { gpuTypeId gpuDisplayName gpuType { memoryInGb } machineType
        dataCenterId } latestTelemetry { state } networkVolume { id } }"""
    pod = wait_for(lambda: client.endpoint(endpoint_id, select)["pods"], 10, "a worker")[0]
    assert pod["gpuCount"] == 1 and [gpu["podId"] for gpu in pod["gpus"]] == [pod["id"]]
    assert sorted(pod["env"]) == ["A=endpoint", "B=2"]
    assert (pod["machineType"], pod["cpuFlavorId"], pod["vcpuCount"]) == ("GPU", None, 0)
    assert pod["machine"] == {"gpuTypeId": "NVIDIA RTX A4000", "gpuDisplayName": "RTX A4000",
                              "gpuType": {"memoryInGb": 16}, "machineType": "GPU",
                              "dataCenterId": pod["machine"]["dataCenterId"]}
    assert (pod["costPerHr"], pod["adjustedCostPerHr"], pod["locked"], pod["savingsPlans"]) == (0, 0, False, [])


def test_cp_what_a_pod_says_of_a_cpu_worker(client, endpoints):
    endpoint_id = endpoints.make(SLEEPER, gpuIds="", instanceIds=["cpu3g-4-16"], workersMin=1, workersMax=1)
    select = "pods { machineType cpuFlavorId cpuFlavor { id ramMultiplier } vcpuCount memoryInGb gpus { id } }"
    pod = wait_for(lambda: client.endpoint(endpoint_id, select)["pods"], 10, "a worker")[0]
    assert pod == {"machineType": "CPU", "cpuFlavorId": "cpu3g", "cpuFlavor": {"id": "cpu3g", "ramMultiplier": 4},
                   "vcpuCount": 4, "memoryInGb": 16, "gpus": []}
