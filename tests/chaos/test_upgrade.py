"""A new version in place of an old one: the data of every older schema migrates at start, and a restart in between is
nearly unseen. Running jobs go on in their workers, and clients meet refused connections for a moment at most."""

import re
import shutil
import sqlite3
import threading
import time

import pytest
import requests

from chaos_run import SETTINGS, make_endpoint
from fake_worker import FakeWorker
from penstock import ROOT, Server, process_template, wait_for

MIGRATIONS = re.findall(r'R"sql\((.*?)\)sql"', (ROOT / "src" / "store" / "schema.cpp").read_text(), re.DOTALL)
APPLICATION_ID = 0x506E536B
HELLO = process_template(ROOT / "examples" / "hello", "handler.py")
OUTAGE_MAX_S = 10  # on a machine that has other things to do; it is printed, and well under a second on an idle one


def rows_of(database: sqlite3.Connection, schema: str, table: str) -> list[tuple[str, str, bool]]:
    """(column, type, must be given) of a table."""
    return [(name, kind, bool(required) and default is None)
            for _, name, kind, required, default, _ in database.execute(f"PRAGMA {schema}.table_info({table})")]


def make_older(data, version: int) -> None:
    """Writes the tables of a stopped server again as the first `version` migrations had them, and takes the log away if
    they knew none."""
    new, old = data / "penstock.db", data / "older.db"
    database = sqlite3.connect(old)
    for script in MIGRATIONS[:version]:
        database.executescript(script)
    database.execute("ATTACH ? AS new", (str(new),))
    tables = [name for (name,) in database.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")]
    for table in tables:
        known = {name for name, _, _ in rows_of(database, "new", table)}
        columns = [(name, f'"{name}"' if name in known else "0" if kind == "INTEGER" else "''")
                   for name, kind, required in rows_of(database, "main", table) if name in known or required]
        names, values = ", ".join(f'"{name}"' for name, _ in columns), ", ".join(value for _, value in columns)
        database.execute(f"INSERT INTO main.{table} ({names}) SELECT {values} FROM new.{table}")
    database.commit()
    database.execute("DETACH new")
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {version}")
    has_log = "log_position" in tables
    database.commit()
    database.close()
    old.replace(new)
    if not has_log:
        shutil.rmtree(data / "log")


def schema_of(data) -> int:
    with sqlite3.connect(data / "penstock.db") as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
    database.close()
    return version


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A data directory with something of everything, and what was in it."""
    folder = tmp_path_factory.mktemp("stopped")
    with Server(folder / "data", SETTINGS) as server:
        client = server.client()
        endpoint = make_endpoint(client, "kept")
        worker = FakeWorker(client, endpoint)
        done = client.run(endpoint, {"number": 1})
        worker.take_job()
        worker.finish(done, {"answer": "y" * 10_000})
        queued = [client.run(endpoint, {"number": number, "pad": "x" * 5_000}) for number in range(20)]
        worker.close()
        assert server.terminate() == 0
    assert schema_of(folder / "data") == len(MIGRATIONS)
    return folder / "data", endpoint, done, queued


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_an_older_schema_migrates(stopped, tmp_path, version):
    original, endpoint, done, queued = stopped
    data = tmp_path / "data"
    shutil.copytree(original, data)
    make_older(data, version)
    assert schema_of(data) == version
    with Server(data, SETTINGS) as server:
        client = server.client()
        assert client.status(endpoint, done)["output"] == {"answer": "y" * 10_000}
        worker = FakeWorker(client, endpoint)
        for number, job in enumerate(queued):
            taken = worker.take_job()
            assert (taken["id"], taken["input"]["number"]) == (job, number)
            worker.finish(job, number)
        worker.close()
        server.kill()
        server.start()
        assert all(server.client().status(endpoint, job)["status"] == "COMPLETED" for job in queued)
    assert schema_of(data) == len(MIGRATIONS)


class Prober(threading.Thread):
    """Asks over and over on new connections, as clients that do not know of the restart."""

    def __init__(self, url: str):
        super().__init__(daemon=True)
        self.url = url
        self.over = threading.Event()
        self.answered = 0
        self.other: list[str] = []      # what was neither an answer nor a refused connection
        self.longest_s = 0.0            # from one answer to the next, over failures

    def run(self) -> None:
        last = None
        while not self.over.wait(0.005):
            try:
                answer = requests.get(f"{self.url}/graphql?query=%7B__typename%7D", timeout=30)
            except requests.ConnectionError:
                continue
            except requests.RequestException as error:
                self.other.append(repr(error))
                continue
            if answer.status_code >= 500 and answer.status_code != 503:
                self.other.append(f"{answer.status_code} {answer.text}")
            if answer.status_code == 503:
                continue
            now = time.monotonic()
            if last is not None:
                self.longest_s = max(self.longest_s, now - last)
            last = now
            self.answered += 1


@pytest.mark.timeout(120)
def test_a_restart_under_way(tmp_path):
    """SIGTERM, the new start, and a job that runs through all of it in its worker."""
    with Server(tmp_path / "data", {**SETTINGS, "workers.ping_interval_ms": 1000}) as server:
        client = server.client()
        endpoint = make_endpoint(client, "busy", HELLO, workersMin=2, workersMax=2)
        jobs = [client.run(endpoint, {"echo": number, "delay": 6}) for number in range(2)]
        before = {job: client.wait_status(endpoint, job, "IN_PROGRESS", 30)["workerId"] for job in jobs}
        prober = Prober(server.url)
        prober.start()
        wait_for(lambda: prober.answered > 10, 30, "answers before the restart")
        assert server.terminate() == 0
        server.start()
        after = prober.answered
        client = server.client()
        late = client.run(endpoint, {"echo": "late", "delay": 0})
        for number, job in enumerate(jobs):
            state = client.wait_terminal(endpoint, job, 60)
            assert state["status"] == "COMPLETED" and state["output"][0]["echo"] == number, state
            assert state["workerId"] == before[job] and state.get("retries", 0) == 0, (state, before)
        assert client.wait_terminal(endpoint, late, 60)["status"] == "COMPLETED"
        wait_for(lambda: prober.answered > after + 10, 30, "answers after the restart")
        prober.over.set()
        prober.join()
    print(f"no answer for {prober.longest_s * 1000:.0f} ms over the restart; {prober.answered} answers")
    assert prober.other == []
    assert prober.longest_s < OUTAGE_MAX_S
