"""`penstock doctor` on the data directory of a killed server, damaged in each way that the log's own tests know: the server
refuses and names doctor, doctor says what and where, `--repair` keeps everything before the damage and says what was lost,
and the server starts."""

import json
import shutil
import sqlite3
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from endpoints import FAST, Endpoints
from penstock import Server, binary

BLOCK = 4096
HEAD = 24
JOBS = 60
SETTINGS = {**FAST, "store.segment_mb": 1, "jobs.queue_jobs_min": 100_000}


def doctor(data: Path, *flags: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(binary()), "doctor", "--data", str(data), *flags], capture_output=True, text=True, timeout=60)


@dataclass
class Frame:
    path: Path
    offset: int
    size: int
    sequence: int


@dataclass
class Killed:
    """What a killed server left, with turns that are in several segments of the log and not in the tables."""
    data: Path
    endpoint: str
    jobs: list[str]  # in order, one turn each
    applied: int

    def frames(self) -> list[Frame]:
        """The turns that are not in the tables. The numbers in a frame's head are enough: nothing is damaged yet."""
        found = []
        wanted = self.applied + 1
        for path in sorted((self.data / "log").glob("*.seg")):
            data, at = path.read_bytes(), BLOCK
            while at + HEAD <= len(data):
                size, _, sequence, _ = struct.unpack_from("<IIQQ", data, at)
                if size == 0 or sequence > wanted:
                    break
                if sequence == wanted:
                    found.append(Frame(path, at, size, sequence))
                    wanted += 1
                at += (HEAD + size + 7) // 8 * 8
        return found


def applied_turns(data: Path, tmp_path: Path) -> int:
    copy = tmp_path / "look"
    shutil.copytree(data, copy)
    with sqlite3.connect(copy / "penstock.db") as database:
        (applied,) = database.execute("SELECT applied FROM log_position").fetchone()
    database.close()
    shutil.rmtree(copy)
    return applied


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Killed:
    folder = tmp_path_factory.mktemp("killed")
    with Server(folder / "data", SETTINGS) as server:
        client = server.client()
        endpoint = Endpoints(client).make()
        assert server.terminate() == 0  # the endpoint is in the tables then
        server.start()
        client = server.client()
        jobs: list[str] = []
        for _ in range(10):  # the tables may have caught up just before the kill: then again
            jobs += [client.run(endpoint, {"number": n, "padding": "x" * 100_000}) for n in range(JOBS)]
            server.kill()
            left = Killed(server.data, endpoint, jobs, applied_turns(server.data, folder))
            frames = left.frames()
            if len(frames) >= 12 and len({frame.path for frame in frames}) >= 2:
                return left
            server.start()
            client = server.client()
    raise AssertionError("the tables were always up to date")


@pytest.fixture
def copy(killed, tmp_path) -> Killed:
    data = tmp_path / "data"
    shutil.copytree(killed.data, data)
    return Killed(data, killed.endpoint, killed.jobs, killed.applied)


def flip(frame: Frame) -> None:
    data = bytearray(frame.path.read_bytes())
    data[frame.offset + HEAD + 5] ^= 1
    frame.path.write_bytes(data)


def flip_a_bit(left: Killed) -> int:
    frame = left.frames()[3]
    flip(frame)
    return frame.sequence


def last_segment_with_turns(left: Killed) -> list[Frame]:
    frames = left.frames()
    return [frame for frame in frames if frame.path == frames[-1].path]


def remove_a_segment(left: Killed) -> int:
    frames = left.frames()
    frames[0].path.unlink()
    return frames[0].sequence


def damage_a_first_block(left: Killed) -> int:
    frame = last_segment_with_turns(left)[0]
    data = bytearray(frame.path.read_bytes())
    data[20] ^= 1
    frame.path.write_bytes(data)
    return frame.sequence


def misplace_a_segment(left: Killed) -> int:
    frame = last_segment_with_turns(left)[0]
    before = left.frames()[0]
    before.path.unlink()
    frame.path.rename(before.path)
    return before.sequence


def cut_a_segment(left: Killed) -> int:
    """The first of several segments ends early."""
    frame = left.frames()[2]
    with open(frame.path, "r+b") as file:
        file.truncate(frame.offset + 100)
    return frame.sequence


DAMAGES = [flip_a_bit, remove_a_segment, damage_a_first_block, misplace_a_segment, cut_a_segment]


