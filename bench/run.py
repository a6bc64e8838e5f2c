#!/usr/bin/env python3
"""Runs the benchmarks and prints their tables: `./dev bench [jobs|coldstart] [--save]`. What they mean: README.md here.

Nothing here passes or fails by a figure. A wrong answer of the server does end the run."""

import argparse
import datetime
import subprocess
import sys
from pathlib import Path

import cold_start
from harness import ROOT, Bench, Failed, end_on_sigterm, machine
from jobs import measure, report
from jobs.peers import PEERS

QUICK = measure.Effort(rounds=1, seconds=2.4, warmup=0.5, tries=1, slices=4)


def commit_text() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=("jobs", "coldstart"), help="one of them; without it, both")
    parser.add_argument("--quick", action="store_true",
                        help="jobs: ours and the yardstick only, in under a minute")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="measured time of each run")
    parser.add_argument("--starts", type=int, default=10, help="cold starts of each kind")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="where the programs are")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench-data", help="data, on the disk to measure")
    parser.add_argument("--quiet", type=float, default=10, metavar="SECONDS",
                        help="how long to wait before each run for other programs to rest")
    parser.add_argument("--save", action="store_true", help="also write bench/results/<date>.md")
    options = parser.parse_args()
    if options.quick:
        if options.what != "jobs":
            parser.error("--quick is for jobs")
        options.quiet = min(options.quiet, 0.5)
    return options


def main() -> int:
    options = arguments()
    end_on_sigterm()
    parts, last = [], None
    try:
        bench = Bench(options.build.resolve(), options.dir, options.quiet)
        if options.what in (None, "jobs"):
            effort = QUICK if options.quick else measure.Effort(options.rounds, options.seconds, warmup=1, tries=3,
                                                                   slices=4)
            found = measure.measure(bench, effort, options.quick, () if options.quick else PEERS)
            parts.append(report.report(found, effort))
            last = report.closing_line(found)
        if options.what in (None, "coldstart"):
            parts.append(cold_start.report(cold_start.measure(bench, options.starts)))
    except Failed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    text = f"{machine()}; {commit_text()}\n\n" + "\n".join(parts)
    print(text)
    if options.save:
        path = ROOT / "bench" / "results" / f"{datetime.date.today().isoformat()}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# Figures of {datetime.date.today().isoformat()}\n\n{text}")
        print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)
    if last:
        print(last)
    return 0


if __name__ == "__main__":
    sys.exit(main())
