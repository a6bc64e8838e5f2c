"""The queues that ours is held against. Each is started afresh for a run: its own directory, a free port of 127.0.0.1,
and every process ended afterwards."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from harness import Bench, Failed, Process
from jobs.measure import Effort, Point, http_load, with_others

HERE = Path(__file__).resolve().parent
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 20
NODE_ENVIRONMENT = {**os.environ, "NODE_ENV": "production"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def program(name: str) -> str:
    """Debian keeps servers in places that are not in everybody's PATH."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise Failed(f"{name} is not installed: ./dev bench jobs installs it")
    return path


def ends_with_us(command: list[str], stop: signal.Signals = signal.SIGKILL, user: str | None = None) -> list[str]:
    """The command, so that it ends even when this program is killed."""
    credentials = [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    return [program("setpriv"), "--pdeathsig", stop.name.removeprefix("SIG"), *credentials, "--", *command]


class Daemon:
    """A server that says nothing when it is ready: it is when its port answers. Its own process group, ended as one."""

    def __init__(self, command: list[str], directory: Path, port: int, stop: signal.Signals, user: str | None):
        self.stop = stop
        log = directory / "broker.log"
        with open(log, "wb") as output:
            self.process = subprocess.Popen(ends_with_us(command, stop, user), cwd=directory, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not answers(port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise Failed(f"{command[0]} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        return self.process.pid

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(self.stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS_MAX)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Run:
    """What one run has started, and its directory; all of it goes with the run."""

    def __init__(self, bench: Bench, stack: contextlib.ExitStack):
        self.bench, self.stack = bench, stack
        self.directory = bench.fresh_directory()
        stack.callback(shutil.rmtree, self.directory, ignore_errors=True)

    def daemon(self, command: list[str], port: int, stop: signal.Signals = signal.SIGTERM,
               user: str | None = None) -> Daemon:
        return self.stack.enter_context(contextlib.closing(Daemon(command, self.directory, port, stop, user)))

    def node(self, script: str, *arguments) -> Process:
        command = ends_with_us([program("node"), str(HERE / script), *map(str, arguments)])
        return self.stack.enter_context(Process(command, self.bench.fresh_directory(), NODE_ENVIRONMENT))


def redis(fsync: str) -> Callable[[Run, int], Daemon]:
    def start(run: Run, port: int) -> Daemon:
        return run.daemon([program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                           "--appendonly", "yes", "--appendfsync", fsync, "--dir", str(run.directory)], port)
    return start


def beanstalkd(run: Run, port: int) -> Daemon:
    return run.daemon([program("beanstalkd"), "-l", "127.0.0.1", "-p", str(port), "-b", str(run.directory), "-f0"], port)


def nats(run: Run, port: int) -> Daemon:
    settings = run.directory / "nats.conf"
    settings.write_text(f"listen: 127.0.0.1:{port}\n"
                        f'jetstream {{ store_dir: "{run.directory}", max_file_store: 8GB }}\n')
    return run.daemon([program("nats-server"), "-c", str(settings)], port)


def postgres(run: Run, port: int) -> Daemon:
    """As its own user when we are root: it refuses to be root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        raise Failed("postgresql is not installed: ./dev bench jobs installs it")
    data, user = run.directory / "data", None
    if os.geteuid() == 0:
        user = "postgres"
        shutil.chown(run.directory, user, user)
    made = subprocess.run(ends_with_us([str(found[-1] / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres"],
                                       user=user), cwd=run.directory, capture_output=True, text=True)
    if made.returncode != 0:
        raise Failed(f"initdb: {made.stderr[-2000:]}")
    # SIGINT: a fast shutdown, with clients still connected.
    return run.daemon([str(found[-1] / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k",
                       str(run.directory), "-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB", "-c",
                       "max_connections=120"], port, signal.SIGINT, user)


@dataclass(frozen=True)
class Peer:
    """`synced`: on the disk before it answers, as ours. `native`: the client that measures speaks to the queue itself,
    without HTTP, and is told when a job is done: there is no status to ask for, and every run says when the submission
    was acknowledged."""
    name: str
    loses: str  # in a crash of the machine
    synced: bool
    start: Callable[[Run, int], Daemon]
    native: str | None = None  # its module for native.mjs

    def can(self, point: Point) -> bool:
        return self.native is None or point.mode == "runsync"

    def point_for(self, point: Point) -> Point:
        """Where its figures for a row stand."""
        if self.native and point.mode == "run" and point.clients == 1:
            return Point("runsync", point.clients, point.workers)
        return point

    def measure(self, bench: Bench, point: Point, effort: Effort) -> dict:
        with contextlib.ExitStack() as stack:
            run, port = Run(bench, stack), free_port()
            broker = self.start(run, port)
            if self.native:
                return self.measure_native(run, broker, port, point, effort)
            front = run.node("front.mjs", port, point.workers)
            return http_load(bench, front.url, (broker.pid, front.pid), "none", "bench", point, effort)

    def measure_native(self, run: Run, broker: Daemon, port: int, point: Point, effort: Effort) -> dict:
        options = {"port": port, "clients": point.clients, "workers": point.workers, "seconds": effort.seconds,
                   "warmup": effort.warmup}
        worker = run.node("native.mjs", "worker", self.native, json.dumps(options))
        command = [program("node"), str(HERE / "native.mjs"), "client", self.native,
                   json.dumps({**options, "workerPid": worker.pid})]

        def client() -> dict:
            done = subprocess.run(command, capture_output=True, text=True, env=NODE_ENVIRONMENT,
                                  timeout=effort.warmup + effort.seconds + 60)
            if not done.stdout.strip():
                raise Failed(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")
            return json.loads(done.stdout.splitlines()[-1])
        return with_others(run.bench, (broker.pid,), client, effort.warmup)


PEERS = (Peer("BullMQ + Fastify, Redis always", "nothing", True, redis("always")),
         Peer("BullMQ + Fastify, Redis everysec", "up to 1 s", False, redis("everysec")),
         Peer("beanstalkd -f0", "nothing", True, beanstalkd, "beanstalkd"),
         Peer("graphile-worker, PostgreSQL", "nothing", True, postgres, "graphile"),
         Peer("NATS JetStream, file", "up to 2 min", False, nats, "nats"))
