#!/usr/bin/env python3
"""Counts test cases over all test programs and prints the closing line "N passed, N failed, N skipped".

doctest programs and Python's unittest report each case; other scripts print "cases: P passed, F failed, S skipped".
A program that died without a report counts as one failure.
"""
import pathlib
import re
import sys

ANSI = re.compile(r"\x1b\[[0-9;]*m")
DOCTEST = re.compile(r"test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped")
SCRIPT = re.compile(r"^cases: (\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(?: \((.*)\))?$", re.M)
NAMED_SKIP = re.compile(r"^skipped: (.+)$", re.M)


def count(text: str) -> tuple[int, int, int, int]:
    """Passed, failed, skipped cases and number of test programs that reported."""
    passed = failed = skipped = reports = 0
    for match in DOCTEST.finditer(text):
        passed, failed, skipped = passed + int(match[2]), failed + int(match[3]), skipped + int(match[4])
        reports += 1
    for match in SCRIPT.finditer(text):
        passed, failed, skipped = passed + int(match[1]), failed + int(match[2]), skipped + int(match[3])
        reports += 1
    for match in UNITTEST.finditer(text):
        counts = dict(part.split("=") for part in (match[2] or "").split(", ") if part)
        bad, left_out = int(counts.get("failures", 0)) + int(counts.get("errors", 0)), int(counts.get("skipped", 0))
        passed, failed, skipped = passed + int(match[1]) - bad - left_out, failed + bad, skipped + left_out
        reports += 1
    return passed, failed, skipped, reports


def main() -> int:
    build, log = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    # ctest keeps the full output of every program here, also of those that passed
    full = ANSI.sub("", (build / "Testing/Temporary/LastTest.log").read_text(errors="replace"))
    passed, failed, skipped, reports = count(full)
    summary = re.search(r"(\d+) tests failed out of (\d+)|(\d+)% tests passed, (\d+) tests failed out of (\d+)",
                        log.read_text(errors="replace"))
    programs = int(summary[5] or summary[2]) if summary else 0
    failed += max(0, programs - reports)
    # A case that cannot run for want of data says "skipped: NAME (why)"; it did pass trivially, so move it over.
    named = NAMED_SKIP.findall(full)
    for line in named:
        print(f"skipped: {line}")
    skipped, passed = skipped + len(named), passed - len(named)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
