#!/usr/bin/env python3
"""Length of source files, and traces of the machine that they were written on."""

import re
import sys

from files import ROOT, report, repository_files

LINES_MAX = 600
SOURCES = (".h", ".cpp", ".py", ".mjs", ".cmake")

# Split so that this file does not find itself.
TRACES = {
    "a path of one machine": re.compile("/" + r"(work/(main|shared)|home/[a-z]+/|root/)"),
    "a host of a package registry": re.compile("(registry" + r"\.npmjs\.org|pypi" + r"\.org/simple|deb\.debian" + r"\.org)"),
}


def check_length(name: str, text: str) -> list[str]:
    lines = text.count("\n")
    return [f"{name}: {lines} lines; {LINES_MAX} is the most"] if lines > LINES_MAX else []


def check_traces(name: str, text: str) -> list[str]:
    return [f"{name}:{number}: {what}: {line.strip()[:100]}" for number, line in enumerate(text.splitlines(), 1)
            for what, pattern in TRACES.items() if pattern.search(line)]


def main() -> int:
    problems = []
    for path in sorted(repository_files()):
        name = path.relative_to(ROOT).as_posix()
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # a picture, or bytes of a fuzz corpus
        if name.endswith(SOURCES) or name == "dev":
            problems += check_length(name, text)
        problems += check_traces(name, text)
    return report(problems, "files")


if __name__ == "__main__":
    sys.exit(main())
