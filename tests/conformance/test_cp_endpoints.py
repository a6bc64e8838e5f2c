"""Managing endpoints as the public page does it: contract/control-plane C01 to C15."""

import json
import re
import subprocess

import pytest

import seed
from endpoints import SLEEPER
from penstock import GraphQLError, wait_for


@pytest.fixture
def account(fresh_server):
    """A client of an account in which nothing exists."""
    return fresh_server().client()


def post(client, query: str) -> dict:
    """The answer's JSON to a request in the form of the page: key in the URL, lower-case header name."""
    answer = client.post_graphql({"query": query}, headers={"content-type": "application/json"})
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.status_code == 200, answer.text
    return answer.json()


def create(client, text: str = seed.CREATE) -> tuple[str, str]:
    """Returns (endpoint id, template id) after the page's create call."""
    template_id = client.save_template()["id"]
    answer = post(client, seed.fill(text, template_id=template_id))
    assert "errors" not in answer, answer
    return answer["data"]["saveEndpoint"]["id"], template_id


@pytest.mark.parametrize("text", [seed.CREATE, seed.CREATE_WITH_COMMENTS], ids=["c01_one_line", "c02_with_comments"])
def test_cp_c01_c02_create(account, text):
    template_id = account.save_template()["id"]
    answer = post(account, seed.fill(text, template_id=template_id))
    assert list(answer) == ["data"]
    endpoint = answer["data"]["saveEndpoint"]
    assert re.fullmatch(r"[a-z0-9]{14}", endpoint["id"])
    assert endpoint == {**seed.CREATED, "id": endpoint["id"], "templateId": template_id}
    assert list(endpoint) == ["id", "name", "gpuIds", "idleTimeout", "locations", "flashBootType", "scalerType",
                              "scalerValue", "templateId", "workersMax", "workersMin"]


def test_cp_c03_modify(account):
    endpoint_id, template_id = create(account)
    answer = post(account, seed.fill(seed.MODIFY, endpoint_id, template_id))
    assert answer == {"data": {"saveEndpoint": {"id": endpoint_id, "gpuIds": "AMPERE_16", "name": "My Endpoint",
                                                "templateId": template_id, "workersMax": 5}}}


def test_cp_c04_list_after_modify_shows_omitted_fields_kept(account):
    endpoint_id, template_id = create(account)
    post(account, seed.fill(seed.MODIFY, endpoint_id, template_id))
    assert post(account, seed.LIST) == {"data": {"myself": {
        "endpoints": [{"id": endpoint_id, "name": "My Endpoint", "gpuIds": "AMPERE_16", "idleTimeout": 5,
                       "locations": "US", "networkVolumeId": None, "scalerType": "QUEUE_DELAY", "scalerValue": 4,
                       "templateId": template_id, "workersMax": 5, "workersMin": 0, "pods": []}],
        "serverlessDiscount": None}}}


def test_cp_c05_upstream_reset_gives_omitted_fields_their_defaults(fresh_server):
    client = fresh_server({"graphql.save_endpoint_modify": "upstream-reset"}).client()
    endpoint_id, template_id = create(client)
    post(client, seed.fill(seed.MODIFY, endpoint_id, template_id))
    endpoint = post(client, seed.LIST)["data"]["myself"]["endpoints"][0]
    kept = {name: endpoint[name] for name in ("idleTimeout", "scalerValue", "workersMax", "workersMin", "locations")}
    assert kept == {"idleTimeout": 10, "scalerValue": 4, "workersMax": 5, "workersMin": 0, "locations": "US"}


def test_cp_c06_delete_is_refused_while_workers_are_not_zero(account):
    endpoint_id, template_id = create(account)
    post(account, seed.fill(seed.MODIFY, endpoint_id, template_id))
    answer = post(account, seed.fill(seed.DELETE, endpoint_id))
    assert answer["data"]["deleteEndpoint"] is None
    message = answer["errors"][0]["message"]
    assert "0" in message and answer["errors"][0]["extensions"]["code"] == "RUNPOD"
    for text in ("not found", "does not exist", "could not find", "try again later"):
        assert text not in message
    assert [e["id"] for e in post(account, seed.LIST)["data"]["myself"]["endpoints"]] == [endpoint_id]


def test_cp_c07_c08_delete_after_zero_and_delete_again(account):
    endpoint_id, template_id = create(account)
    account.save_endpoint(id=endpoint_id, gpuIds="AMPERE_16", name="My Endpoint", templateId=template_id, workersMin=0,
                          workersMax=0)
    raw = account.post_graphql({"query": seed.fill(seed.DELETE, endpoint_id)})
    assert raw.status_code == 200 and raw.json() == {"data": {"deleteEndpoint": None}}
    assert post(account, seed.LIST)["data"]["myself"]["endpoints"] == []
    assert account.endpoint(endpoint_id, "id") is None
    assert account.call("POST", f"{endpoint_id}/run", {"input": {}}).status_code == 404
    again = post(account, seed.fill(seed.DELETE, endpoint_id))
    assert again["data"]["deleteEndpoint"] is None and "not found" in again["errors"][0]["message"]


def test_cp_c07_delete_without_the_rule(fresh_server):
    client = fresh_server({"graphql.delete_endpoint_requires_zero_workers": False}).client()
    endpoint_id, _ = create(client)
    assert post(client, seed.fill(seed.DELETE, endpoint_id)) == {"data": {"deleteEndpoint": None}}


