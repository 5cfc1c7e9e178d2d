#!/usr/bin/env python3
"""Prints how well measured rows repeat, family by family: what no prediction can beat.

Usage: scripts/noise_floor.py RESULTS.csv...

The spread of a row is the largest p10 of its visits over the smallest, less one, in percent (`visit_spread` in the column
`note`, docs/measuring.md).
"""
import csv
import statistics
import sys


def notes(row):
    return dict(pair.split("=", 1) for pair in row["note"].split(";") if "=" in pair)


def main(paths):
    families = {}
    for path in paths:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                note = notes(row)
                if "visit_spread" in note:
                    families.setdefault((row["op"], row["pattern"]), []).append(note)
    print(f"{'op':14} {'pattern':14} {'rows':>5} {'spread median':>14} {'p90':>8} {'disturbed':>10}")
    for (op, pattern), rows in sorted(families.items()):
        spreads = sorted(100 * (float(note["visit_spread"]) - 1) for note in rows)
        p90 = spreads[round(0.9 * (len(spreads) - 1))]
        disturbed = sum(note["disturbed"] == "yes" for note in rows)
        print(f"{op:14} {pattern:14} {len(rows):5} {statistics.median(spreads):12.1f} % {p90:6.1f} % {disturbed:10}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
