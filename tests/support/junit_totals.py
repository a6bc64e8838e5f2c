#!/usr/bin/env python3
"""Prints `passed failed` of a JUnit report, as ctest and pytest write it, and names what failed on standard error."""

import sys
import xml.etree.ElementTree as ElementTree


def totals(path: str) -> tuple[int, int, list[str]]:
    passed, failed = 0, []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname') or ''} {case.get('name')}".strip()
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
        elif case.find("skipped") is None and case.get("status") not in ("disabled", "notrun"):
            passed += 1
    return passed, len(failed), failed


def main() -> int:
    passed, failed, names = totals(sys.argv[1])
    for name in names:
        print(f"FAILED {name}", file=sys.stderr)
    print(passed, failed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
