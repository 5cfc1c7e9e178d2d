#!/usr/bin/env python3
"""Turns the rounds of scripts/bench into Markdown: medians, and ratios formed within rounds with their range."""
import glob
import json
import os
import platform
import statistics
import sys

# Targets as (factor for "good", factor for "great").
TARGETS = [
    ("hold/exp/100", "wheel", "function", 5, 8),
    ("hold/exp/10000", "wheel", "function", 8, 13),
    ("hold/exp/1000000", "wheel", "function", 10, 20),
    ("hold/exp/10000", "wheel", "pod", 4, 7),
    ("hold/exp/10000", "wheel", "simgrid_timers", 20, 30),
    ("hold/exp/10000", "wheel", "simgrid_actors", 100, 165),
    ("network/W/4", "wheel_analytic", "function_per_hop", 10, 20),
    ("network/W/32", "wheel_analytic", "function_per_hop", 10, 20),
    ("network/W/4", "windows_analytic", "function_per_hop", 10, 30),
    ("network/W/32", "windows_analytic", "function_per_hop", 10, 30),
    ("network/W/4", "wheel_analytic", "simgrid_actors", 50, 90),
    ("network/W/32", "wheel_analytic", "simgrid_actors", 50, 175),
]
NAMES = {
    "ring": "no order (floor)", "wheel": "**batch wheel**", "function": "`priority_queue<function>`",
    "pod": "binary heap of values", "simgrid_timers": "SimGrid timers", "simgrid_actors": "SimGrid actors",
    "function_per_hop": "closures, event per hop", "pod_per_hop": "reference kernel, event per hop",
    "wheel_per_hop": "batch wheel, event per hop", "pod_analytic": "reference kernel, analytic servers",
    "wheel_analytic": "**batch wheel, analytic servers**", "windows_analytic": "**lookahead windows, analytic servers**",
}


def read_rounds(folder):
    """[{cell: {engine: ns}}] per round, and the failures."""
    rounds, failed = [], []
    for path in sorted(glob.glob(os.path.join(folder, "round-*.json"))):
        cells = {}
        with open(path, encoding="utf-8") as file:
            for row in json.load(file)["benchmarks"]:
                cell, engine = row["name"].split("/iterations:")[0].rsplit("/", 1)
                if row.get("error_occurred"):
                    failed.append(f"{cell}/{engine}: {row['error_message']}")
                else:
                    cells.setdefault(cell, {})[engine] = row["ns"]
        rounds.append(cells)
    return rounds, sorted(set(failed))


def drop_unsteady(rounds):
    """Per cell, keeps the rounds whose no-order probe lies within 15 % of the fastest; the network has no probe of its own."""
    kept = {}
    for cell in rounds[0]:
        probes = [r[cell].get("ring") for r in rounds]
        if None in probes:
            kept[cell] = rounds
        else:
            steady = [r for r, probe in zip(rounds, probes) if probe <= 1.15 * min(probes)]
            kept[cell] = steady if len(steady) >= 3 else rounds
    return kept


def ratios(rounds, cell, engine, other):
    return [r[cell][other] / r[cell][engine] for r in rounds if engine in r[cell] and other in r[cell]]


def hold_table(kept):
    print("## Hold model\n")
    print("Nanoseconds of processor time per pop and push, handler included: median of the rounds; in brackets how many times")
    print("longer than the batch wheel takes (median of the ratios within rounds, least to most).\n")
    cells = [c for c in kept if c.startswith("hold/")]
    engines = [e for e in NAMES if any(e in r[c] for c in cells for r in kept[c])]
    print("| pending, increments | " + " | ".join(NAMES[e] for e in engines) + " |")
    print("|---|" + "---|" * len(engines))
    for cell in cells:
        _, increments, pending = cell.split("/")
        row = [f"{int(pending):,}, {increments}"] + [entry(kept[cell], cell, e, "wheel") for e in engines]
        print("| " + " | ".join(row) + " |")
    print()


