"""Our GraphQL engine and graphql-js answer the same: documents written by hand, and documents made from the schema, most of
them damaged. A seed repeats a run: `node tests/oracle/oracle.mjs --driver ... --seed N --count N`."""

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DRIVER = ROOT / "build" / "release" / "tests" / "oracle" / "oracle_driver"
SEEDS = int(os.environ.get("PENSTOCK_TEST_ORACLE_SEEDS", 10))
DOCUMENTS = 2_500


def ask(*arguments) -> None:
    done = subprocess.run(["node", str(HERE / "oracle.mjs"), "--driver", str(DRIVER), *map(str, arguments)],
                          capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].endswith(" passed, 0 failed")


@pytest.mark.parametrize("file", sorted((HERE / "fixtures").glob("*.graphql")), ids=lambda file: file.stem)
def test_written_documents(file):
    ask("--fixtures", file)


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_made_documents(seed):
    ask("--seed", seed, "--count", DOCUMENTS)
