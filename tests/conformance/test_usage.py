"""Releases, usage and budgets (docs/releases.md, docs/usage.md), by the routes and the commands."""

import json
import subprocess

import pytest

from endpoints import SLEEPER, Endpoints
from penstock import binary, wait_for


def admin(client, method: str, path: str, body=None, status: int = 200):
    answer = client.http.request(method, f"{client.url}/penstock/v1/{path}", timeout=30,
                                 data=None if body is None else json.dumps(body),
                                 headers={"Authorization": f"Bearer {client.key}"})
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer.json()


def penstock(client, *arguments: str, status: int = 0) -> str:
    done = subprocess.run([str(binary()), *arguments, "--url", client.url, "--api-key", client.key], capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


@pytest.fixture
def own(fresh_server):
    """An empty account: its usage and its budget are this test's own."""
    server = fresh_server({"prices.ampere_16": "3600", "account.discount_factor": "0.25",
                           "account.discount_expires": "2099-01-01T00:00:00Z"})
    return server, server.client()


def test_releases_say_what_changed_and_can_be_gone_back_to(client, endpoints, server):
    ep = endpoints.make_python(workersMin=1, workersMax=1, env=[{"key": "MODEL", "value": "1"}])
    first = client.wait_terminal(ep, client.run(ep, {"mock_return": 1}), 60)["workerId"]
    endpoints.change(ep, env=[{"key": "MODEL", "value": "2"}])
    template = client.endpoint(ep, "templateId")["templateId"]
    client.save_template(id=template, name="changed-" + ep, containerDiskInGb=7, volumeInGb=0, env=[])
    listed = admin(client, "GET", f"endpoints/{ep}/releases")
    assert listed["endpointVersion"] == 2
    assert [release["version"] for release in listed["releases"]] == [2, 1, 0]
    assert listed["releases"][0]["diff"] == [{"field": "template.containerDiskInGb", "old": 5, "new": 7}]
    assert listed["releases"][1]["diff"] == [{"field": "env.MODEL", "old": "1", "new": "2"}]
    assert listed["releases"][2]["diff"] == []
    text = penstock(client, "releases", ep)
    assert 'env.MODEL: "1" -> "2"' in text

    assert penstock(client, "rollback", ep, "0") == f"endpoint {ep} is now at release 3, which is as release 0 was\n"
    assert client.endpoint(ep, "version env { key value }") == {"version": 3, "env": [{"key": "MODEL", "value": "1"}]}
    newest = admin(client, "GET", f"endpoints/{ep}/releases")["releases"][0]
    assert newest["rollbackOf"] == 0 and len(newest["diff"]) == 2
    wait_for(lambda: not server.worker_processes(first), 20, "the first worker to be replaced")
    assert client.wait_terminal(ep, client.run(ep, {"mock_return": 2}), 60)["workerId"] != first

    assert "already runs" in admin(client, "POST", f"endpoints/{ep}/releases/0/rollback", status=409)["error"]
    assert "0 to 3 are kept" in admin(client, "POST", f"endpoints/{ep}/releases/99/rollback", status=404)["error"]
    assert "release \"x\" not found" in admin(client, "POST", f"endpoints/{ep}/releases/x/rollback", status=404)["error"]
    assert "not found" in penstock(client, "rollback", "nowhere", "0", status=1)


def test_usage_is_what_workers_did(own):
    server, client = own
    made = Endpoints(client)
    ep = made.make_python(workersMin=1, workersMax=1)
    client.wait_terminal(ep, client.run(ep, {"mock_delay": 2}), 60)
    answer = admin(client, "GET", "usage")
    assert answer["prices"]["AMPERE_16"] == 3600 and answer["prices"]["CPU"] > 0 and answer["discountFactor"] == 0.25
    record = answer["records"][0]
    assert record["endpointId"] == ep and record["pool"] == "AMPERE_16"
    seconds = record["workerSeconds"]
    assert seconds["active"] >= 2 and seconds["starting"] > 0 and seconds["frozen"] == 0
    assert record["gpuSeconds"] == seconds, "one GPU each"
    assert record["chargedGpuSeconds"] == pytest.approx(sum(seconds.values()))
    assert record["fullAmount"] == pytest.approx(record["chargedGpuSeconds"], abs=1e-5), "3600 an hour is 1 a second"
    assert record["amount"] == pytest.approx(record["fullAmount"] * 0.75, abs=1e-5)

    server.kill()
    server.start()
    after = admin(client, "GET", "usage?by=endpoint")["records"]
    assert len(after) == 1 and sum(after[0]["workerSeconds"].values()) > sum(seconds.values()), "the worker goes on"
    made.change(ep, workersMin=0, workersMax=0)
    wait_for(lambda: not client.endpoint(ep, "pods { id }")["pods"], 30, "the worker to end")
    client.delete_endpoint(ep)
    total = admin(client, "GET", "usage?by=hour,pool")
    assert admin(client, "GET", "usage?by=hour,pool")["totals"] == total["totals"], "nobody is left"
    assert sum(r["amount"] for r in total["records"]) == pytest.approx(total["totals"]["amount"], abs=1e-4)
    text = penstock(client, "usage", "--by", "day,endpoint")
    assert ep in text and "without the discount" in text
    assert json.loads(penstock(client, "usage", "--json"))["totals"] == total["totals"]


def test_usage_refuses_what_it_does_not_understand(client):
    for query, part in (("from=yesterday", "from is \"yesterday\""), ("by=week", "by has \"week\""),
                        ("from=2027-01-02&to=2027-01-01", "is not before to"), ("endpoint=%20", "endpoint:")):
        assert part in admin(client, "GET", "usage?" + query, status=400)["error"]
    assert "POST" in admin(client, "POST", "usage", status=405)["error"]


def test_a_used_up_budget_starts_no_worker_and_is_the_reason(own):
    _, client = own
    ep = Endpoints(client).make(SLEEPER, workersMax=2, scalerType="REQUEST_COUNT", scalerValue=1)
    assert admin(client, "PUT", f"endpoints/{ep}/budget", {"perDay": 0})["budget"] == {
        "perDay": 0, "unit": "gpuSeconds", "onReached": "keepWorkers"}
    job = client.run(ep, {})
    wait = client.status(ep, job)["waitReason"]
    assert wait["code"] == "BUDGET_USED_UP" and "the endpoint's budget of 0 GPU-seconds a day is used up" in wait["message"]
    assert "may use 0.00 a day (UTC), in gpuSeconds" in penstock(client, "budget", "--endpoint", ep)
    penstock(client, "budget", "--endpoint", ep, "--remove")
    wait_for(lambda: client.health(ep)["workers"]["initializing"] == 1, 10, "a worker to start")

    penstock(client, "budget", "--money", "0.5", "--stop-workers")
    wait_for(lambda: client.health(ep)["workers"]["initializing"] == 0, 20, "the account's budget to stop it")
    wait_for(lambda: client.status(ep, job)["waitReason"]["code"] == "BUDGET_USED_UP", 10, "the reason")
    shown = admin(client, "GET", "budget")
    assert shown["budget"] == {"perDay": 0.5, "unit": "money", "onReached": "stopWorkers"}
    assert shown["spentToday"]["money"] >= 0.5


def test_budgets_refuse_what_they_do_not_understand(client, ep):
    for body, part in (({}, "perDay"), ({"perDay": -1}, "perDay"), ({"perDay": 1, "unit": "hours"}, "unit"),
                       ({"perDay": 1, "onReached": "x"}, "onReached"), ({"perDay": 1, "x": 1}, "\"x\" is not known"),
                       ([], "no JSON object")):
        assert part in admin(client, "PUT", f"endpoints/{ep}/budget", body, status=400)["error"]
    assert "not found" in admin(client, "PUT", "endpoints/nowhere/budget", {"perDay": 1}, status=404)["error"]
    assert admin(client, "GET", f"endpoints/{ep}/budget")["budget"] is None
