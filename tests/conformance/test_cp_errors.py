"""Keys, refusals and the other operations on endpoints, templates and myself: contract/control-plane 1.3, C16 to C44."""

import json
import uuid

import pytest
import requests

import seed
from penstock import GraphQLError

POOLS = ("AMPERE_16, AMPERE_24, ADA_24, ADA_32_PRO, AMPERE_48, ADA_48_PRO, AMPERE_80, ADA_80_PRO, BLACKWELL_96, "
         "HOPPER_141, BLACKWELL_180")


def name(prefix: str = "case") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def template(client):
    return client.save_template()["id"]


def save(client, template_id: str | None, select: str = "id", **fields) -> dict:
    """saveEndpoint with what every valid call has."""
    base = {"gpuIds": "AMPERE_16", "name": name(), "workersMax": 0}
    if template_id:
        base["templateId"] = template_id
    return client.save_endpoint(select, **{**base, **fields})


def refusal(client, template_id: str | None = None, **fields) -> GraphQLError:
    with pytest.raises(GraphQLError) as refused:
        save(client, template_id, **fields)
    return refused.value


def rule(error: GraphQLError) -> str:
    """The message of a refused rule: 200, code RUNPOD, and no data because saveEndpoint may not be null."""
    assert error.status == 200 and error.code == "RUNPOD" and error.body["data"] is None, error
    return error.message


# ---- keys


def anonymous(server, query: str) -> requests.Response:
    return requests.post(f"{server.url}/graphql", json={"query": query}, timeout=10)


def test_cp_c16_e3_myself_without_key_is_null(server):
    answer = anonymous(server, "{ myself { id } }")
    assert answer.status_code == 200 and answer.json() == {"data": {"myself": None}}


@pytest.mark.parametrize("how", [{"headers": {"Authorization": "Bearer wrong"}}, {"headers": {"Authorization": "wrong"}},
                                 {"params": {"api_key": "wrong"}}], ids=["bearer", "plain", "query"])
def test_cp_c17_e1_wrong_key_is_401(server, how):
    answer = requests.post(f"{server.url}/graphql", json={"query": "{ myself { id } }"}, timeout=10, **how)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_cp_c18_three_forms_of_the_key(server):
    forms = [{"headers": {"Authorization": f"Bearer {server.key}"}}, {"headers": {"Authorization": server.key}},
             {"headers": {"Authorization": f"bearer {server.key}"}}, {"params": {"api_key": server.key}}]
    ids = set()
    for form in forms:
        answer = requests.post(f"{server.url}/graphql", json={"query": "{ myself { id } }"}, timeout=10, **form)
        assert answer.status_code == 200 and "errors" not in answer.json()
        ids.add(answer.json()["data"]["myself"]["id"])
    assert len(ids) == 1 and None not in ids


def test_cp_c18_header_wins_over_the_url(server):
    answer = requests.post(f"{server.url}/graphql", params={"api_key": server.key}, timeout=10,
                           headers={"Authorization": "Bearer wrong"}, json={"query": "{ myself { id } }"})
    assert answer.status_code == 401


def test_cp_e4_mutation_without_key(server):
    answer = anonymous(server, 'mutation { deleteEndpoint(id: "x") }')
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


# ---- requests that are no GraphQL operation


