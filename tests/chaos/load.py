"""Load for a server that is killed again and again: clients that remember what was acknowledged, and workers that remember
what they did. Everything is on one asyncio loop, so there is nothing to lock."""

import asyncio
import itertools
import uuid
from collections import defaultdict

import aiohttp

# What a connection to a server that is being killed can end in.
DOWN = (aiohttp.ClientError, asyncio.TimeoutError, ConnectionError)
RETRY_S = 0.05


class Journal:
    """What really happened, seen from outside the server."""

    def __init__(self):
        self.acknowledged: dict[str, int] = {}                # job -> number that the client gave it
        self.unknown = 0                                      # submissions without an answer
        self.attempts: dict[str, list[str]] = defaultdict(list)  # job -> the nonces that workers made for it
        self.accepted: dict[str, str] = {}                    # job -> first nonce whose post was answered 200
        self.inputs: dict[str, int] = {}                      # job -> number that the worker was given
        self.terminal: dict[str, str] = {}                    # job -> first terminal answer that was read
        self.changed: list[str] = []                          # terminal answers that were different later

    def saw(self, job_id: str, status: str, body: str) -> None:
        if status in ("IN_QUEUE", "IN_PROGRESS"):
            if job_id in self.terminal:
                self.changed.append(f"{job_id}: {self.terminal[job_id]} became {body}")
            return
        first = self.terminal.setdefault(job_id, body)
        if first != body:
            self.changed.append(f"{job_id}: {first} became {body}")


class Submitter:
    """Submits jobs as fast as answers come, up to a limit that is raised from outside."""

    def __init__(self, url: str, key: str, endpoint: str, journal: Journal, make_input):
        self.url = f"{url}/v2/{endpoint}/run"
        self.headers = {"Authorization": f"Bearer {key}"}
        self.journal = journal
        self.make_input = make_input
        self.numbers = itertools.count()
        self.sent = 0
        self.limit = 0

    async def run(self, session: aiohttp.ClientSession, total: int) -> None:
        """One of several concurrent clients: goes on until `total` are acknowledged or on their way."""
        while self.sent < total:
            if self.sent >= self.limit:
                await asyncio.sleep(0.002)
                continue
            self.sent += 1
            number = next(self.numbers)
            try:
                async with session.post(self.url, json={"input": self.make_input(number)}, headers=self.headers) as answer:
                    document = await answer.json()
                    assert answer.status == 200, (answer.status, document)
                    self.journal.acknowledged[document["id"]] = number
            except DOWN:
                self.sent -= 1  # not acknowledged: it may be there or not, and another one takes its place
                self.journal.unknown += 1
                await asyncio.sleep(RETRY_S)


class Worker:
    """An external worker. With `insists`, it posts a result again until the server answers; otherwise a result that meets
    a dead server is lost, as with the SDK."""

    def __init__(self, attached: dict, journal: Journal, insists: bool):
        environment = attached["environment"]
        self.id = attached["workerId"]
        self.take_url = environment["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", self.id) + "&job_in_progress=0"
        self.done_url = environment["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$RUNPOD_POD_ID", self.id)
        self.ping_url = environment["RUNPOD_WEBHOOK_PING"].replace("$RUNPOD_POD_ID", self.id)
        self.headers = {"Authorization": environment["RUNPOD_AI_API_KEY"]}
        self.journal = journal
        self.insists = insists
        self.held: str | None = None

    async def run(self, session: aiohttp.ClientSession) -> None:
        while True:
            try:
                async with session.get(self.take_url, headers=self.headers) as answer:
                    if answer.status == 204:
                        continue
                    job = await answer.json()
                    assert answer.status == 200, (answer.status, job)
            except DOWN:
                await asyncio.sleep(RETRY_S)
                continue
            self.held = job["id"]
            await self.finish(session, job)
            self.held = None

    async def finish(self, session: aiohttp.ClientSession, job: dict) -> None:
        nonce = uuid.uuid4().hex
        self.journal.attempts[job["id"]].append(nonce)
        self.journal.inputs[job["id"]] = job["input"]["number"]
        body = {"output": {"nonce": nonce, "number": job["input"]["number"]}}
        while True:
            try:
                async with session.post(self.done_url.replace("$ID", job["id"]) + "&isStream=false", json=body,
                                        headers=self.headers) as answer:
                    assert answer.status == 200, (answer.status, await answer.text())
                    self.journal.accepted.setdefault(job["id"], nonce)
                    return
            except DOWN:
                if not self.insists:
                    return
                await asyncio.sleep(RETRY_S)

    async def ping(self, session: aiohttp.ClientSession) -> None:
        while True:
            try:
                parameters = {"job_id": self.held} if self.held else {}
                async with session.get(self.ping_url, params=parameters, headers=self.headers) as answer:
                    await answer.read()
            except DOWN:
                pass  # the next ping tells
            await asyncio.sleep(0.5)


class Reader:
    """Reads job states, over and over, and lets the journal compare."""

    def __init__(self, url: str, key: str, endpoint: str, journal: Journal):
        self.base = f"{url}/v2/{endpoint}"
        self.headers = {"Authorization": f"Bearer {key}"}
        self.journal = journal

    async def read(self, session: aiohttp.ClientSession, job_id: str) -> dict:
        async with session.get(f"{self.base}/status/{job_id}", headers=self.headers) as answer:
            text = await answer.text()
            assert answer.status == 200, f"{job_id}: {answer.status} {text}"
            document = await answer.json()
            self.journal.saw(job_id, document["status"], text)
            return document

    async def read_all(self, session: aiohttp.ClientSession, job_ids, at_once: int = 16) -> dict[str, dict]:
        found: dict[str, dict] = {}
        waiting = list(job_ids)

        async def drain():
            while waiting:
                job_id = waiting.pop()
                found[job_id] = await self.read(session, job_id)

        await asyncio.gather(*(drain() for _ in range(at_once)))
        return found

    async def sample_forever(self, session: aiohttp.ClientSession, rng) -> None:
        while True:
            known = list(self.journal.acknowledged)
            try:
                if known:
                    await self.read(session, rng.choice(known))
            except DOWN:
                pass  # the server is down: that is the point
            await asyncio.sleep(0.005)
