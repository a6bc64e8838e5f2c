"""What time on a virtual clock costs: a server for one test, a day of scaling, and a busy day in `penstock simulate`."""

import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import Api, Bench, Failed, Process  # noqa: E402

SCRIPT = "seed: 3\nworkers: {loading: 5s..20s, execution: 1s..30s}\n"
HOURS, JOBS_AN_HOUR = 24, 40
TRACE_JOBS = 50_000
ROUNDS = 5


def serve(bench: Bench) -> Process:
    directory = bench.fresh_directory()
    script = directory / "script.yaml"
    script.write_text(SCRIPT)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PENSTOCK_", "RUNPOD_"))}
    return Process([bench.program("penstock"), "serve", "--ephemeral", "--clock", "virtual", "--script", str(script),
                    "--listen", "127.0.0.1:0", "--json", "--log-level", "warn"], directory, clean)


def up_ms(bench: Bench) -> float:
    """From the call of the program until it says that it is ready."""
    took = []
    for _ in range(ROUNDS):
        begun = time.monotonic()
        with serve(bench):
            took.append((time.monotonic() - begun) * 1e3)
    return statistics.median(took)


def day_s(bench: Bench) -> float:
    """24 hours with 40 jobs each: only what the clock takes to go on."""
    with serve(bench) as server:
        api = Api(server.url, server.ready["apiKey"])
        endpoint = api.make_endpoint("example/worker:1", "", workersMax=5, scalerType="REQUEST_COUNT", scalerValue=2)
        spent = 0.0
        for hour in range(HOURS):
            for _ in range(JOBS_AN_HOUR):
                api.call("POST", f"/v2/{endpoint}/run", {"input": {"hour": hour}})
            begun = time.monotonic()
            api.call("POST", "/penstock/v1/clock/advance", {"seconds": 3600})
            spent += time.monotonic() - begun
        done = api.call("GET", f"/v2/{endpoint}/health")["jobs"]["completed"]
        if done != HOURS * JOBS_AN_HOUR:
            raise Failed(f"{done} jobs of {HOURS * JOBS_AN_HOUR} completed")
        return spent


def simulate_s(bench: Bench) -> float:
    """`penstock simulate` with a trace of a day, from its call to its end."""
    with serve(bench) as server:
        key = server.ready["apiKey"]
        endpoint = Api(server.url, key).make_endpoint("example/worker:1", "", workersMax=20, scalerType="REQUEST_COUNT",
                                                      scalerValue=4)
        dice = random.Random(1)
        instants = sorted(dice.uniform(0, 86_400_000) for _ in range(TRACE_JOBS))
        trace = server.directory / "day.csv"
        trace.write_text("at,execution_ms\n" + "".join(f"{round(at)},{dice.randint(200, 3_000)}\n" for at in instants))
        begun = time.monotonic()
        done = subprocess.run([bench.program("penstock"), "simulate", endpoint, "--trace", str(trace), "--json"],
                              env={**os.environ, "PENSTOCK_URL": server.url, "PENSTOCK_API_KEY": key},
                              capture_output=True, text=True, timeout=300)
        took = time.monotonic() - begun
        if done.returncode != 0 or json.loads(done.stdout)["simulated"]["jobs"] != TRACE_JOBS:
            raise Failed(f"penstock simulate ended with status {done.returncode}: {done.stderr.strip()[-2000:]}")
        return took


def measure(bench: Bench) -> dict:
    return {"server_up_ms": round(up_ms(bench), 1), "day_of_scaling_s": round(day_s(bench), 3),
            "simulated_day_s": round(simulate_s(bench), 3)}


def report(found: dict) -> str:
    return (f"virtual clock: the server is up in {found['server_up_ms']} ms; a day with {HOURS * JOBS_AN_HOUR} jobs takes "
            f"{found['day_of_scaling_s']} s; `penstock simulate` of a day with {TRACE_JOBS} jobs {found['simulated_day_s']} s\n\n")