def entry(rounds, cell, engine, base):
    values = [r[cell][engine] for r in rounds if engine in r[cell]]
    if not values:
        return ""
    text = f"{statistics.median(values):.3g}" if statistics.median(values) < 1000 else f"{statistics.median(values):.0f}"
    if engine in (base, "ring"):
        return text
    factors = ratios(rounds, cell, base, engine)
    return text + f" ({statistics.median(factors):.3g}; {min(factors):.3g} to {max(factors):.3g})" if factors else text


def network_table(kept):
    print("## Accelerator network\n")
    print("132 SMs with W requests each, 80 L2 banks, 40 HBM channels, FIFO service, ties by (time, id). Nanoseconds of processor")
    print("time per request; in brackets how many times longer than the batch wheel with analytic servers takes.\n")
    cells = [c for c in kept if c.startswith("network/")]
    engines = [e for e in NAMES if any(e in r[c] for c in cells for r in kept[c])]
    print("| variant | " + " | ".join("W = " + c.split("/")[-1] for c in cells) + " |")
    print("|---|" + "---|" * len(cells))
    for engine in engines:
        row = [NAMES[engine]] + [entry(kept[c], c, engine, "wheel_analytic") for c in cells]
        print("| " + " | ".join(row) + " |")
    print("\nAll variants but SimGrid's give every request the same times to the picosecond (hash compared in each round).\n")


def target_table(kept):
    print("## Targets\n")
    print("| cell | ours against | factor (least to most) | good | great | reached |")
    print("|---|---|---|---|---|---|")
    for cell, engine, other, good, great in TARGETS:
        factors = ratios(kept.get(cell, []), cell, engine, other)
        if not factors:
            continue
        median = statistics.median(factors)
        reached = "great" if median >= great else "good" if median >= good else "**no**"
        print(f"| {cell}, {NAMES[engine]} | {NAMES[other]} | {median:.3g} ({min(factors):.3g} to {max(factors):.3g}) "
              f"| {good} | {great} | {reached} |")
    print()


def count_table(folder):
    path = os.path.join(folder, "counts.txt")
    lines = open(path, encoding="utf-8").read().split("\n") if os.path.exists(path) else []
    rows = [line.split() for line in lines if line]
    if not rows:
        print("Instruction counts: skipped, valgrind is not installed or not asked for.\n")
        return
    print("## Instructions per hold\n")
    print("callgrind on an x86-64-v3 build, `exp` increments, difference of two run lengths; the same digits on every machine")
    print("with the same compiler. Targets for the wheel: at most 195 and 250 instructions with at most 0.8 mispredicts.\n")
    print("| engine | pending | instructions | simulated mispredicts |")
    print("|---|---|---|---|")
    for engine, pending, holds, i0, m0, i1, m1 in rows:
        print(f"| {NAMES[engine]} | {int(pending):,} | {(int(i1) - int(i0)) / int(holds):.1f} | "
              f"{(int(m1) - int(m0)) / int(holds):.2f} |")
    print()


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def main():
    folder = sys.argv[1]
    rounds, failed = read_rounds(folder)
    kept = drop_unsteady(rounds)
    print("# Performance of the event engine\n")
    print("Written by `scripts/bench`; do not edit. Ratios are the message, absolute times belong to one machine: "
          f"{processor()}, {os.cpu_count()} cores.\n")
    print(f"{len(rounds)} interleaved rounds after a warm-up, pinned to one core; per hold cell, rounds whose no-order probe was more")
    print("than 15 % above the fastest are left out while three remain. Every ordered cell popped the same order as the")
    print("reference kernel in every round.\n" if not failed else "reference kernel, except:\n")
    for line in failed:
        print(f"- FAILED {line}")
    if not any("simgrid_timers" in engines for r in rounds for engines in r.values()):
        print("SimGrid: skipped, not installed.\n")
    target_table(kept)
    hold_table(kept)
    network_table(kept)
    count_table(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