def test_cp_c09_discount(fresh_server):
    client = fresh_server({"account.discount_factor": 0.2, "account.discount_expires": "2030-01-01T00:00:00Z"}).client()
    discount = post(client, seed.LIST)["data"]["myself"]["serverlessDiscount"]
    assert discount["discountFactor"] == 0.2 and discount["type"] == "SERVERLESS"
    assert discount["expirationDate"].startswith("2030-01-01T00:00:00") and discount["expirationDate"].endswith("Z")


def test_cp_c10_pods_show_running_workers(account):
    template_id = account.save_template(**SLEEPER)["id"]
    endpoint_id = account.save_endpoint(gpuIds="AMPERE_16", name="busy", templateId=template_id, workersMin=1,
                                        workersMax=1)["id"]
    wait_for(lambda: account.endpoint(endpoint_id, "pods { desiredStatus }")["pods"], 10, "a worker in pods")
    assert account.endpoint(endpoint_id, "pods { desiredStatus }")["pods"] == [{"desiredStatus": "RUNNING"}]


def test_cp_c11_defaults(account):
    template_id = account.save_template()["id"]
    selection = ("idleTimeout scalerType scalerValue workersMin workersMax gpuCount type flashBootType locations "
                 "networkVolumeId")
    endpoint = account.save_endpoint(selection, gpuIds="AMPERE_16", name="defaults", templateId=template_id)
    assert endpoint == {"idleTimeout": 10, "scalerType": "QUEUE_DELAY", "scalerValue": 4, "workersMin": 0,
                        "workersMax": 3, "gpuCount": 1, "type": "QB", "flashBootType": "OFF", "locations": None,
                        "networkVolumeId": None}


def test_cp_c12_quoted_enum_in_the_text_is_refused(client):
    template_id = client.save_template()["id"]
    text = seed.fill(seed.CREATE, template_id=template_id).replace(" FLASHBOOT,", ' "FLASHBOOT",')
    with pytest.raises(GraphQLError) as refused:
        client.graphql(text)
    assert refused.value.status == 400 and refused.value.code == "GRAPHQL_VALIDATION_FAILED"
    assert 'Enum "FlashBootType" cannot represent non-enum value: "FLASHBOOT"' in refused.value.message


def test_cp_c13_enum_as_a_string_in_variables_is_accepted(client):
    template_id = client.save_template()["id"]
    endpoint = client.save_endpoint("flashBootType", gpuIds="AMPERE_16", name="by variables", templateId=template_id,
                                    flashBootType="FLASHBOOT", workersMax=0)
    assert endpoint == {"flashBootType": "FLASHBOOT"}


def test_cp_c14_name_with_fb_suffix(client):
    template_id = client.save_template()["id"]
    endpoint = client.save_endpoint("name flashBootType", gpuIds="AMPERE_16", name="Generated Endpoint -fb",
                                    templateId=template_id, workersMax=0)
    assert endpoint == {"name": "Generated Endpoint -fb", "flashBootType": "FLASHBOOT"}


def test_cp_c15_empty_strings_read_back_as_null(client):
    template_id = client.save_template()["id"]
    endpoint = client.save_endpoint("networkVolumeId locations", gpuIds="AMPERE_16", name="empty strings",
                                    templateId=template_id, networkVolumeId="", locations="", workersMax=0)
    assert endpoint == {"networkVolumeId": None, "locations": None}


class TestCurl:
    """The page's four calls made by the real curl program."""

    @staticmethod
    def curl(client, query: str) -> dict:
        body = '{"query": "' + query.replace('"', '\\"') + '"}'
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail-with-body", "--request", "POST", "--header",
             "content-type: application/json", "--url", f"{client.url}/graphql?api_key={client.key}", "--data", body,
             "--write-out", "\n%{http_code} %{content_type}"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr
        document, _, status = done.stdout.rpartition("\n")
        assert status.startswith("200 application/json"), status
        return json.loads(document)

    def test_curl_create_modify_list_delete(self, account):
        template_id = account.save_template()["id"]
        created = self.curl(account, seed.fill(seed.CREATE, template_id=template_id))["data"]["saveEndpoint"]
        endpoint_id = created["id"]
        assert created == {**seed.CREATED, "id": endpoint_id, "templateId": template_id}
        modified = self.curl(account, seed.fill(seed.MODIFY, endpoint_id, template_id))
        assert modified["data"]["saveEndpoint"]["workersMax"] == 5
        listed = self.curl(account, seed.LIST)["data"]["myself"]
        assert [(e["id"], e["workersMax"], e["idleTimeout"]) for e in listed["endpoints"]] == [(endpoint_id, 5, 5)]
        refused = self.curl(account, seed.fill(seed.DELETE, endpoint_id))
        assert refused["errors"] and refused["data"]["deleteEndpoint"] is None
        account.save_endpoint(id=endpoint_id, gpuIds="AMPERE_16", name="My Endpoint", templateId=template_id,
                              workersMin=0, workersMax=0)
        assert self.curl(account, seed.fill(seed.DELETE, endpoint_id)) == {"data": {"deleteEndpoint": None}}


def test_cp_python_client_creates_endpoints(server, client, monkeypatch):
    """create_template, create_endpoint and get_endpoints of the runpod package, with only the base URL changed."""
    import runpod
    monkeypatch.setenv("RUNPOD_API_BASE_URL", server.url)
    monkeypatch.setattr(runpod, "api_key", server.key)
    template = runpod.create_template(name="by-python-client", image_name="example/worker:1", is_serverless=True)
    endpoint = runpod.create_endpoint(name="by python client", template_id=template["id"], gpu_ids="AMPERE_16",
                                      workers_min=0, workers_max=0)
    assert endpoint["id"] in [each["id"] for each in runpod.get_endpoints()]
    client.delete_endpoint(endpoint["id"])
