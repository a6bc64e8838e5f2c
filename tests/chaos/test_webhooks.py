"""kill -9 of the server while webhooks are on their way to a receiver that is slow, fails and goes away. What must hold: every
job that was acknowledged is told at least once, all its posts carry one delivery id, and they tell what the job really was.

PENSTOCK_TEST_CHAOS_SEED repeats a run's choices (not its timing)."""

import asyncio
import os
import random
import signal
import time
from collections import defaultdict

import aiohttp
from aiohttp import web

from load import DOWN, RETRY_S, Journal, Reader, Worker
from penstock import TERMINAL, Server

SEED = int(os.environ.get("PENSTOCK_TEST_CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
KILLS = 10
JOBS = 500
CLIENTS = 4
WORKERS = 4
SETTINGS = {"workers.ping_interval_ms": 1000, "workers.poll_hold_ms": 2000, "jobs.queue_jobs_min": 10000,
            "webhooks.first_retry_ms": 50, "webhooks.retry_for_s": 600, "webhooks.timeout_ms": 2000}


class Receiver:
    """Takes some posts, refuses some, answers some never. `taken`: those that it answered with 200."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.calm = False
        self.ids: dict[str, set[str]] = defaultdict(set)   # job -> delivery ids
        self.told: dict[str, set[str]] = defaultdict(set)  # job -> bodies
        self.taken: set[str] = set()                       # jobs

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        job = (await request.json())["id"]
        self.ids[job].add(request.headers["X-Penstock-Delivery"])
        self.told[job].add(body)
        fate = 1 if self.calm else self.rng.random()
        if fate < 0.1:
            return web.Response(status=503)
        if fate < 0.13:
            await asyncio.sleep(5)  # longer than the server waits
        elif fate < 0.3:
            await asyncio.sleep(0.05)
        self.taken.add(job)
        return web.Response(status=200)


async def submit(session, server: Server, endpoint: str, url: str, acknowledged: set[str]) -> None:
    headers = {"Authorization": f"Bearer {server.key}"}
    while len(acknowledged) < JOBS:
        try:
            async with session.post(f"{server.url}/v2/{endpoint}/run", headers=headers,
                                    json={"input": {"number": len(acknowledged)}, "webhook": url}) as answer:
                document = await answer.json()
                assert answer.status == 200, document
                acknowledged.add(document["id"])
        except DOWN:
            await asyncio.sleep(RETRY_S)


async def kill(server: Server, acknowledged: set[str], rng: random.Random) -> None:
    for number in range(KILLS):
        target = (number + rng.random()) * JOBS / KILLS
        deadline = time.monotonic() + 60
        while len(acknowledged) < target:
            assert time.monotonic() < deadline, f"stuck at {len(acknowledged)} acknowledged jobs of {target:.0f}"
            await asyncio.sleep(0.001)
        server.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(server.process.wait)
        await asyncio.to_thread(server.start)


async def wait_until(condition, timeout: float, what: str) -> None:
    deadline = time.monotonic() + timeout
    while not await condition():
        assert time.monotonic() < deadline, f"waited {timeout:g} s for {what}"
        await asyncio.sleep(0.1)


async def drive(server: Server, rng: random.Random) -> None:
    client = server.client()
    template = client.save_template()["id"]
    endpoint = client.save_endpoint(name="told", gpuIds="AMPERE_16", templateId=template, workersMax=0)["id"]
    receiver = Receiver(rng)
    application = web.Application()
    application.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    journal, acknowledged = Journal(), set()
    workers = [Worker(client.attach_worker(endpoint), journal, insists=n % 2 == 0) for n in range(WORKERS)]
    reader = Reader(server.url, server.key, endpoint, journal)
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        background = [asyncio.create_task(each) for worker in workers
                      for each in (worker.run(session), worker.ping(session))]
        front = [asyncio.create_task(submit(session, server, endpoint, url, acknowledged)) for _ in range(CLIENTS)]
        front.append(asyncio.create_task(kill(server, acknowledged, rng)))
        try:
            pending = set(front)
            while pending:
                done, _ = await asyncio.wait({*pending, *background}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                pending -= done
            states: dict[str, dict] = {}

            async def all_ended() -> bool:
                states.update(await reader.read_all(session, [job for job in acknowledged
                                                              if states.get(job, {}).get("status") not in TERMINAL]))
                return all(state["status"] in TERMINAL for state in states.values())

            async def all_told() -> bool:
                return acknowledged <= receiver.taken

            await wait_until(all_ended, 90, "every job to end")
            receiver.calm = True
            await wait_until(all_told, 90, "every end to be told")
        finally:
            for task in (*background, *front):
                task.cancel()
            await asyncio.gather(*background, *front, return_exceptions=True)
            await runner.cleanup()
    for job in acknowledged:
        assert len(receiver.ids[job]) == 1, (job, receiver.ids[job])
        assert len(receiver.told[job]) == 1, (job, receiver.told[job])
        body = next(iter(receiver.told[job]))
        assert f'"status":"{states[job]["status"]}"' in body and states[job]["output"]["nonce"] in body, (body, states[job])


def test_every_end_is_told_under_one_id_whatever_crashes(tmp_path):
    print(f"PENSTOCK_TEST_CHAOS_SEED={SEED}")
    with Server(tmp_path / "data", SETTINGS) as server:
        asyncio.run(drive(server, random.Random(SEED)))
