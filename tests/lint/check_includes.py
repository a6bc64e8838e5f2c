#!/usr/bin/env python3
"""Holds the #include lines of src/ against the module graph and against the owners of third-party headers.

CMake's links say the same, but a header-only use or a transitive link gets past CMake."""

import re
import sys
from pathlib import Path

from files import ROOT, report, repository_files

# A module may include itself and these.
GRAPH = {
    "base": set(),
    "core": {"base"},
    "json": {"base"},
    "graphql": {"base", "json"},
    "net": {"base", "core"},
    "store": {"base", "core"},
    "launch": {"base", "core"},
    "host": {"base", "core"},
    "api": {"base", "core", "graphql", "json", "net"},
    "server": {"base", "core", "graphql", "json", "net", "store", "launch", "host", "api"},
    "cli": {"base", "json", "net", "host", "server"},
}

# Third-party header prefix -> where it may be included.
OWNERS = {
    "boost/json": "src/json/",
    "boost/asio": "src/net/",
    "boost/beast": "src/net/",
    "spdlog/": "src/base/log.cpp",
    "sqlite3.h": "src/store/",
    "sodium": "src/api/",
    "openssl/": "src/net/",
    "yaml-cpp/": "src/server/script.cpp",
}

# Third-party header prefix that is so heavy that one .cpp file of the project may include it.
ONE_FILE = ("CLI/", "toml++/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes_of(text: str) -> list[tuple[int, str, str]]:
    """(line number, delimiter, path) of every #include."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            found.append((number, match.group(1), match.group(2)))
    return found


def check_file(name: str, text: str) -> list[str]:
    """`name` is the path below the root, such as src/core/engine.h."""
    problems = []
    module = name.split("/")[1]
    for number, delimiter, path in includes_of(text):
        where = f"{name}:{number}"
        top = path.split("/")[0]
        if delimiter == '"':
            if path.startswith("."):
                problems.append(f'{where}: "{path}" is relative; includes are written from src')
            elif top not in GRAPH:
                problems.append(f'{where}: "{path}" is not below a module of src')
            elif top != module and top not in GRAPH.get(module, set()):
                allowed = ", ".join(sorted(GRAPH.get(module, set()))) or "nothing"
                problems.append(f'{where}: {module} may not include {top} ("{path}"); it may include {allowed}')
        for prefix, owner in OWNERS.items():
            if path.startswith(prefix) and not name.startswith(owner):
                problems.append(f"{where}: <{path}> belongs to {owner}")
        if path.startswith(ONE_FILE) and not name.endswith(".cpp"):
            problems.append(f"{where}: <{path}> may be included by one .cpp file only, not by a header")
    return problems


def check_single_users(files: dict[str, str]) -> list[str]:
    problems = []
    for prefix in ONE_FILE:
        users = [name for name, text in sorted(files.items()) if any(p.startswith(prefix) for _, _, p in includes_of(text))]
        if len(users) > 1:
            problems.append(f"<{prefix}...> is included by {', '.join(users)}; one .cpp file may")
    return problems


def check(files: dict[str, str]) -> list[str]:
    problems = [problem for name, text in sorted(files.items()) for problem in check_file(name, text)]
    return problems + check_single_users(files)


def main() -> int:
    paths: list[Path] = repository_files(".h", ".cpp")
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return report(check({name: path.read_text() for name, path in names.items() if name.startswith("src/")}), "includes")


if __name__ == "__main__":
    sys.exit(main())