def jobs_of_turns(left: Killed, frames: list[Frame]) -> dict[int, str]:
    """turn -> the job that was submitted in it. A job's id stands in its turn as text."""
    found = {}
    for frame in frames:
        text = frame.path.read_bytes()[frame.offset:frame.offset + HEAD + frame.size]
        for job in left.jobs:
            if job.encode() in text:
                found[frame.sequence] = job
    return found


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_doctor_repairs(copy, damage):
    by_turn = jobs_of_turns(copy, copy.frames())
    lost_from = damage(copy)
    refused = Server(copy.data, SETTINGS)
    assert refused.spawn().wait(30) != 0
    assert "penstock doctor" in refused.log_text(), refused.log_text()[-2000:]

    told = doctor(copy.data)
    assert told.returncode == 1, told.stdout + told.stderr
    assert "problem: " in told.stdout and "/log/" in told.stdout and "--repair" in told.stdout
    report = json.loads(doctor(copy.data, "--json").stdout)
    assert report["ok"] is False and len(report["found"]["problems"]) == 1
    assert report["found"]["appliedTurn"] == copy.applied

    done = doctor(copy.data, "--repair", "--json")
    assert done.returncode == 1, done.stdout + done.stderr  # something was lost
    report = json.loads(done.stdout)
    assert report["after"]["problems"] == []
    repair = report["repair"]
    assert repair["lost"]["fromTurn"] == lost_from
    assert repair["appliedTurns"] == lost_from - copy.applied - 1
    assert Path(repair["movedTo"]).parent == copy.data / "log"
    assert repair["moved"] and all((Path(repair["movedTo"]) / name).is_file() for name in repair["moved"])
    lost = {job["id"] for job in repair["lost"]["jobs"]}
    assert lost <= {job for turn, job in by_turn.items() if turn >= lost_from}

    assert doctor(copy.data).returncode == 0
    with Server(copy.data, SETTINGS) as server:
        client = server.client()
        kept = [job for turn, job in by_turn.items() if turn < lost_from]
        for job in kept:
            assert client.status(copy.endpoint, job)["status"] == "IN_QUEUE"
        for job in (job for turn, job in by_turn.items() if turn >= lost_from):
            assert client.call("GET", f"{copy.endpoint}/status/{job}").status_code == 404
        assert client.status(copy.endpoint, client.run(copy.endpoint))["status"] == "IN_QUEUE"


def test_what_a_kill_leaves_is_fine(copy):
    report = doctor(copy.data, "--json")
    assert report.returncode == 0, report.stdout + report.stderr
    found = json.loads(report.stdout)["found"]
    assert found["lastTurn"] == copy.frames()[-1].sequence
    assert found["appliedTurn"] == copy.applied and found["schema"] == found["schemaKnown"]
    text = doctor(copy.data)
    assert text.returncode == 0 and text.stdout.endswith("fine\n")


def test_a_torn_last_turn_was_never_acknowledged(copy):
    frames = copy.frames()
    flip(frames[-1])
    report = doctor(copy.data, "--json")
    assert report.returncode == 0, report.stdout
    assert json.loads(report.stdout)["found"]["lastTurn"] == frames[-2].sequence


def test_a_missing_log(copy):
    shutil.rmtree(copy.data / "log")
    refused = Server(copy.data, SETTINGS)
    assert refused.spawn().wait(30) != 0
    assert "penstock doctor" in refused.log_text()
    done = doctor(copy.data, "--repair")
    assert done.returncode == 1 and f"what came after turn {copy.applied}" in done.stdout, done.stdout
    with Server(copy.data, SETTINGS) as server:
        assert server.client().run(copy.endpoint)


def test_damaged_tables_are_told_and_not_touched(copy):
    assert doctor(copy.data).returncode == 0  # and rolls back what SQLite was in the midst of
    database = copy.data / "penstock.db"
    data = bytearray(database.read_bytes())
    for page in range(3, len(data) // 8192):
        data[page * 8192:page * 8192 + 4096] = b"\x5a" * 4096
    database.write_bytes(data)
    told = doctor(copy.data)
    assert told.returncode == 1 and str(database) in told.stdout, told.stdout
    again = doctor(copy.data, "--repair")
    assert again.returncode == 1 and "restore a backup" in again.stdout, again.stdout


def test_doctor_keeps_away_from_a_server(fresh_server):
    server = fresh_server()
    done = doctor(server.data)
    assert done.returncode == 2 and str(server.pid) in done.stderr, done.stderr
    done = doctor(server.data, "--repair")
    assert done.returncode == 2


def test_doctor_refuses_what_is_no_data_directory(tmp_path):
    done = doctor(tmp_path / "nothing")
    assert done.returncode == 2 and "no data directory" in done.stderr
    assert not (tmp_path / "nothing").exists()
    assert doctor(tmp_path, "--repare").returncode == 2