@pytest.mark.parametrize("body", [b"", b"not json", b'"text"', b"7", b"null"])
def test_cp_c33_e6_body_that_is_no_object(client, body):
    answer = client.post_graphql(body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json") and answer.json()["errors"]


def test_cp_c32_batch_is_refused(client):
    answer = client.post_graphql([{"query": "{__typename}"}])
    assert answer.status_code == 400 and "batch" in answer.json()["errors"][0]["message"].lower()


@pytest.mark.parametrize("body", [{}, {"query": ""}, {"query": None}, {"query": 7}, {"variables": {}}])
def test_cp_e7_no_query(client, body):
    answer = client.post_graphql(body)
    assert answer.status_code == 400 and answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("query", ["{", "mutation {", "{ myself { id }", "query query query", '{ a(b: "', "\x00", "}"])
def test_cp_e8_syntax_error(client, query):
    answer = client.post_graphql({"query": query})
    error = answer.json()["errors"][0]
    assert answer.status_code == 400 and error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    assert error["message"].startswith("Syntax Error")
    assert {"line", "column"} <= set(error["locations"][0])


def test_cp_c20_e9_unknown_field(client):
    with pytest.raises(GraphQLError) as refused:
        client.graphql("{ myself { endpoints { idd } } }")
    assert refused.value.status == 400 and refused.value.code == "GRAPHQL_VALIDATION_FAILED"
    assert refused.value.message.startswith('Cannot query field "idd" on type "Endpoint".')


def test_cp_c40_e10_unknown_argument(client):
    with pytest.raises(GraphQLError) as refused:
        client.graphql('mutation { deleteTemplate(id: "x") }')
    assert refused.value.status == 400
    assert refused.value.message.startswith('Unknown argument "id" on field "Mutation.deleteTemplate".')


def test_cp_c21_e11_unknown_input_key(client, template):
    error = refusal(client, template, networkVolumeIds=[{"networkVolumeId": "v", "dataCenterId": "EU-RO-1"}])
    assert error.status == 400
    assert 'Field "dataCenterId" is not defined by type "NetworkVolumeIdsInput"' in error.message


def test_cp_e11_unknown_input_key_in_the_text(client):
    with pytest.raises(GraphQLError) as refused:
        client.graphql('mutation { saveEndpoint(input: { name: "abc", workerMax: 3 }) { id } }')
    assert refused.value.status == 400
    assert 'Field "workerMax" is not defined by type "EndpointInput"' in refused.value.message


def test_cp_c22_e12_missing_name(client, template):
    with pytest.raises(GraphQLError) as literal:
        client.graphql('mutation { saveEndpoint(input: { gpuIds: "AMPERE_16", templateId: "%s" }) { id } }' % template)
    with pytest.raises(GraphQLError) as variable:
        client.save_endpoint(gpuIds="AMPERE_16", templateId=template)
    assert 'Field "EndpointInput.name" of required type "String!" was not provided' in literal.value.message
    assert 'Field "name" of required type "String!" was not provided' in variable.value.message
    assert literal.value.status == variable.value.status == 400


def test_cp_e13_bad_enum_value(client, template):
    with pytest.raises(GraphQLError) as refused:
        client.graphql(seed.fill(seed.CREATE, template_id=template).replace(" FLASHBOOT,", " FOO,"))
    assert refused.value.status == 400
    assert 'Value "FOO" does not exist in "FlashBootType" enum.' in refused.value.message
    through_variables = refusal(client, template, flashBootType="FOO")
    assert through_variables.status == 400 and '"FlashBootType" enum' in through_variables.message


def test_cp_c34_introspection_needs_no_key(server):
    answer = anonymous(server, "{__schema{queryType{name}}}")
    assert answer.status_code == 200 and answer.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


def test_cp_introspection_shows_the_defaults(client):
    fields = client.graphql('{ __type(name: "EndpointInput") { inputFields { name defaultValue } } }')
    defaults = {f["name"]: f["defaultValue"] for f in fields["__type"]["inputFields"]}
    assert defaults["idleTimeout"] == "10" and defaults["workersMax"] == "3" and defaults["name"] is None


def test_cp_get_serves_queries_only(server):
    parameters = {"query": "{ myself { id } }", "api_key": server.key}
    assert requests.get(f"{server.url}/graphql", params=parameters, timeout=10).json()["data"]["myself"]["id"]
    parameters["query"] = 'mutation { deleteEndpoint(id: "x") }'
    refused = requests.get(f"{server.url}/graphql", params=parameters, timeout=10)
    assert refused.status_code == 405 and refused.headers["Allow"] == "POST"


def test_cp_success_has_no_errors_key(client):
    assert list(client.post_graphql({"query": "{ myself { endpoints { id } } }"}).json()) == ["data"]


# ---- rules


def test_cp_c23_b1_unknown_pool(client, template):
    message = rule(refusal(client, template, gpuIds="NVIDIA A40"))
    assert message.startswith('Invalid GPU Pool ID: "NVIDIA A40".') and POOLS in message


@pytest.mark.parametrize("gpu_ids", ["AMPERE_16,,nope", "ampere_16", "any"])
def test_cp_b1_other_unknown_pools(client, template, gpu_ids):
    assert rule(refusal(client, template, gpuIds=gpu_ids)).startswith("Invalid GPU Pool ID: ")


@pytest.mark.parametrize("gpu_ids", [None, ""])
def test_cp_c24_b2_no_gpu_ids(client, template, gpu_ids):
    assert rule(refusal(client, template, gpuIds=gpu_ids)) == "gpuId(s) is required for a gpu endpoint"


def test_cp_c25_b3_scaler_value(client, template):
    assert rule(refusal(client, template, scalerValue=0)) == "Scaler value cannot be less than 1."


def test_cp_c26_b4_quota(fresh_server):
    client = fresh_server({"account.workers_quota": 5}).client()
    save(client, client.save_template()["id"], workersMax=3)
    assert rule(refusal(client, client.save_template()["id"], workersMax=3)) == (
        "Max workers across all endpoints must not exceed your workers quota (5). Reduce the max workers for other "
        "endpoints or lower the max worker count for this endpoint to at most 2.")
    assert len(client.graphql("{ myself { endpoints { id } } }")["myself"]["endpoints"]) == 1


def test_cp_b6_c37_template_name_is_taken(client):
    taken = name("taken")
    client.save_template(name=taken)
    with pytest.raises(GraphQLError) as refused:
        client.save_template(name=taken)
    assert "must be unique" in refused.value.message and refused.value.code == "RUNPOD"


def test_cp_b5_c38_inline_template_name_is_taken(client):
    taken = name("taken")
    client.save_template(name=taken)
    inline = {"name": taken, "imageName": "example/worker:1", "containerDiskInGb": 5, "dockerArgs": "", "env": []}
    assert rule(refusal(client, template=inline)) == "endpoint template names must be unique"


def test_cp_c27_b7_unknown_endpoint(client, template):
    assert "not found" in rule(refusal(client, template, id="aaaaaaaaaaaaaa"))
    with pytest.raises(GraphQLError, match="not found"):
        client.delete_endpoint("aaaaaaaaaaaaaa")
    with pytest.raises(GraphQLError, match="not found"):
        client.graphql("mutation($i: UpdateEndpointTemplateInput) { updateEndpointTemplate(input: $i) { id } }",
                       {"i": {"endpointId": "aaaaaaaaaaaaaa", "templateId": template}})


def test_cp_c28_b8_b9_b10_templates_that_cannot_be_used(client, template):
    assert rule(refusal(client, "nosuchtmpl")) == "Template not found"
    of_a_pod = client.save_template(isServerless=False)["id"]
    assert rule(refusal(client, of_a_pod)) == "Template is not a serverless template"
    save(client, template)
    assert rule(refusal(client, template)) == "Template is already bound to another endpoint"


def test_cp_c29_b11_two_templates(client, template):
    inline = {"name": name(), "imageName": "example/worker:1", "containerDiskInGb": 5, "dockerArgs": "", "env": []}
    assert rule(refusal(client, template, template=inline)) == "Provide either templateId or template, not both"


def test_cp_b12_no_template(client):
    assert rule(refusal(client)) == "templateId is required"


@pytest.mark.parametrize("short", ["", "ab"])
def test_cp_b13_short_name(client, template, short):
    assert "at least 3 characters" in rule(refusal(client, template, name=short))


@pytest.mark.parametrize("field,fields", [
    ("workersMin", {"workersMin": 4, "workersMax": 3}), ("workersMin", {"workersMin": -1}),
    ("workersMax", {"workersMax": -1}), ("idleTimeout", {"idleTimeout": 0}), ("idleTimeout", {"idleTimeout": 3601}),
    ("gpuCount", {"gpuCount": 0}), ("scalerType", {"scalerType": "SOMETHING"}),
    ("executionTimeoutMs", {"executionTimeoutMs": 4999})])
def test_cp_b14_values_out_of_range(client, template, field, fields):
    assert field in rule(refusal(client, template, **fields))


@pytest.mark.parametrize("value", [3.5, "3", 2**31, True])
def test_cp_integers_must_be_integers(client, template, value):
    assert refusal(client, template, workersMax=value).status == 400


def test_cp_b16_c39_b17_delete_template(client):
    used = name("used")
    template_id = client.save_template(name=used)["id"]
    endpoint_id = save(client, template_id)["id"]
    text = 'mutation { deleteTemplate(templateName: "%s") }'
    with pytest.raises(GraphQLError) as refused:
        client.graphql(text % used)
    assert refused.value.message == "Template is in use by an endpoint or pod and cannot be deleted"
    client.delete_endpoint(endpoint_id)
    assert client.graphql(text % used) == {"deleteTemplate": None}
    with pytest.raises(GraphQLError) as unknown:
        client.graphql(text % used)
    assert unknown.value.message == "Template not found"


# ---- what is stored


def test_cp_c30_exclusions_are_kept_verbatim(client, template):
    stored = save(client, template, "gpuIds", gpuIds="AMPERE_16,-NVIDIA RTX A4500")
    assert stored == {"gpuIds": "AMPERE_16,-NVIDIA RTX A4500"}


def test_cp_c31_pools_keep_their_order(client, template):
    assert save(client, template, "gpuIds", gpuIds="ADA_24, AMPERE_80 ") == {"gpuIds": "ADA_24,AMPERE_80"}


def test_cp_c35_pods_of_the_account_are_not_workers(client):
    query = """query { myself { pods { id containerDiskInGb costPerHr desiredStatus dockerArgs dockerId env gpuCount
        imageName lastStatusChange machineId memoryInGb name podType port ports uptimeSeconds vcpuCount volumeInGb
        volumeMountPath machine { gpuDisplayName location } runtime { ports { ip isIpPublic privatePort publicPort
        PortType: type } } } } }"""
    assert client.graphql(query) == {"myself": {"pods": []}}


def test_cp_c36_modify_template_keeps_what_is_omitted(client):
    first = name("kept")
    template_id = client.save_template(name=first, dockerArgs="x", env=[{"key": "A", "value": "B"}], readme="old")["id"]
    changed = client.save_template("id name dockerArgs env { key value } containerDiskInGb readme imageName",
                                   id=template_id, name=first, imageName="example/worker:1", containerDiskInGb=20,
                                   volumeInGb=0, readme="new")
    assert changed == {"id": template_id, "name": first, "dockerArgs": "x", "env": [{"key": "A", "value": "B"}],
                       "containerDiskInGb": 20, "readme": "new", "imageName": "example/worker:1"}


def bound(client, template_id: str) -> str | None:
    templates = client.graphql("{ myself { podTemplates { id boundEndpointId } } }")["myself"]["podTemplates"]
    return next(t["boundEndpointId"] for t in templates if t["id"] == template_id)


def test_cp_c41_update_endpoint_template(client, template):
    endpoint_id = save(client, template)["id"]
    before = client.endpoint(endpoint_id, "version")["version"]
    other = client.save_template()["id"]
    changed = client.graphql(
        "mutation($i: UpdateEndpointTemplateInput) { updateEndpointTemplate(input: $i) { id templateId } }",
        {"i": {"endpointId": endpoint_id, "templateId": other}})
    assert changed["updateEndpointTemplate"] == {"id": endpoint_id, "templateId": other}
    assert client.endpoint(endpoint_id, "version")["version"] == before + 1
    assert bound(client, template) is None and bound(client, other) == endpoint_id


def test_cp_c42_changed_image_is_a_new_version(client, template):
    endpoint_id = save(client, template)["id"]
    before = client.endpoint(endpoint_id, "version")["version"]
    client.save_template(id=template, name=name("renamed"), imageName="example/worker:2", containerDiskInGb=5,
                         volumeInGb=0)
    assert client.endpoint(endpoint_id, "version")["version"] == before + 1


def test_cp_c43_in_place_changes_keep_the_version(client, template):
    endpoint_id = save(client, template)["id"]
    before = client.endpoint(endpoint_id, "version")["version"]
    save(client, template, id=endpoint_id, workersMax=4, idleTimeout=30, scalerValue=2, flashBootType="FLASHBOOT")
    assert client.endpoint(endpoint_id, "version")["version"] == before
    save(client, template, id=endpoint_id, workersMax=0)


def test_cp_c44_cpu_endpoint(client, template):
    stored = save(client, template, "computeType instanceIds flashBootType gpuIds", gpuIds="",
                  instanceIds=["cpu3c-2-4"], flashBootType="FLASHBOOT")
    assert stored["computeType"] == "CPU" and stored["instanceIds"] == ["cpu3c-2-4"]


@pytest.mark.parametrize("text", ["größer 漢字 \U0001F600", 'quote " backslash \\ slash /', "line\nbreak\ttab", "x" * 150])
def test_cp_text_is_stored_as_given(client, template, text):
    assert save(client, template, "name", name=text) == {"name": text}


@pytest.mark.parametrize("text", ["a\\u00e9b", "\\u4e2d\\u6587", "say \\\"hi\\\"", "tab\\there"])
def test_cp_escapes_in_the_query_text(client, template, text):
    query = seed.fill(seed.CREATE, template_id=template).replace("My Endpoint", text).replace("workersMax: 3",
                                                                                             "workersMax: 0")
    assert client.graphql(query)["saveEndpoint"]["name"] == json.loads(f'"{text}"')
