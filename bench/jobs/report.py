"""Tables and the closing line of JSON of what measure.py found."""

import json
import statistics
from dataclasses import dataclass

from jobs.measure import COMMIT_BATCHES, LOOP, OURS, POINTS, YARDSTICK, Effort, Found, Point


@dataclass(frozen=True)
class Row:
    """A line of the comparison. `better`: jobs/s compares by throughput, p50 by latency: with one job in flight the
    two say the same, and latency is what a user feels."""
    name: str
    point: Point
    better: str  # "jobs/s" or "p50"
    latency: str = "job_ms"


ROWS = (Row("runsync 64/64", Point("runsync", 64, 64), "jobs/s"),
        Row("runsync 64/16", Point("runsync", 64, 16), "jobs/s"),
        Row("runsync 1/1", Point("runsync", 1, 1), "p50"),
        Row("run then status 64/64", Point("run", 64, 64), "jobs/s"),
        Row("submit acknowledged, 1 in flight", Point("run", 1, 1), "p50", "ack_ms"))


def value(row: Row, figures: dict) -> float:
    return figures["jobs_per_s"] if row.better == "jobs/s" else figures[row.latency]["p50"]


def ratio(row: Row, ours: list[dict], theirs: list[dict]) -> float:
    """Median over the rounds: only what was measured in the same round is compared, slice by slice where both have
    slices."""
    def of_round(number: int, runs: list[dict]) -> float:
        return statistics.median(value(row, one) for one in runs[number * len(runs) // rounds:
                                                                 (number + 1) * len(runs) // rounds])
    rounds = min(len(ours), len(theirs))
    return statistics.median(of_round(number, ours) / of_round(number, theirs) for number in range(rounds))


def best_peer(row: Row, found: Found):
    """(name, runs) of the best of the peers that are as durable as ours; nothing when none was measured."""
    runs = {peer.name: found.load.get((peer.point_for(row.point), peer.name)) for peer in found.peers if peer.synced}
    measured = {name: some for name, some in runs.items() if some}
    if not measured:
        return None
    choose = max if row.better == "jobs/s" else min
    name = choose(measured, key=lambda one: statistics.median(value(row, figures) for figures in measured[one]))
    return name, measured[name]


def median(runs: list[dict], *path: str) -> float:
    values = runs
    for name in path:
        values = [one[name] for one in values]
    return statistics.median(values)


def summary(found: Found) -> dict:
    """One object a row. `of_...` compares what `by` names: jobs a second (more is better), or the p50 (less is)."""
    out = {}
    for row in ROWS:
        ours = found.load[row.point, OURS]
        best = best_peer(row, found)
        out[row.name] = {
            "jobs_per_s": round(median(ours, "jobs_per_s")), "p50_ms": round(median(ours, row.latency, "p50"), 3),
            "p99_ms": round(median(ours, row.latency, "p99"), 3), "by": row.better,
            "of_yardstick": round(ratio(row, ours, found.load[row.point, YARDSTICK]), 2),
            "of_best_peer": round(ratio(row, ours, best[1]), 2) if best else None}
    return out


# ---- tables


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def header(*cells: str) -> list[str]:
    return [line(*cells), "|" + "---|" * len(cells)]


def rate(runs: list[dict]) -> str:
    values = [run["jobs_per_s"] for run in runs]
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}..{max(values):,.0f})"


def ms(runs: list[dict], name: str) -> str:
    return f"{median(runs, name, 'p50'):.2f} / {median(runs, name, 'p99'):.2f}"


def comparison(found: Found) -> list[str]:
    lines = header("load, clients/workers", "compared by", "penstock", "yardstick", "of the yardstick", "best peer",
                   "of the best peer")
    for row in ROWS:
        def cell(runs: list[dict]) -> str:
            middle = statistics.median(value(row, figures) for figures in runs)
            return f"{middle:,.0f}/s" if row.better == "jobs/s" else f"{middle:.3f} ms"
        ours, bare, best = found.load[row.point, OURS], found.load[row.point, YARDSTICK], best_peer(row, found)
        lines.append(line(row.name, row.better, cell(ours), cell(bare), f"{ratio(row, ours, bare):.2f}",
                          f"{best[0]}: {cell(best[1])}" if best else "not measured",
                          f"{ratio(row, ours, best[1]):.2f}" if best else ""))
    return lines


def load_rows(found: Found) -> list[str]:
    loses = {peer.name: peer.loses for peer in found.peers}
    lines = header("load", "system", "a crash loses", "jobs/s", "whole job p50 / p99 ms", "acknowledged p50 / p99 ms",
                   "server us/job", "load us/job", "others, cores")
    for point in POINTS:
        for (one, system), runs in found.load.items():
            if one != point:
                continue
            acknowledged = ms(runs, "ack_ms") if median(runs, "ack_ms", "p50") > 0 else ""
            lines.append(line(str(point), system, loses.get(system, "everything" if system == LOOP else "nothing"),
                              rate(runs), ms(runs, "job_ms"), acknowledged,
                              f"{median(runs, 'server_cpu_us_per_job'):.0f}",
                              f"{median(runs, 'load_cpu_us_per_job'):.0f}", f"{median(runs, 'others'):.2f}"))
    return lines


def commit_rows(found: Found) -> list[str]:
    lines = header("group commit alone: records a commit", "records/s", "commit p50 / p99 ms", "CPU us/record",
                   "others, cores")
    for batch in COMMIT_BATCHES:
        runs = found.commit[batch]
        lines.append(line(str(batch), rate(runs), ms(runs, "commit_ms"), f"{median(runs, 'load_cpu_us_per_job'):.1f}",
                          f"{median(runs, 'others'):.2f}"))
    return lines


def report(found: Found, effort: Effort) -> str:
    lines = [f"### Jobs: rounds of {effort.seconds:g} s: {effort.rounds}; ours and the yardstick in turn, in slices of "
             f"{effort.seconds / effort.slices:g} s; medians (range); 1 KiB in and out", ""]
    lines += comparison(found) + ["", *load_rows(found)]
    if found.commit:
        lines += ["", *commit_rows(found)]
    return "\n".join([*lines, ""])


def closing_line(found: Found) -> str:
    return json.dumps(summary(found))
