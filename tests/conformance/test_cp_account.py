"""The account, its settings, and what hosted accounts have besides: contract/control-plane 2.8, E5."""

import hashlib
import sqlite3

import pytest
import requests

from penstock import GraphQLError

MONEY = ["clientBalance", "currentSpendPerHr", "clientLifetimeSpend", "hostBalance", "referralEarned", "templateEarned"]
FLAGS = ["underBalance", "notifyPodsStale", "notifyPodsGeneral", "notifyLowBalance", "notifyOther", "isTeam",
         "multiFactorEnabled"]
UNKNOWN = ["spendLimit", "minBalance", "creditAlertThreshold", "signedTermsOfService", "authId", "machineQuota",
           "referralId"]


def update(client, settings: dict | None) -> dict:
    query = "mutation($i: UpdateUserSettingsInput) { updateUserSettings(input: $i) { id pubKey } }"
    return client.graphql(query, {"i": settings})["updateUserSettings"]


def test_cp_user_settings(fresh_server):
    server = fresh_server()
    client = server.client()
    me = client.graphql("{ myself { id pubKey } }")["myself"]
    assert me["pubKey"] is None
    keys = "ssh-ed25519 AAAAC3 me@home\nssh-rsa AAAAB3 me@work\n"
    assert update(client, {"pubKey": keys}) == {"id": me["id"], "pubKey": keys}
    assert update(client, {}) == {"id": me["id"], "pubKey": keys}
    assert update(client, {"pubKey": None})["pubKey"] == keys
    server.kill()
    server.start()
    assert server.client().graphql("{ myself { pubKey } }") == {"myself": {"pubKey": keys}}
    with pytest.raises(GraphQLError, match="pubKey has 65537 bytes"):
        update(server.client(), {"pubKey": "k" * 65537})
    with pytest.raises(GraphQLError, match="input is required"):
        update(server.client(), None)


def test_cp_fields_of_a_hosted_account(client):
    me = client.graphql("{ myself { %s savingsPlans { podId } information { firstName } spendDetails { "
                        "localStoragePerHour networkStoragePerHour gpuComputePerHour } } }"
                        % " ".join(MONEY + FLAGS + UNKNOWN))["myself"]
    assert {name: me[name] for name in MONEY} == dict.fromkeys(MONEY, 0)
    assert {name: me[name] for name in FLAGS} == dict.fromkeys(FLAGS, False)
    assert {name: me[name] for name in UNKNOWN} == dict.fromkeys(UNKNOWN)
    assert me["savingsPlans"] == [] and me["information"] is None
    assert set(me["spendDetails"].values()) == {0}


@pytest.mark.parametrize("field", ["dailyCharges { amount }", "billing(input: {}) { summary { time } }",
                                   "flashApps { id }"])
def test_cp_account_fields_that_are_not_here_say_so(client, field):
    name = field.split()[0].partition("(")[0]
    answer = client.post_graphql({"query": "{ myself { id %s } }" % field}).json()
    assert answer["data"]["myself"][name] is None and answer["data"]["myself"]["id"]
    assert answer["errors"][0]["message"] == f"User.{name} is not implemented by this server"
    assert answer["errors"][0]["path"] == ["myself", name]


def test_cp_keys_are_listed_without_themselves(server, client):
    keys = client.graphql("{ myself { apiKeys { id name permissions createdAt lastUsed } } }")["myself"]["apiKeys"]
    assert [(key["id"], key["permissions"], key["lastUsed"]) for key in keys] == [("bootstrap", "ALL", None)]
    assert server.key not in str(keys)


def test_cp_data_centres_of_the_account(client):
    both = client.graphql("{ dataCenters { id } myself { datacenters { id } } }")
    assert both["myself"]["datacenters"] == both["dataCenters"] != []


# ---- a key that may only read

READ_ONLY = "rpa_READONLY00000000000000000000000000000000"


@pytest.fixture
def with_read_only_key(fresh_server):
    """No call makes such keys yet, so this one is put where the server keeps them."""
    server = fresh_server()
    server.terminate()
    digest = hashlib.blake2b(READ_ONLY.encode(), digest_size=32).hexdigest()
    with sqlite3.connect(server.data / "penstock.db") as db:
        account, = db.execute("SELECT id FROM accounts").fetchone()
        db.execute("INSERT INTO api_keys (id, account, name, hash, scope, created_ms) VALUES (?, ?, ?, ?, ?, 0)",
                   ("reader", account, "reader", digest, "read_only"))
    db.close()
    return server.start()


def test_cp_e5_a_key_that_may_only_read(with_read_only_key):
    url = f"{with_read_only_key.url}/graphql"
    headers = {"Authorization": f"Bearer {READ_ONLY}"}
    read = requests.post(url, json={"query": "{ myself { apiKeys { id permissions } } }"}, headers=headers, timeout=10)
    assert read.status_code == 200
    assert {"id": "reader", "permissions": "READ_ONLY"} in read.json()["data"]["myself"]["apiKeys"]
    write = requests.post(url, json={"query": 'mutation { updateUserSettings(input: {pubKey: "x"}) { id } }'},
                          headers=headers, timeout=10)
    assert write.status_code == 403 and write.headers["content-type"].startswith("application/json")
    assert write.json()["errors"][0]["message"] == "Forbidden"
    assert write.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
