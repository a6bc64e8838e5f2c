"""A table of jobs and workers that is redrawn in place on a terminal, and one line per change elsewhere."""

import json
import shutil
import sys

COLOURS = {"IN_QUEUE": "\033[33m", "IN_PROGRESS": "\033[36m", "COMPLETED": "\033[32m", "FAILED": "\033[31m"}
PLAIN = "\033[0m"
ROWS_MIN = 24  # with fewer, the table does not fit and cannot be redrawn in place


def note(job: dict) -> str:
    """What is worth a word about this job."""
    output = job.get("output")
    if job.get("error"):
        return job["error"].splitlines()[0]
    if isinstance(output, dict) and "percent" in output:
        return f"{output['percent']} %"
    last = output[-1] if isinstance(output, list) and output else output
    if isinstance(last, dict):
        last = {name: value for name, value in last.items() if name != "worker"}  # it has a column of its own
    return json.dumps(last) if last else ""


class LiveTable:
    def __init__(self):
        self.is_terminal = sys.stdout.isatty() and shutil.get_terminal_size().lines >= ROWS_MIN
        self.restart()

    def restart(self) -> None:
        """The next drawing starts below what is there."""
        self.height = 0
        self.last_line = ""

    def draw(self, kinds: dict[str, str], jobs: dict[str, dict], health: dict) -> None:
        if self.is_terminal:
            self._redraw(kinds, jobs, health)
        else:
            self._append(kinds, jobs, health)

    def _append(self, kinds: dict, jobs: dict, health: dict) -> None:
        counts: dict[str, int] = {}
        for job in kinds:
            status = jobs[job]["status"]
            counts[status] = counts.get(status, 0) + 1
        parts = [f"{status} {counts[status]}" for status in (*COLOURS, "TIMED_OUT", "CANCELLED") if status in counts]
        line = f"    jobs: {', '.join(parts) or 'none'}; workers: {self._workers(health)}"
        if line != self.last_line:
            print(line, flush=True)
            self.last_line = line

    @staticmethod
    def _workers(health: dict) -> str:
        workers = health["workers"]
        return ", ".join(f"{workers[name]} {name}" for name in ("initializing", "idle", "running", "throttled", "unhealthy")
                         if workers[name]) or "none"

    def _redraw(self, kinds: dict, jobs: dict, health: dict) -> None:
        width = shutil.get_terminal_size().columns - 1  # a line that wraps would be two
        lines = [f"    workers: {self._workers(health)}"[:width]]
        for job, kind in kinds.items():
            state = jobs[job]
            status = f"{state['status']:<12}"
            line = (f"    {job[:8]}  {kind:<9} {status} {state.get('workerId', ''):<16} "
                    f"{'retried ' if state.get('retries') else ''}{note(state)}")[:width]
            lines.append(line.replace(status, f"{COLOURS.get(state['status'], '')}{status}{PLAIN}", 1))
        up = f"\033[{self.height}A" if self.height else ""
        sys.stdout.write(up + "".join(f"\033[2K{line}\n" for line in lines))
        sys.stdout.flush()
        self.height = len(lines)
