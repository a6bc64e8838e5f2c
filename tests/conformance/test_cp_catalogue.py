"""GPUs, CPUs, data centres and public templates, and what belongs to products that are not here: contract/control-plane
2.10, C19, C20, C47, C48, B23, B24."""

import uuid

import pytest
import requests

from penstock import GraphQLError

POOLS = {
    "AMPERE_16": 4, "AMPERE_24": 3, "ADA_24": 1, "ADA_32_PRO": 1, "AMPERE_48": 2, "ADA_48_PRO": 3, "AMPERE_80": 2,
    "ADA_80_PRO": 3, "BLACKWELL_96": 3, "HOPPER_141": 1, "BLACKWELL_180": 1}


@pytest.fixture(scope="module")
def two_places(tmp_path_factory):
    """A server with GPUs in two data centres."""
    from penstock import Server
    with Server(tmp_path_factory.mktemp("places") / "data", gpus="2xNVIDIA A40@EU-CZ-1,8xAMPERE_80@US-KS-2") as server:
        yield server.client()


def anonymous(client, query: str) -> dict:
    answer = requests.post(f"{client.url}/graphql", json={"query": query}, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_cp_c19_e2_the_catalogue_needs_no_key(server):
    answer = anonymous(server, """{ gpuTypes { id } dataCenters { id } cpuTypes { id } cpuFlavors { id } countryCodes
        serverlessGpuPools { id } podTemplates { id } allAiApiPublicConfigs { id } podTemplate(id: "nosuchtmpl") { id } }""")
    assert "errors" not in answer
    data = answer["data"]
    assert data["gpuTypes"] and data["dataCenters"] and data["cpuTypes"] and len(data["cpuFlavors"]) == 6
    assert data["allAiApiPublicConfigs"] == [] and data["podTemplate"] is None


def test_cp_c20_unknown_price(client):
    with pytest.raises(GraphQLError) as refused:
        client.graphql("{ gpuTypes { lowestPrice(input:{gpuCount:1}) { interruptablePrice } } }")
    assert refused.value.status == 400 and refused.value.code == "GRAPHQL_VALIDATION_FAILED"
    assert refused.value.message.startswith('Cannot query field "interruptablePrice" on type "LowestPrice".')


def test_cp_c47_pools_and_their_types(client):
    pools = client.graphql("{ serverlessGpuPools { id gpuTypeIds } }")["serverlessGpuPools"]
    assert {pool["id"]: len(pool["gpuTypeIds"]) for pool in pools} == POOLS and len(pools) == 11
    known = {t["id"] for t in client.graphql("{ gpuTypes { id } }")["gpuTypes"]}
    assert known == {gpu for pool in pools for gpu in pool["gpuTypeIds"]}


def test_cp_c48_every_local_type_is_in_stock_somewhere(two_places):
    centres = two_places.graphql(
        "{ dataCenters { id region gpuAvailability { gpuTypeId displayName stockStatus available } } }")["dataCenters"]
    assert {c["id"]: c["gpuAvailability"] for c in centres} == {
        "EU-CZ-1": [{"gpuTypeId": "NVIDIA A40", "displayName": "A40", "stockStatus": "High", "available": True}],
        "US-KS-2": [{"gpuTypeId": "NVIDIA A100 80GB PCIe", "displayName": "A100 PCIe", "stockStatus": "High",
                     "available": True}]}
    assert {c["id"]: c["region"] for c in centres} == {"EU-CZ-1": "EUROPE", "US-KS-2": "NORTH_AMERICA"}


def test_cp_gpu_types_by_id(two_places):
    select = "id displayName memoryInGb secureCloud communityCloud maxGpuCount"
    one = two_places.graphql('{ gpuTypes(input: { id: "NVIDIA A40" }) { %s } }' % select)["gpuTypes"]
    assert one == [{"id": "NVIDIA A40", "displayName": "A40", "memoryInGb": 48, "secureCloud": True,
                    "communityCloud": False, "maxGpuCount": 2}]
    assert two_places.graphql('{ gpuTypes(input: { id: "NVIDIA A41" }) { id } }') == {"gpuTypes": []}
    some = two_places.graphql('{ gpuTypes(input: { ids: ["NVIDIA B200", "NVIDIA A40"] }) { id secureCloud } }')
    assert some["gpuTypes"] == [{"id": "NVIDIA A40", "secureCloud": True}, {"id": "NVIDIA B200", "secureCloud": False}]


def lowest(client, gpu: str, **wanted) -> dict | None:
    query = """query($id: String, $input: GpuLowestPriceInput) { gpuTypes(input: { id: $id }) { lowestPrice(input: $input) {
        uninterruptablePrice stockStatus totalCount availableGpuCounts maxGpuCount
        gpuTypeDatacenters { dataCenterId availability } } } }"""
    return client.graphql(query, {"id": gpu, "input": {"gpuCount": 1, **wanted}})["gpuTypes"][0]["lowestPrice"]


def test_cp_lowest_price_is_what_this_server_has(two_places):
    assert lowest(two_places, "NVIDIA A40") == {
        "uninterruptablePrice": 0, "stockStatus": "High", "totalCount": 2, "availableGpuCounts": [1, 2],
        "maxGpuCount": 2, "gpuTypeDatacenters": [{"dataCenterId": "EU-CZ-1", "availability": "AVAILABLE"}]}
    assert lowest(two_places, "NVIDIA A40", dataCenterId="US-KS-2") is None
    assert lowest(two_places, "NVIDIA B200") is None
    too_many = lowest(two_places, "NVIDIA A40", gpuCount=3)
    assert too_many["stockStatus"] is None and too_many["uninterruptablePrice"] is None


def test_cp_cpu_flavours(client):
    query = """query($id: String, $s: SpecificsInput) { cpuFlavors(input: { id: $id }) { id ramMultiplier diskLimitPerVcpu
        specifics(input: $s) { stockStatus slsPrice } } }"""
    one = client.graphql(query, {"id": "cpu3g", "s": {"instanceId": "cpu3g-4-16"}})["cpuFlavors"]
    assert one == [{"id": "cpu3g", "ramMultiplier": 4, "diskLimitPerVcpu": 10,
                    "specifics": {"stockStatus": "High", "slsPrice": 0}}]
    other = client.graphql(query, {"id": "cpu3g", "s": {"instanceId": "cpu3c-4-8", "dataCenterId": ""}})["cpuFlavors"]
    assert other[0]["specifics"] is None


def test_cp_public_templates_are_for_everybody(server, client):
    name = f"public-{uuid.uuid4().hex[:10]}"
    public = client.save_template(name=name, isPublic=True)["id"]
    private = client.save_template()["id"]
    listed = anonymous(server, "{ podTemplates(input: { isRunpod: false }) { id name } }")["data"]["podTemplates"]
    assert {"id": public, "name": name} in listed and private not in [t["id"] for t in listed]
    assert client.graphql("{ podTemplates(input: { isRunpod: true }) { id } }") == {"podTemplates": []}
    one = 'query { podTemplate(id: "%s") { id } }'
    assert anonymous(server, one % public)["data"]["podTemplate"] == {"id": public}
    assert anonymous(server, one % private)["data"]["podTemplate"] is None
    assert client.graphql(one % private)["podTemplate"] == {"id": private}


# ---- workers by their id


def test_cp_pod_is_a_worker_of_the_account(server, client, endpoints):
    endpoint_id = endpoints.make()
    worker = client.attach_worker(endpoint_id)["workerId"]
    query = 'query { pod(input: { podId: "%s" }) { id endpoint { id } } }'
    assert client.graphql(query % worker) == {"pod": {"id": worker, "endpoint": {"id": endpoint_id}}}
    assert client.graphql(query % "nosuchworker01") == {"pod": None}
    refused = anonymous(server, query % worker)
    assert refused["data"]["pod"] is None and refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


# ---- products that are not here

ABSENT = [
    'query { listings(input: {}) { id } }', 'query { listing(id: "x") { id } }',
    'query { listingFromRepo(repoOwner: "a", repoName: "b") { id } }', 'query { flashApp(flashAppId: "x") { id } }',
    'query { flashAppByName(flashAppName: "x") { id } }', 'query { flashEnvironment(flashEnvironmentId: "x") { id } }',
    'query { flashEnvironmentByName(input: {name: "x"}) { id } }', 'query { flashBuild(flashBuildId: "x") { id } }',
    'query { flashAuthRequestStatus(flashAuthRequestId: "x") { id } }',
    'mutation { podRentInterruptable(input: {}) { id } }',
    'mutation { deployCpuPod(input: {instanceId: "cpu3c-2-4"}) { id } }', 'mutation { podStop(input: {podId: "x"}) { id } }',
    'mutation { podResume(input: {podId: "x"}) { id } }',
    'mutation { podBidResume(input: {podId: "x", gpuCount: 1, bidPerGpu: 1}) { id } }',
    'mutation { podTerminate(input: {podId: "x"}) }',
    'mutation { podEditJob(input: {podId: "x", imageName: "i", containerDiskInGb: 5}) { id } }',
    'mutation { createFlashApp(input: {name: "x"}) { id } }', 'mutation { deleteFlashApp(flashAppId: "x") }',
    'mutation { createFlashEnvironment(input: {flashAppId: "x", name: "y"}) { id } }',
    'mutation { deleteFlashEnvironment(flashEnvironmentId: "x") }',
    'mutation { prepareFlashArtifactUpload(input: {flashAppId: "x"}) { uploadUrl } }',
    'mutation { finalizeFlashArtifactUpload(input: {flashAppId: "x", objectKey: "k"}) { id } }',
    'mutation { updateFlashBuildManifest(input: {flashBuildId: "x"}) { id } }',
    'mutation { deployBuildToEnvironment(input: {flashEnvironmentId: "x", flashBuildId: "y"}) { id } }',
    'mutation { createFlashAuthRequest { id } }']


def refusal(client, query: str) -> str:
    with pytest.raises(GraphQLError) as refused:
        client.graphql(query)
    assert refused.value.status == 200 and refused.value.code == "RUNPOD"
    return refused.value.message


@pytest.mark.parametrize("query", ABSENT, ids=lambda query: query.split()[2].partition("(")[0])
def test_cp_what_is_not_here_says_so_by_name(client, query):
    field = query.split()[2].partition("(")[0]
    assert refusal(client, query).startswith(f"{field} is not implemented by this server: ")


def test_cp_b23_no_pods_to_deploy(client):
    message = refusal(client, 'mutation { podFindAndDeployOnDemand(input: {gpuTypeId: "NVIDIA A40"}) { id } }')
    assert message.startswith("There are no longer any instances available")


@pytest.mark.parametrize("query", [
    "query { myModels { id } }", 'query { myModel(owner: "a", name: "b") { id } }',
    'mutation { addModelToRepo(input: {name: "x"}) { success } }', "mutation { removeModelFromRepo(input: {}) { success } }",
    'mutation { createModelRepoUpload(input: {name: "x", fileName: "f", fileSizeBytes: "1"}) { success } }',
    'mutation { completeModelRepoUpload(input: {sessionId: "x"}) { success } }',
    "mutation { updateModelVersionStatus(status: READY) { success } }"])
def test_cp_b24_no_model_repository(client, query):
    assert refusal(client, query) == "Model Repo feature is not enabled for this user"
