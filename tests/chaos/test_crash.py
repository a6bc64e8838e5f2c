"""kill -9 of the real server and of real workers under load. What must hold: nothing acknowledged is lost, neither a job
nor a result; every job gets exactly one result; a result that was read once never changes; and a job fails only when the
test killed its worker twice, for an attempt that the server's own end cut short costs no try.

PENSTOCK_TEST_CHAOS_SEED repeats a run's choices (not its timing)."""

import asyncio
import contextlib
import os
import random
import signal
import time

import aiohttp
import pytest

from load import Journal, Reader, Submitter, Worker
from penstock import ROOT, TERMINAL, Server, process_template, wait_for

SEED = int(os.environ.get("PENSTOCK_TEST_CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
KILLS = 20
JOBS = 2000
CLIENTS = 8
WORKERS = 6
REAL_JOBS = 40
LOST_TWICE = "job timed out after 1 retries"
WORKER_KILLS = 4
SETTINGS = {"workers.ping_interval_ms": 1000, "workers.poll_hold_ms": 2000, "jobs.queue_jobs_min": 10000}
HELLO = process_template(ROOT / "examples" / "hello", "handler.py")


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "data", SETTINGS) as running:
        yield running


def make_endpoint(client, name: str, template: dict | None = None, **fields) -> str:
    template_id = client.save_template(**(template or {}))["id"]
    return client.save_endpoint(name=name, gpuIds="AMPERE_16", templateId=template_id,
                                **{"workersMax": 0, **fields})["id"]


async def kill_and_restart(server: Server, submitter: Submitter, journal: Journal, rng: random.Random) -> None:
    """Lets each life of the server have its share of the jobs, and kills it when a random part of them is acknowledged:
    submissions, hand-outs and results are in flight every time."""
    for kill in range(KILLS):
        submitter.limit = (kill + 1) * JOBS // KILLS
        target = (kill + rng.random()) * JOBS / KILLS
        deadline = time.monotonic() + 30
        while len(journal.acknowledged) < target:
            assert time.monotonic() < deadline, f"stuck at {len(journal.acknowledged)} acknowledged jobs of {target:.0f}"
            await asyncio.sleep(0.001)
        server.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(server.process.wait)
        await asyncio.to_thread(server.start)
    submitter.limit = JOBS


async def all_terminal(readers: list[tuple[Reader, list[str]]], session, timeout: float) -> dict[str, dict]:
    deadline = time.monotonic() + timeout
    found: dict[str, dict] = {}
    while True:
        for reader, jobs in readers:
            found |= await reader.read_all(session, [job for job in jobs if found.get(job, {}).get("status") not in TERMINAL])
        left = {job: state["status"] for job, state in found.items() if state["status"] not in TERMINAL}
        if not left:
            return found
        assert time.monotonic() < deadline, f"{len(left)} jobs never ended: {dict(list(left.items())[:5])}"
        await asyncio.sleep(0.2)


def check_results(journal: Journal, states: dict[str, dict]) -> None:
    """Every job has one result that one of its attempts made: the one that was acknowledged, if one was."""
    for job, state in states.items():
        assert state["status"] == "COMPLETED", (job, state, journal.attempts[job])
        nonce = state["output"]["nonce"]
        assert nonce in journal.attempts[job], (job, state, journal.attempts[job])
        assert nonce == journal.accepted.get(job, nonce), (job, state, journal.accepted[job])
        assert state["output"]["number"] == journal.inputs[job]
        assert journal.acknowledged.get(job, journal.inputs[job]) == journal.inputs[job]


def check_counters(client, endpoint: str, states: dict[str, dict]) -> None:
    counters = client.health(endpoint)["jobs"]
    table = {"completed": sum(state["status"] == "COMPLETED" for state in states.values()),
             "failed": sum(state["status"] == "FAILED" for state in states.values()), "inQueue": 0, "inProgress": 0}
    assert {name: counters[name] for name in table} == table


async def drive(server: Server, rng: random.Random) -> None:
    client = server.client()
    fast, real = make_endpoint(client, "fast"), make_endpoint(client, "real", HELLO, workersMin=2, workersMax=2)
    journal, real_journal = Journal(), Journal()
    workers = [Worker(client.attach_worker(fast), journal, insists=n % 3 != 0) for n in range(WORKERS)]
    submitter = Submitter(server.url, server.key, fast, journal, lambda number: {"number": number})
    real_submitter = Submitter(server.url, server.key, real, real_journal, lambda number: {"echo": number, "delay": 0.2})
    real_submitter.limit = REAL_JOBS
    reader = Reader(server.url, server.key, fast, journal)
    real_reader = Reader(server.url, server.key, real, real_journal)
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        background = [asyncio.create_task(each) for each in (
            *(worker.run(session) for worker in workers), *(worker.ping(session) for worker in workers),
            reader.sample_forever(session, rng))]
        clients = [asyncio.create_task(submitter.run(session, JOBS)) for _ in range(CLIENTS)]
        clients.append(asyncio.create_task(real_submitter.run(session, REAL_JOBS)))
        killer = asyncio.create_task(kill_and_restart(server, submitter, journal, rng))
        try:
            # A task of the load that fails ends the test at once instead of leaving it to wait.
            pending = {killer, *clients}
            while pending:
                done, _ = await asyncio.wait({*pending, *background}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                pending -= done
            known = list(journal.acknowledged.keys() | journal.attempts.keys())
            states = await all_terminal([(reader, known), (real_reader, list(real_journal.acknowledged))], session, 90)
            late = [job for job in journal.attempts if job not in states]
            states |= await all_terminal([(reader, late)], session, 30)
            await reader.read_all(session, [job for job in states if job not in real_journal.acknowledged])
            await real_reader.read_all(session, list(real_journal.acknowledged))
        finally:
            for task in (*background, *clients, killer):
                task.cancel()
            await asyncio.gather(*background, *clients, killer, return_exceptions=True)
    fast_states = {job: state for job, state in states.items() if job not in real_journal.acknowledged}
    real_states = {job: states[job] for job in real_journal.acknowledged}
    judge(server, fast, journal, fast_states, real_journal, real_states)


def judge(server: Server, fast: str, journal: Journal, states: dict, real_journal: Journal, real_states: dict) -> None:
    assert len(journal.acknowledged) >= JOBS and len(real_journal.acknowledged) >= REAL_JOBS
    assert journal.changed == [] and real_journal.changed == []
    check_results(journal, states)
    check_counters(server.client(), fast, states)
    for job, state in real_states.items():
        assert state["status"] == "COMPLETED", (job, state)
        assert state["output"][0]["echo"] == real_journal.acknowledged[job]
    again = sum(len(nonces) > 1 for nonces in journal.attempts.values())
    print(f"seed {SEED}: {len(journal.acknowledged)} acknowledged, {journal.unknown} without answer, {again} run again, "
          f"{len(real_states)} by real workers")


@pytest.mark.timeout(240)
def test_killing_the_server_under_load(server):
    print(f"seed {SEED}")
    asyncio.run(drive(server, random.Random(SEED)))


def leads_session(pid):
    """False, too, when it has just exited."""
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


@pytest.mark.timeout(180)
def test_killing_workers_under_load(server):
    """Every job ends, and each kill costs at most one try of one job."""
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    client = server.client()
    endpoint = make_endpoint(client, "real", HELLO, workersMax=3, scalerType="REQUEST_COUNT", scalerValue=1)
    jobs = [client.run(endpoint, {"echo": n, "delay": 1}) for n in range(15)]
    for _ in range(WORKER_KILLS):
        client.wait_health(endpoint, lambda h: h["workers"]["running"] > 0 or h["jobs"]["inQueue"] == 0, "work", 60)
        leaders = [pid for pid in server.worker_processes() if leads_session(pid)]
        if leaders:
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(leaders), signal.SIGKILL)
        before = client.health(endpoint)["jobs"]["completed"]
        wait_for(lambda: client.health(endpoint)["jobs"]["completed"] > before
                 or client.health(endpoint)["jobs"]["inQueue"] + client.health(endpoint)["jobs"]["inProgress"] == 0, 60,
                 "another job to be done")
    states = {job: client.wait_terminal(endpoint, job, 90) for job in jobs}
    tries_lost = sum(state.get("retries", 0) + (state["status"] == "FAILED") for state in states.values())
    assert tries_lost <= WORKER_KILLS, states
    for number, (job, state) in enumerate(states.items()):
        if state["status"] == "COMPLETED":
            assert state["output"][0]["echo"] == number
        else:
            assert (state["status"], state["error"], state["retries"]) == ("FAILED", LOST_TWICE, 1), state
        assert client.status(endpoint, job) == state
    check_counters(client, endpoint, states)


@pytest.mark.timeout(180)
def test_stopping_workers_under_load(server):
    """SIGSTOP: a worker that stands still longer than its lease loses its job to another one. When it goes on, it may post
    a result that nobody waits for any more: each job keeps the one that it has."""
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    client = server.client()
    endpoint = make_endpoint(client, "real", HELLO, workersMin=3, workersMax=3)
    client.wait_health(endpoint, lambda health: health["workers"]["ready"] + health["workers"]["running"] == 3,
                       "three workers", 60)
    jobs = [client.run(endpoint, {"echo": n, "delay": 0.5}) for n in range(24)]
    stopped: list[int] = []
    try:
        for _ in range(2):
            client.wait_health(endpoint, lambda h: h["workers"]["running"] > 0 or h["jobs"]["inQueue"] == 0, "work", 60)
            leaders = [pid for pid in server.worker_processes() if os.getsid(pid) == pid and pid not in stopped]
            if leaders:
                stopped.append(rng.choice(leaders))
                os.killpg(stopped[-1], signal.SIGSTOP)
        states = {job: client.wait_terminal(endpoint, job, 120) for job in jobs}
    finally:
        for pid in stopped:
            try:
                os.killpg(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass  # the server has ended it meanwhile
    late = client.run(endpoint, {"echo": "late", "delay": 0})
    assert client.wait_terminal(endpoint, late, 60)["status"] == "COMPLETED"
    for number, (job, state) in enumerate(states.items()):
        assert state["status"] == "COMPLETED" and state["output"][0]["echo"] == number, state
        assert client.status(endpoint, job) == state
    assert sum(state.get("retries", 0) for state in states.values()) <= len(stopped)
    check_counters(client, endpoint, {**states, late: client.status(endpoint, late)})
