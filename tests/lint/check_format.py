#!/usr/bin/env python3
"""C++ layout: what clang-format makes of .clang-format, nothing else."""

import subprocess
import sys

from files import ROOT, report, repository_files

FORMATTER = "clang-format-19"


def check(paths: list[str]) -> list[str]:
    if not paths:
        return []
    done = subprocess.run([FORMATTER, "--dry-run", "-Werror", "--style=file", *paths], cwd=ROOT, capture_output=True,
                          text=True)
    return sorted({line.split(":")[0] + ": not in the project's format"
                   for line in done.stderr.splitlines() if ": error" in line})


def main() -> int:
    names = [path.relative_to(ROOT).as_posix() for path in repository_files(".h", ".cpp")]
    return report(check([name for name in names if name.startswith(("src/", "tests/", "bench/"))]), "format")


if __name__ == "__main__":
    sys.exit(main())
