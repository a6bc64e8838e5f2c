"""`penstock simulate`: recorded requests, or a trace, through the engine under other settings (docs/simulate.md)."""

import json
import os
import random
import re
import subprocess

import pytest

from endpoints import Endpoints
from penstock import Server, binary

SCRIPT = "seed: 11\nworkers: {loading: 3s..20s, execution: 1s..40s}\n"
PRICES = {"prices.ampere_16": "0.8", "prices.ada_24": "2", "account.discount_factor": "0.25",
          "account.discount_expires": "2099-01-01T00:00:00Z"}


def simulate(client, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PENSTOCK_URL": client.url, "PENSTOCK_API_KEY": client.key}
    return subprocess.run([str(binary()), "simulate", *arguments], env=environment, capture_output=True, text=True, timeout=60)


def figures(client, *arguments: str) -> dict:
    done = simulate(client, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def virtual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulate")
    (folder / "script.yaml").write_text(SCRIPT)
    arguments = ("--ephemeral", "--clock", "virtual", "--script", str(folder / "script.yaml"))
    with Server(folder / "none", PRICES, arguments=arguments, gpus="64xAMPERE_16,1xADA_24") as server:
        yield server.client()


def traffic(client, ep: str, seed: int, jobs: int) -> None:
    """Some hours of it, in bursts; the clock goes on in between."""
    dice = random.Random(seed)
    for _ in range(jobs):
        client.run(ep, {})
        advance(client, dice.choice((1, 7, 200, 1_500, 9_000, 60_000, 400_000)))
    advance(client, 3_600_000)


def advance(client, ms: int) -> None:
    answer = client.http.post(f"{client.url}/penstock/v1/clock/advance", json={"ms": ms}, timeout=60,
                              headers={"Authorization": f"Bearer {client.key}"})
    assert answer.status_code == 200, answer.text


def usage(client, ep: str) -> dict:
    answer = client.http.get(f"{client.url}/penstock/v1/usage", params={"endpoint": ep, "by": "pool"}, timeout=30,
                             headers={"Authorization": f"Bearer {client.key}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("settings", [
    {"scalerType": "QUEUE_DELAY", "scalerValue": 4, "workersMax": 3},
    {"scalerType": "REQUEST_COUNT", "scalerValue": 2, "workersMax": 5},
    {"scalerType": "QUEUE_DELAY", "scalerValue": 1, "workersMax": 4, "workersMin": 1},
])
def test_the_actual_settings_give_the_recorded_workers(virtual, settings):
    ep = Endpoints(virtual).make(**settings)
    traffic(virtual, ep, seed=settings["scalerValue"], jobs=250)
    answer = figures(virtual, ep)
    assert answer["recorded"]["jobs"] == 250 and answer["recorded"]["coldStarts"] > 3
    for key in ("jobs", "coldStarts", "workersMost", "workers"):
        assert answer["simulated"][key] == answer["recorded"][key], key


def test_other_settings_are_shown_beside_them(virtual):
    ep = Endpoints(virtual).make(workersMax=1, scalerType="REQUEST_COUNT", scalerValue=1)
    traffic(virtual, ep, seed=5, jobs=120)
    answer = figures(virtual, ep, "--set", "workersMax=6", "--set", "idleTimeout=30", "--price", "1.5")
    assert answer["settings"]["workersMax"] == "6" and answer["settings"]["scalerValue"] == "1"
    assert answer["changed"]["delayMs"]["p95"] < answer["simulated"]["delayMs"]["p95"]
    assert answer["changed"]["workersMost"] > answer["simulated"]["workersMost"] == 1
    assert answer["changed"]["cost"] == pytest.approx(answer["changed"]["workerSeconds"] / 3600 * 1.5)
    said = simulate(virtual, ep, "--set", "workersMax=6")
    assert said.returncode == 0 and "delay p95" in said.stdout and "cold starts" in said.stdout and "█" in said.stdout
    later = answer["recorded"]["workers"][len(answer["recorded"]["workers"]) // 2]["at"]
    part = figures(virtual, ep, "--from", later)
    assert part["from"] == later and 0 < part["simulated"]["jobs"] < answer["simulated"]["jobs"]


def test_the_cost_is_by_the_servers_prices_where_the_workers_were(virtual):
    ep = Endpoints(virtual).make(gpuIds="ADA_24,AMPERE_16", workersMax=3, scalerType="REQUEST_COUNT", scalerValue=1)
    traffic(virtual, ep, seed=3, jobs=60)
    answer = figures(virtual, ep, "--set", "workersMax=1")
    price = answer["price"]
    assert price["from"] == "usage" and price["discountFactor"] == 0.25
    pools = {pool["pool"]: pool for pool in price["pools"]}
    assert pools["ADA_24"]["perWorkerHour"] == 2 and pools["AMPERE_16"]["perWorkerHour"] == 0.8
    records = usage(virtual, ep)["records"]
    charged = {r["pool"]: sum(r["workerSeconds"][s] for s in ("starting", "idle", "active")) for r in records}
    for pool, seconds in charged.items():
        assert pools[pool]["share"] == pytest.approx(seconds / sum(charged.values()), rel=1e-6)
    assert price["perWorkerHour"] == pytest.approx(sum(p["share"] * p["perWorkerHour"] for p in pools.values()) * 0.75)
    assert price["perWorkerHour"] == pytest.approx(
        sum(r["amount"] for r in records) / sum(charged.values()) * 3600, rel=1e-3), "as `penstock usage` has it"
    for column in ("recorded", "simulated", "changed"):
        assert answer[column]["cost"] == pytest.approx(answer[column]["workerSeconds"] / 3600 * price["perWorkerHour"])
    said = simulate(virtual, ep).stdout
    assert "by the server's prices where its workers were: ADA_24 2.0000 (" in said and "less a discount of 25.0%" in said


def test_the_cost_without_recorded_workers_is_by_the_first_pool(virtual, tmp_path):
    trace = tmp_path / "trace.csv"
    trace.write_text("at,execution_ms\n5,7\n")
    ep = Endpoints(virtual).make(gpuIds="-NVIDIA L4,AMPERE_16,ADA_24", gpuCount=2, workersMax=1)
    answer = figures(virtual, ep, "--trace", str(trace))
    assert answer["price"] == {"perWorkerHour": pytest.approx(2 * 0.8 * 0.75), "from": "settings", "discountFactor": 0.25,
                               "pools": [{"pool": "AMPERE_16", "share": 1, "perWorkerHour": 1.6}]}
    assert "where a worker would be placed first: AMPERE_16 1.6000" in simulate(virtual, ep, "--trace", str(trace)).stdout
    mine = simulate(virtual, ep, "--trace", str(trace), "--price", "1.19")
    assert "cost: 1.1900 for an hour of a worker, as --price says" in mine.stdout
    assert re.search(r"^cost +\d+\.\d{4}$", mine.stdout, re.M), "small ones are not lost: " + mine.stdout
    assert figures(virtual, ep, "--trace", str(trace), "--price", "0")["price"] == {
        "perWorkerHour": 0, "from": "flag", "discountFactor": 0, "pools": []}


def test_a_busy_day_from_a_trace(virtual, tmp_path):
    ep = Endpoints(virtual).make(workersMax=20, scalerType="REQUEST_COUNT", scalerValue=4)
    dice = random.Random(1)
    trace = tmp_path / "day.csv"
    lines = ["at,execution_ms"] + [f"{round(at)},{dice.randint(200, 3_000)}"
                                   for at in sorted(dice.uniform(0, 86_400_000) for _ in range(50_000))]
    trace.write_text("\n".join(lines) + "\n")
    answer = figures(virtual, ep, "--trace", str(trace))
    assert answer["simulated"]["jobs"] == 50_000 and "recorded" not in answer


def test_what_cannot_be_simulated_is_said(virtual, tmp_path):
    ep = Endpoints(virtual).make()
    empty = simulate(virtual, ep)
    assert empty.returncode == 1 and "no requests are there" in empty.stderr
    assert simulate(virtual, "nosuch").returncode == 1
    wrong = simulate(virtual, ep, "--set", "workersmax=3")
    assert wrong.returncode == 2 and "workersMax" in wrong.stderr
    trace = tmp_path / "trace.csv"
    trace.write_text("at,execution_ms\n5,7\nnoon,1\n")
    wrong = simulate(virtual, ep, "--trace", str(trace))
    assert wrong.returncode == 2 and "trace.csv:3: at is \"noon\"" in wrong.stderr
    trace.write_text("when\n5\n")
    assert "column \"at\"" in simulate(virtual, ep, "--trace", str(trace)).stderr
    trace.write_text("at,execution_ms\n5,7\n")
    refused = simulate(virtual, ep, "--trace", str(trace), "--set", "scalerType=MAGIC")
    assert refused.returncode == 2 and "scalerType" in refused.stderr, refused.stderr
    assert simulate(virtual, ep, "--from", "noon").returncode == 2
