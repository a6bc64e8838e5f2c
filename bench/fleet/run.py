#!/usr/bin/env python3
"""The fleet's benchmarks: `./dev bench fleet`. Starts next to their bare floor, what a virtual clock costs, and the time per
event with many endpoints. The last line is one JSON object. Nothing passes or fails by a figure."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import starts
import virtual
from harness import ROOT, Bench, Failed, end_on_sigterm, machine

# Prints its tables, and as its last line one JSON object.
DECISIONS = "bench/fleet_decisions"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench fleet", description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=15, help="of each kind")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="where the programs are")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench-data", help="data, on the disk to measure")
    parser.add_argument("--quiet", type=float, default=10, metavar="SECONDS",
                        help="how long to wait for other programs to rest")
    return parser.parse_args()


def decisions(build: Path) -> tuple[str, dict]:
    program = build / DECISIONS
    done = subprocess.run([program], capture_output=True, text=True, timeout=900)
    if done.returncode != 0 or not done.stdout.strip():
        raise Failed(f"{program} ended with status {done.returncode}: {done.stderr.strip()[-2000:]}")
    *tables, last = done.stdout.rstrip("\n").split("\n")
    return "\n".join(tables), json.loads(last)


def main() -> int:
    options = arguments()
    end_on_sigterm()
    try:
        bench = Bench(options.build.resolve(), options.dir, options.quiet)
        bench.wait_until_quiet()
        found = starts.measure(bench, options.starts)
        clock = virtual.measure(bench)
        tables, of_decisions = decisions(options.build)
    except Failed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"{machine()}\n\n{starts.report(found)}{virtual.report(clock)}{tables}")
    print(json.dumps({"starts": {name: starts.figures(kind) for name, kind in found.items()},
                      "virtual_clock": clock, **of_decisions}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
