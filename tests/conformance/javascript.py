"""Runs the scripts of js/, which print one JSON line for each case: {"name", "ok", "detail"}."""

import json
import os
import re
import subprocess
from pathlib import Path

JS = Path(__file__).parent / "js"


def cases_of(name: str) -> list[str]:
    """The names of the functions in a script's table of cases."""
    found = re.findall(r"^  (?:async )?(\w+)\(\) \{", (JS / name).read_text(), re.MULTILINE)
    assert found, name
    return found


def run_script(name: str, server, **more) -> dict:
    environment = {**os.environ, "PENSTOCK_URL": server.url, "PENSTOCK_API_KEY": server.key, **more}
    done = subprocess.run(["node", name], cwd=JS, env=environment, capture_output=True, text=True, timeout=100)
    found = {result["name"]: result for result in map(
        json.loads, (line for line in done.stdout.splitlines() if line.startswith('{"name"')))}
    assert found, done.stderr
    return found
