"""What the benchmarks share: a Penstock server of their own, its public API over one connection, and a look at the
machine. Only Python's standard library is used, so that it runs before the virtual environment exists."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
QUIET_CORES = 0.1
QUIET_SAMPLE_SECONDS = 0.3
MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")


class Failed(Exception):
    pass


def ready_line(process: subprocess.Popen, what: str, log: Path | None = None) -> dict:
    """The line of JSON by which a program says that it serves."""
    line = process.stdout.readline()
    if not line:
        process.wait(10)
        said = f":\n{log.read_text(errors='replace')[-2000:]}" if log else ""
        raise Failed(f"{what} ended with status {process.returncode} before it served{said}")
    return json.loads(line)


class Process:
    """A server program from start to end, in a directory that is removed with it."""

    def __init__(self, command: list[str], directory: Path, environment: dict | None = None):
        self.directory = directory
        log = directory / "log"
        with open(log, "wb") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                            env=environment)
        try:
            self.ready = ready_line(self.process, command[0], log)
        except Failed:
            self.close()
            raise

    @property
    def url(self) -> str:
        return self.ready["url"]

    @property
    def pid(self) -> int:
        return self.process.pid

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Bench:
    """Where programs are and where data goes."""

    def __init__(self, build: Path, directory: Path, quiet_seconds: float):
        self.build = build
        self.quiet_seconds = quiet_seconds
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        kind = file_system_of(directory)
        if kind in MEMORY_FILE_SYSTEMS:
            raise Failed(f"{directory} is on {kind}: a sync there costs nothing; give --dir on a disk")

    def program(self, name: str) -> str:
        path = self.build / name
        if not path.is_file():
            raise Failed(f"{path} is not there: build it with ./dev build")
        return str(path)

    def wait_until_quiet(self) -> None:
        """Waits, but not for ever, for a moment in which the machine does next to nothing."""
        deadline = time.monotonic() + self.quiet_seconds
        while time.monotonic() < deadline:
            before = busy_seconds()
            time.sleep(QUIET_SAMPLE_SECONDS)
            if busy_seconds() - before < QUIET_SAMPLE_SECONDS * QUIET_CORES:
                return

    def fresh_directory(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="run-", dir=self.directory))

    def penstock(self, settings: dict | None = None, gpus: str = "1xAMPERE_16",
                 environment: dict | None = None) -> Process:
        program, directory = self.program("penstock"), self.fresh_directory()
        command = [program, "serve", "--listen", "127.0.0.1:0", "--data", str(directory / "data"),
                   "--json", "--fake-gpus", gpus, "--log-level", "warn"]
        for name, value in (settings or {}).items():
            command += ["--set", f"{name}={value}"]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PENSTOCK_", "RUNPOD_"))}
        return Process(command, directory, {**clean, **(environment or {})})

    def http_loop(self, durable: bool) -> Process:
        program, directory = self.program("bench/http_loop"), self.fresh_directory()
        return Process([program, *(("--durable", str(directory)) if durable else ())], directory)

    def json_of(self, program: str, *arguments) -> dict:
        """The one line of JSON of a measuring program."""
        command = [self.program(f"bench/{program}"), *map(str, arguments), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        if not done.stdout.strip():
            raise Failed(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])


class Api:
    """The public API of one server over one connection that stays open."""

    def __init__(self, url: str, key: str):
        self.key = key
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=90)
        self.connection.connect()

    def call(self, method: str, path: str, body=None) -> dict:
        data = json.dumps(body).encode() if body is not None else None
        self.connection.request(method, path, data, {"Authorization": f"Bearer {self.key}",
                                                     "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Failed(f"{method} {path} was answered {answer.status}: {text.decode(errors='replace')[:500]}")
        return json.loads(text)

    def graphql(self, query: str, variables: dict) -> dict:
        answer = self.call("POST", "/graphql", {"query": query, "variables": variables})
        if "errors" in answer:
            raise Failed(f"{query}: {answer['errors']}")
        return answer["data"]

    def make_endpoint(self, image: str, command: str, env: dict[str, str] | None = None, **fields) -> str:
        template = {"name": f"bench-{time.monotonic_ns()}", "imageName": image, "dockerArgs": command,
                    "containerDiskInGb": 5, "volumeInGb": 0, "isServerless": True,
                    "env": [{"key": key, "value": value} for key, value in (env or {}).items()]}
        made = self.graphql("mutation($input: SaveTemplateInput) { saveTemplate(input: $input) { id } }",
                            {"input": template})
        endpoint = {"name": "bench", "templateId": made["saveTemplate"]["id"], "gpuIds": "AMPERE_16", "workersMin": 0,
                    **fields}
        made = self.graphql("mutation($input: EndpointInput!) { saveEndpoint(input: $input) { id } }",
                            {"input": endpoint})
        return made["saveEndpoint"]["id"]


def file_system_of(path: Path) -> str:
    """Type of the file system that holds the path."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, name, *_ = line.split()
        if (str(path.resolve()) + "/").startswith(mount.rstrip("/") + "/") and len(mount) >= len(best):
            best, kind = mount, name
    return kind


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def tree_cpu_seconds(pid: int) -> float:
    """CPU time of a process and of all that descends from it, ended children included."""
    children: dict[int, list[int]] = {}
    used = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        children.setdefault(int(fields[1]), []).append(int(entry.name))
        used[int(entry.name)] = sum(map(int, fields[11:15])) / TICKS
    total, left = 0.0, [pid]
    while left:
        one = left.pop()
        total += used.get(one, 0.0)
        left += children.get(one, [])
    return total


def busy_seconds() -> float:
    """CPU time that all processors have spent working, or not given by the hypervisor."""
    user, nice, system, _idle, _iowait, irq, soft, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + soft + steal) / TICKS


def end_on_sigterm() -> None:
    """SIGTERM ends the program as Ctrl-C does, so that what it started is cleaned up."""
    def end(*_) -> None:
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, end)


def machine() -> str:
    """What kind of machine this is, without its name."""
    names = {line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")}
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    virtual = " (virtual)" if "hypervisor" in Path("/proc/cpuinfo").read_text() else ""
    processor = ", ".join(names) or os.uname().machine
    kernel = os.uname().release.split("-")[0]
    return f"{os.cpu_count()} cores{virtual} of {processor}, {memory_kb / 2**20:.0f} GiB, Linux {kernel}"
