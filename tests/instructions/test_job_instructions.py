"""A job costs the engine and the log's encoding no more instructions than was recorded: bench/job_instructions.cpp under
callgrind, which counts the same at any load. When a change is worth its price, run `./dev test instructions`, and put the
number that it prints into record.json together with the reason."""

import json
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAM = ROOT / "build" / "release" / "bench" / "job_instructions"
MORE_MAX = 0.05


def instructions(program: Path, jobs: int) -> int:
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), str(jobs)],
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def test_a_job_costs_no_more_than_recorded(tmp_path):
    # Debian 12's valgrind cannot read what clang 19 writes for debuggers.
    program = tmp_path / "job_instructions"
    subprocess.run(["objcopy", "--strip-debug", str(PROGRAM), str(program)], check=True, timeout=60)
    few, many = 1_000, 3_000  # the difference leaves out what starting costs
    found = (instructions(program, many) - instructions(program, few)) // (many - few)
    record = json.loads((HERE / "record.json").read_text())
    print(f"\n{found} instructions a job; recorded: {record['instructions_per_job']} ({record['reason']})")
    assert found <= record["instructions_per_job"] * (1 + MORE_MAX), \
        f"{found} instructions a job, {record['instructions_per_job']} are recorded: find out why, or record {found} with a reason"
