"""The real server under load and under everything that goes wrong around it. Afterwards the load program reads every job:
each that was acknowledged has one end that never changes, its result is of one of the attempts that workers really made and
the one that was accepted, what was cancelled stays cancelled, and /health counts what the table has.

PENSTOCK_TEST_CHAOS_SEED repeats a run's choices (not its timing); `./dev chaos --jobs N` sets how many jobs there are."""

import random
import threading

import pytest

from chaos_run import JOBS, SEED, SETTINGS, Load, ShimmedServer, judge, kill_again_and_again
from penstock import Server

KILLS = 25
FEW = max(2_000, JOBS // 10)  # jobs where each takes longer
TIMEOUT = 240 + JOBS // 500   # far more than it takes


@pytest.fixture
def shimmed(tmp_path):
    server = ShimmedServer(tmp_path / "data", SETTINGS)
    with server:
        yield server


@pytest.mark.timeout(TIMEOUT)
def test_kill_9_of_the_server_again_and_again(tmp_path):
    """While clients leave in the middle of a body, and workers answer twice, too late, or for the job of another."""
    print(f"seed {SEED}")
    with Server(tmp_path / "data", SETTINGS) as server, Load(server, tmp_path, JOBS) as load:
        kill_again_and_again(server, load, KILLS, random.Random(SEED))
        found = load.finish(TIMEOUT)
        judge(found, JOBS)
        assert found["unanswered"] > 0 and found["answeredTwice"] > 0 and found["stolen"] > 0 and found["leftMidBody"] > 0


@pytest.mark.timeout(TIMEOUT)
def test_inputs_that_stay_on_disk(tmp_path):
    """No input of a queued job is kept in memory: each comes back from the log or the tables before its job's turn."""
    print(f"seed {SEED}")
    settings = {**SETTINGS, "jobs.queued_memory_mb": 0}
    with Server(tmp_path / "data", settings) as server, Load(server, tmp_path, FEW, clients=128, workers=16) as load:
        kill_again_and_again(server, load, 6, random.Random(SEED))
        judge(load.finish(TIMEOUT), FEW)


@pytest.mark.timeout(TIMEOUT)
def test_a_slow_disk(shimmed, tmp_path):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    shimmed.shim.slow_syncs(20)
    with Load(shimmed, tmp_path, FEW, clients=128, workers=64) as load:
        kill_again_and_again(shimmed, load, 4, rng, lambda: shimmed.shim.slow_syncs(rng.choice([1, 20, 60])))
        judge(load.finish(TIMEOUT), FEW)


@pytest.mark.timeout(TIMEOUT)
def test_clock_jumps(shimmed, tmp_path):
    """The wall clock goes hours ahead and back while the server runs, and up to 50 minutes while it is down, which is far
    more than a job may run: that is no time that a job ran. With more, results of /runsync would rightly be forgotten."""
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    over, is_up = threading.Event(), threading.Lock()

    def jump(most_s: float):
        shimmed.shim.clock_ahead(rng.uniform(-most_s, most_s))

    def jump_on():
        while not over.wait(0.05):
            with is_up:
                jump(6 * 3600)

    def start_with_a_jump():
        is_up.acquire()
        jump(1500)

    jumper = threading.Thread(target=jump_on, daemon=True)
    with Load(shimmed, tmp_path, FEW) as load:
        jumper.start()
        try:
            kill_again_and_again(shimmed, load, 6, rng, start_with_a_jump, is_up.release)
        finally:
            over.set()
            jumper.join(5)
        judge(load.finish(TIMEOUT), FEW)
