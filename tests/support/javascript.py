"""Runs scripts that print one JSON line for each case: {"name", "ok", "detail"}."""

import json
import os
import re
import subprocess
from pathlib import Path


def cases_of(script: Path) -> list[str]:
    """The names of the functions in a script's table of cases."""
    found = re.findall(r"^  (?:async )?(\w+)\(\) \{", script.read_text(), re.MULTILINE)
    assert found, script
    return found


def run_script(script: Path, server, **more) -> dict:
    environment = {**os.environ, "PENSTOCK_URL": server.url, "PENSTOCK_API_KEY": server.key, **more}
    done = subprocess.run(["node", script.name], cwd=script.parent, env=environment, capture_output=True, text=True, timeout=100)
    found = {result["name"]: result for result in map(
        json.loads, (line for line in done.stdout.splitlines() if line.startswith('{"name"')))}
    assert found, done.stderr
    return found
