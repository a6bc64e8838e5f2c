"""Secrets and registry credentials: contract/control-plane 2.8, B22, C46. Their values go in and never come out, but into
the workers."""

import stat
import uuid

import pytest
import requests

from endpoints import SLEEPER
from penstock import GraphQLError, environment_of, wait_for


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def create(client, name: str, value: str, select: str = "id", **fields) -> dict:
    return client.graphql("mutation($i: SecretCreateInput!) { secretCreate(input: $i) { %s } }" % select,
                          {"i": {"name": name, "value": value, **fields}})["secretCreate"]


def refusal(client, query: str, variables: dict | None = None) -> str:
    with pytest.raises(GraphQLError) as refused:
        client.graphql(query, variables)
    assert refused.value.status == 200 and refused.value.code == "RUNPOD"
    return refused.value.message


SECRET = "id name description createdAt updatedAt lastRetrievedAt lastUpdatedAt"


def test_cp_secret_life(client):
    name = unique("token")
    secret = create(client, name, "first", SECRET, description="what for")
    assert (secret["name"], secret["description"], secret["lastRetrievedAt"]) == (name, "what for", None)
    assert secret["createdAt"].endswith("Z") and secret["updatedAt"] == secret["createdAt"]
    listed = client.graphql("{ myself { secrets { %s } } }" % SECRET)["myself"]["secrets"]
    assert secret in listed
    changed = client.graphql(
        "mutation($i: SecretDescriptionUpdateInput!) { secretDescriptionUpdate(input: $i) { id description } }",
        {"i": {"id": secret["id"], "description": "other"}})["secretDescriptionUpdate"]
    assert changed == {"id": secret["id"], "description": "other"}
    changed = client.graphql("mutation($i: SecretValueUpdateInput!) { secretValueUpdate(input: $i) { id name } }",
                             {"i": {"id": secret["id"], "value": "second"}})["secretValueUpdate"]
    assert changed == {"id": secret["id"], "name": name}
    delete = 'mutation { secretDelete(id: "%s") }' % secret["id"]
    assert client.graphql(delete) == {"secretDelete": None}
    assert refusal(client, delete) == "Secret not found"


def test_cp_secret_refusals(client):
    name = unique("token")
    secret = create(client, name, "value")["id"]
    query = "mutation($i: SecretCreateInput!) { secretCreate(input: $i) { id } }"
    assert "must be unique" in refusal(client, query, {"i": {"name": name, "value": "x"}})
    assert refusal(client, query, {"i": {"name": "with space", "value": "x"}}).startswith('name is "with space"')
    for value, why in (("", "must not be empty"), ("v" * 65537, "65537 bytes"), ("a\0b", "NUL byte")):
        message = refusal(client, query, {"i": {"name": unique("x"), "value": value}})
        assert message.startswith("value ") and why in message and "vvv" not in message
    missing = "mutation { secretValueUpdate(input: { id: \"nosuch\", value: \"x\" }) { id } }"
    assert refusal(client, missing) == "Secret not found"
    client.graphql('mutation { secretDelete(id: "%s") }' % secret)


def test_cp_values_have_no_field(client):
    fields = client.graphql('{ __type(name: "Secret") { fields { name } } }')["__type"]["fields"]
    assert "value" not in {field["name"] for field in fields}


def test_cp_a_worker_gets_the_values_it_names(server, client, endpoints):
    name = unique("hub")
    create(client, name, "s3cret = \"value\"\nsecond line")
    endpoint = endpoints.make({**SLEEPER, "env": [{"key": "TOKEN", "value": "Bearer {{ RUNPOD_SECRET_%s }}" % name}]},
                              workersMin=1, workersMax=1, env=[{"key": "PLAIN", "value": "{{ not a secret }}"}])
    pod = wait_for(lambda: client.endpoint(endpoint, "pods { id env }")["pods"], 10, "a worker")[0]
    process = wait_for(lambda: server.worker_processes(pod["id"]), 10, "its process")[0]
    environment = environment_of(process)
    assert environment["TOKEN"] == "Bearer s3cret = \"value\"\nsecond line"
    assert environment["PLAIN"] == "{{ not a secret }}"
    assert f"TOKEN=Bearer {{{{ RUNPOD_SECRET_{name} }}}}" in pod["env"], "the API shows the name only"


def test_cp_a_worker_that_names_an_unknown_secret_does_not_start(server, client, endpoints):
    name = unique("missing")
    endpoint = endpoints.make({**SLEEPER, "env": [{"key": "TOKEN", "value": "{{ RUNPOD_SECRET_%s }}" % name}]},
                              workersMin=1, workersMax=1)
    wait_for(lambda: f'env TOKEN names the secret "{name}": there is no secret of this name' in server.log_text(), 10,
             "the reason in the log")
    assert client.health(endpoint)["workers"]["ready"] == 0


# ---- registry credentials, with the texts of the Python client


