"""A table of jobs and workers that is redrawn in place on a terminal, and one line per change elsewhere."""

import sys

COLOURS = {"IN_QUEUE": "\033[33m", "IN_PROGRESS": "\033[36m", "COMPLETED": "\033[32m", "FAILED": "\033[31m"}
PLAIN = "\033[0m"


def note(job: dict) -> str:
    """What is worth a word about this job."""
    output = job.get("output")
    if job.get("error"):
        return job["error"].splitlines()[0][:40]
    if isinstance(output, dict) and "percent" in output:
        return f"{output['percent']} %"
    if isinstance(output, list):
        return str(output[-1] if output else "")[:40]
    return ""


class LiveTable:
    def __init__(self):
        self.is_terminal = sys.stdout.isatty()
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
        lines = [f"    workers: {self._workers(health)}"]
        for job, kind in kinds.items():
            state = jobs[job]
            status = f"{COLOURS.get(state['status'], '')}{state['status']:<12}{PLAIN}"
            lines.append(f"    {job[:8]}  {kind:<9} {status} {state.get('workerId', ''):<16} "
                         f"{'retried ' if state.get('retries') else ''}{note(state)}")
        up = f"\033[{self.height}A" if self.height else ""
        sys.stdout.write(up + "".join(f"\033[2K{line}\n" for line in lines))
        sys.stdout.flush()
        self.height = len(lines)
