"""What the lints look at: the files of this repository, tracked or about to be."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def repository_files(*suffixes: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.splitlines()
    files = [ROOT / name for name in listed if not suffixes or name.endswith(suffixes)]
    return [path for path in files if path.is_file()]


def report(problems: list[str], what: str) -> int:
    """Prints the problems and returns the exit status."""
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem{'s' if len(problems) != 1 else ''}")
    return 1 if problems else 0
