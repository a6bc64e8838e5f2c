"""Starts a real Penstock server and talks to it over its public API. Used by the conformance and chaos tests and by the
demo. Nothing here knows how the server works inside."""

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
VENV_PYTHON = ROOT / ".venv" / "bin" / "python"
TEST_KEY = "rpa_TESTKEY0000000000000000000000000000000000"
TERMINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")


def binary() -> Path:
    return Path(os.environ.get("PENSTOCK_TEST_BINARY", ROOT / "build" / "release" / "penstock"))


def wait_for(condition, timeout: float, what: str, every: float = 0.05):
    """Returns the first true value of condition(). After `timeout` seconds it fails and names the last value seen."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s for: {what}; last value: {value!r}")
        time.sleep(every)


def environment_of(pid: int) -> dict[str, str]:
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0") if entry)
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, _, value in pairs}


def is_running(pid: int) -> bool:
    """False for a process that is gone, and for one that only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


class Server:
    """One `penstock serve` on a data directory. It can be killed and started again on the same port and data."""

    def __init__(self, data: Path, settings: dict | None = None, arguments: tuple = (), key: str | None = TEST_KEY,
                 gpus: str = "64xAMPERE_16", hang_up: str = "default"):
        self.data = Path(data)
        self.hang_up = hang_up  # of SIGHUP at its start: "default", or "ignore" as under nohup; not what the tests have
        self.settings = settings or {}  # "workers.ping_interval_ms": 1000
        self.arguments = list(arguments)
        self.bootstrap_key = key
        self.gpus = gpus
        self.listen = "127.0.0.1:0"
        self.process: subprocess.Popen | None = None
        self.ready: dict = {}
        self.first_key: str | None = None  # what the first ready line on this data said; later ones do not repeat it
        self.data.mkdir(parents=True, exist_ok=True)
        self.out_path = self.data.with_name(self.data.name + ".out")
        self.log_path = self.data.with_name(self.data.name + ".log")

    # ---- life

    def command(self) -> list[str]:
        command = [str(binary()), "serve", "--listen", self.listen, "--json"]
        if "--ephemeral" not in self.arguments:
            command += ["--data", str(self.data)]
        if self.gpus:
            command += ["--fake-gpus", self.gpus]
        return command + self.arguments

    def environment(self) -> dict[str, str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PENSTOCK_", "RUNPOD_"))}
        if self.bootstrap_key:
            environment["PENSTOCK_BOOTSTRAP_KEY"] = self.bootstrap_key
        for name, value in self.settings.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            environment["PENSTOCK_" + name.replace(".", "_").upper()] = text
        return environment

    def spawn(self) -> subprocess.Popen:
        """Starts the program without waiting for it to be ready."""
        with open(self.out_path, "wb") as out, open(self.log_path, "ab") as log:
            return subprocess.Popen(["env", f"--{self.hang_up}-signal=HUP", *self.command()], env=self.environment(), stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=log)

    def start(self, timeout: float = 30) -> "Server":
        self.process = self.spawn()
        line = wait_for(self._ready_line, timeout, f"the ready line of {' '.join(self.command())}", every=0.01)
        self.ready = json.loads(line)
        self.listen = self.ready["url"].removeprefix("http://")
        self.first_key = self.first_key or self.ready.get("apiKey")
        return self

    def _ready_line(self) -> str | None:
        text = self.out_path.read_text()
        if "\n" in text:
            return text.splitlines()[0]
        if self.process.poll() is not None:
            raise AssertionError(f"penstock serve ended with {self.process.returncode}:\n{self.log_text()[-4000:]}")
        return None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self, timeout: float = 30) -> int:
        """Asks for a graceful end and returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def close(self) -> list[int]:
        """Ends the server and whatever it has started. Returns the worker processes that had to be killed for it."""
        if self.process and self.process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()
        left = self.worker_processes() if self.ready else []
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return left

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_) -> None:
        self.close()

    # ---- facts

    @property
    def url(self) -> str:
        return self.ready["url"]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def key(self) -> str:
        return self.bootstrap_key or self.first_key

    def log_text(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def memory_bytes(self) -> int:
        """What the server process has resident."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        """How many files and connections the server process has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def worker_processes(self, worker_id: str | None = None) -> list[int]:
        """Processes whose environment says that they are workers of this server."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            environment = environment_of(int(entry))
            if not environment.get("RUNPOD_WEBHOOK_PING", "").startswith(self.url + "/"):
                continue
            if worker_id in (None, environment.get("RUNPOD_POD_ID")) and is_running(int(entry)):
                found.append(int(entry))
        return found

    def kill_worker(self, worker_id: str):
        """kill -9 of all its processes. The server ends those that are left once the first of them has died."""
        for pid in self.worker_processes(worker_id):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def client(self) -> "Client":
        return Client(self.url, self.key)


class GraphQLError(Exception):
    def __init__(self, status: int, body: dict):
        super().__init__(f"{status} {json.dumps(body)}")
        self.status = status
        self.body = body
        self.message = body["errors"][0]["message"]
        self.code = body["errors"][0].get("extensions", {}).get("code")


class Client:
    """The public API, by hand: what curl would send."""

    def __init__(self, url: str, key: str):
        self.url = url
        self.key = key
        self.http = requests.Session()

    # ---- GraphQL

    def post_graphql(self, body, headers: dict | None = None, key_in_url: bool = True) -> requests.Response:
        """The raw answer. `body` is sent as JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        parameters = {"api_key": self.key} if key_in_url else {}
        return self.http.post(f"{self.url}/graphql", params=parameters, data=data, timeout=30,
                              headers={"content-type": "application/json", **(headers or {})})

    def graphql(self, query: str, variables: dict | None = None) -> dict:
        """`data` of a request that succeeds. Raises GraphQLError otherwise."""
        body = {"query": query} if variables is None else {"query": query, "variables": variables}
        answer = self.post_graphql(body)
        assert answer.headers["content-type"].startswith("application/json"), answer.headers
        document = answer.json()
        if "errors" in document:
            raise GraphQLError(answer.status_code, document)
        assert answer.status_code == 200, (answer.status_code, document)
        return document["data"]

    def save_template(self, select: str = "id", **fields) -> dict:
        defaults = {"imageName": "example/worker:1", "containerDiskInGb": 5, "volumeInGb": 0, "dockerArgs": "",
                    "env": [], "isServerless": True}
        if "id" not in fields:
            defaults["name"] = "template-" + uuid.uuid4().hex[:12]
            fields = {**defaults, **fields}
        query = "mutation($input: SaveTemplateInput) { saveTemplate(input: $input) { %s } }" % select
        return self.graphql(query, {"input": fields})["saveTemplate"]

    def save_endpoint(self, select: str = "id", **fields) -> dict:
        query = "mutation($input: EndpointInput!) { saveEndpoint(input: $input) { %s } }" % select
        return self.graphql(query, {"input": fields})["saveEndpoint"]

    def endpoint(self, endpoint_id: str, select: str) -> dict | None:
        query = "query($id: String!) { myself { endpoint(id: $id) { %s } } }" % select
        return self.graphql(query, {"id": endpoint_id})["myself"]["endpoint"]

    def delete_endpoint(self, endpoint_id: str) -> None:
        self.graphql("mutation($id: String!) { deleteEndpoint(id: $id) }", {"id": endpoint_id})

    # ---- jobs

    def call(self, method: str, path: str, body=None, headers: dict | None = None, timeout: float = 60,
             authorization: str | None = None) -> requests.Response:
        """`body` is sent as JSON unless it is bytes or a string."""
        send = {"Authorization": authorization or f"Bearer {self.key}", "Content-Type": "application/json",
                **(headers or {})}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        return self.http.request(method, f"{self.url}/v2/{path}", data=data, headers=send, timeout=timeout)

    def ok(self, method: str, path: str, body=None, **options) -> dict:
        """The JSON of an answer that must be exactly 200."""
        answer = self.call(method, path, body, **options)
        assert answer.status_code == 200, (answer.status_code, answer.text[:2000])
        assert answer.headers["content-type"].split(";")[0] == "application/json", answer.headers
        return answer.json()

    def run(self, endpoint_id: str, job_input=None, **envelope) -> str:
        body = {"input": {} if job_input is None else job_input, **envelope}
        answer = self.ok("POST", f"{endpoint_id}/run", body)
        assert answer["status"] == "IN_QUEUE", answer
        return answer["id"]

    def status(self, endpoint_id: str, job_id: str) -> dict:
        return self.ok("GET", f"{endpoint_id}/status/{job_id}")

    def health(self, endpoint_id: str) -> dict:
        return self.ok("GET", f"{endpoint_id}/health")

    def workers_of(self, endpoint_id: str) -> dict:
        """The endpoint's workers, its cold starts, and what found no place."""
        answer = self.http.get(f"{self.url}/penstock/v1/endpoints/{endpoint_id}/workers", timeout=30,
                               headers={"Authorization": f"Bearer {self.key}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_status(self, endpoint_id: str, job_id: str, wanted, timeout: float = 30) -> dict:
        """The job object as soon as its status is `wanted` (a name or several)."""
        names = (wanted,) if isinstance(wanted, str) else wanted

        def look():
            job = self.status(endpoint_id, job_id)
            seen.append(job)
            return job if job["status"] in names else None

        seen: list[dict] = []
        try:
            return wait_for(look, timeout, f"job {job_id} to be {' or '.join(names)}")
        except AssertionError as error:
            raise AssertionError(f"{error}; last seen {seen[-1]}") from None

    def wait_terminal(self, endpoint_id: str, job_id: str, timeout: float = 60) -> dict:
        return self.wait_status(endpoint_id, job_id, TERMINAL, timeout)

    def wait_health(self, endpoint_id: str, condition, what: str, timeout: float = 30) -> dict:
        def look():
            health = self.health(endpoint_id)
            seen.append(health)
            return health if condition(health) else None

        seen: list[dict] = []
        try:
            return wait_for(look, timeout, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; last seen {seen[-1]}") from None

    # ---- external workers

    def attach_worker(self, endpoint_id: str) -> dict:
        """{"workerId": ..., "environment": {...}} for a worker that the caller runs."""
        answer = self.http.post(f"{self.url}/penstock/v1/endpoints/{endpoint_id}/workers", timeout=30,
                                headers={"Authorization": f"Bearer {self.key}"})
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def detach_worker(self, endpoint_id: str, worker_id: str) -> requests.Response:
        return self.http.delete(f"{self.url}/penstock/v1/endpoints/{endpoint_id}/workers/{worker_id}", timeout=30,
                                headers={"Authorization": f"Bearer {self.key}"})


def process_template(directory: Path, *command: str) -> dict:
    """Fields of saveTemplate for workers that run `command` in `directory` with the virtual environment's Python."""
    return {"imageName": f"process:{directory}", "dockerArgs": " ".join([str(VENV_PYTHON), "-u", *command])}