def test_cp_c46_registry_credentials_by_the_python_client(server, client, monkeypatch):
    from runpod.api import ctl_commands
    monkeypatch.setenv("RUNPOD_API_BASE_URL", server.url)
    monkeypatch.setattr("runpod.api_key", server.key)
    name = unique("registry")
    saved = ctl_commands.create_container_registry_auth(name, "user", "password")
    assert saved == {"id": saved["id"], "name": name}
    listed = client.graphql("{ myself { containerRegistryCreds { id name registryAuth } } }")["myself"]
    assert {"id": saved["id"], "name": name, "registryAuth": None} in listed["containerRegistryCreds"]
    updated = ctl_commands.update_container_registry_auth(saved["id"], "user2", "password2")
    assert updated["id"] == saved["id"] and updated["name"] == name
    ctl_commands.delete_container_registry_auth(saved["id"])
    listed = client.graphql("{ myself { containerRegistryCreds { id } } }")["myself"]["containerRegistryCreds"]
    assert saved["id"] not in [credential["id"] for credential in listed]


def save_credential(client, name: str) -> str:
    return client.graphql("mutation($i: SaveRegistryAuthInput) { saveRegistryAuth(input: $i) { id } }",
                          {"i": {"name": name, "username": "u", "password": "p"}})["saveRegistryAuth"]["id"]


def test_cp_b22_credential_name_is_taken(client):
    name = unique("registry")
    credential = save_credential(client, name)
    query = "mutation($i: SaveRegistryAuthInput) { saveRegistryAuth(input: $i) { id } }"
    assert "must be unique" in refusal(client, query, {"i": {"name": name, "username": "u", "password": "p"}})
    assert refusal(client, query) == "input is required"
    delete = 'mutation { deleteRegistryAuth(registryAuthId: "%s") }' % credential
    assert client.graphql(delete) == {"deleteRegistryAuth": None}
    assert "not found" in refusal(client, delete)


def test_cp_template_with_a_registry_credential(client):
    credential = save_credential(client, unique("registry"))
    template = client.save_template("id containerRegistryAuthId", containerRegistryAuthId=credential)
    assert template["containerRegistryAuthId"] == credential
    with pytest.raises(GraphQLError, match="Container registry credential .*nosuch.* not found"):
        client.save_template(containerRegistryAuthId="nosuch")
    client.graphql('mutation { deleteRegistryAuth(registryAuthId: "%s") }' % credential)
    query = '{ podTemplate(id: "%s") { containerRegistryAuthId } }' % template["id"]
    assert client.graphql(query) == {"podTemplate": {"containerRegistryAuthId": None}}


# ---- at rest

VALUES = ("rest-secret-3f9a", "rest-user-77c1", "rest-password-b2d4")


def keep_all(client) -> dict:
    create(client, "kept", VALUES[0])
    saved = client.graphql("mutation($i: SaveRegistryAuthInput) { saveRegistryAuth(input: $i) { id } }",
                           {"i": {"name": "kept", "username": VALUES[1], "password": VALUES[2]}})
    return saved["saveRegistryAuth"]


def files_with(directory, value: str) -> list[str]:
    return [path.name for path in directory.rglob("*") if path.is_file() and value.encode() in path.read_bytes()]


def test_cp_values_are_sealed_at_rest_and_not_logged(fresh_server):
    server = fresh_server({"log.level": "debug"})
    keep_all(server.client())
    key = server.data / "vault.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and key.stat().st_size == 32
    for value in VALUES:
        assert files_with(server.data, value) == [] and value not in server.log_text()


def test_cp_secrets_survive_kill_9(fresh_server):
    server = fresh_server()
    client = server.client()
    credential = keep_all(client)["id"]
    server.kill()
    server.start()
    client = server.client()
    template = client.save_template(**SLEEPER, env=[{"key": "S", "value": "{{ RUNPOD_SECRET_kept }}"}])["id"]
    endpoint = client.save_endpoint(gpuIds="AMPERE_16", name="after", templateId=template, workersMin=1, workersMax=1)
    pod = wait_for(lambda: client.endpoint(endpoint["id"], "pods { id }")["pods"], 10, "a worker")[0]
    process = wait_for(lambda: server.worker_processes(pod["id"]), 10, "its process")[0]
    assert environment_of(process)["S"] == VALUES[0]
    assert client.graphql("{ myself { containerRegistryCreds { id } } }")["myself"]["containerRegistryCreds"] == [
        {"id": credential}]


def test_cp_a_lost_key_is_said_at_start(fresh_server):
    server = fresh_server()
    keep_all(server.client())
    server.terminate()
    (server.data / "vault.key").unlink()
    server.start()
    wait_for(lambda: "2 secrets and registry credentials cannot be opened with" in server.log_text(), 10, "the warning")


def test_cp_secret_mutations_need_a_key(server):
    for query in ('mutation { secretDelete(id: "x") }', 'mutation { deleteRegistryAuth(registryAuthId: "x") }',
                  'mutation { secretCreate(input: { name: "a", value: "b" }) { id } }'):
        answer = requests.post(f"{server.url}/graphql", json={"query": query}, timeout=10)
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
