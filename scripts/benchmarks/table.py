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
    ("hold/exp/10000", "wheel_portable", "wheel", 0.7, 0.7),
    ("hold/exp/10000", "wheel", "simgrid_timers", 20, 30),
    ("hold/exp/10000", "wheel", "simgrid_actors", 100, 165),
    ("network/W/4", "wheel_analytic", "function_per_hop", 10, 20),
    ("network/W/32", "wheel_analytic", "function_per_hop", 10, 20),
    ("network/W/4", "wheel_analytic", "simgrid_actors", 50, 90),
    ("network/W/32", "wheel_analytic", "simgrid_actors", 50, 175),
]
NAMES = {
    "ring": "no order (floor)", "wheel": "**batch wheel**", "wheel_portable": "batch wheel, no vector code", "function": "`priority_queue<function>`",
    "pod": "binary heap of values", "simgrid_timers": "SimGrid timers", "simgrid_actors": "SimGrid actors",
    "function_per_hop": "closures, event per hop", "pod_per_hop": "reference kernel, event per hop",
    "wheel_per_hop": "batch wheel, event per hop", "pod_analytic": "reference kernel, analytic servers",
    "wheel_analytic": "**batch wheel, analytic servers**",
}


def read_rounds(folder, name="round"):
    """[{cell: {engine: ns}}] per round, and the failures."""
    rounds, failed = [], []
    for path in sorted(glob.glob(os.path.join(folder, f"{name}-*.json"))):
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


def print_load(folder):
    """How busy the machine was otherwise: the benchmark itself is a load of 1."""
    loads = []
    for path in glob.glob(os.path.join(folder, "round-*.json")):
        with open(path, encoding="utf-8") as file:
            loads.append(json.load(file)["context"]["load_avg"][0])
    print(f"Load average at the start of the rounds: {min(loads):.2g} to {max(loads):.2g} on {os.cpu_count()} cores. Much above 1, other programs take")
    print("caches and cores: ratios of processor time bear it, wall times and the scaling over threads do not.\n")


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


def spread(values, digits=3):
    return f"{statistics.median(values):.{digits}g} ({min(values):.{digits}g} to {max(values):.{digits}g})"


def single_table(rounds, threads):
    """What is no ratio between engines."""
    print("## Single figures\n")
    print("| what | median (least to most) | good | great |")
    print("|---|---|---|---|")
    rate = [1e3 / r["hold/exp/10000"]["wheel"] for r in rounds]
    print(f"| hold/exp/10000, million events per second of one core | {spread(rate)} | 40 | 70 |")
    rate = [1e3 / r["hold/ticks/10000"]["wheel"] for r in rounds]
    print(f"| hold/ticks/10000, the same | {spread(rate)} | 80 | 130 |")
    for width in ("4", "32"):
        rate = [1e3 / r[f"network/W/{width}"]["wheel_analytic"] for r in rounds]
        print(f"| network, W = {width}, million requests per second of one core | {spread(rate)} | 12 | 22 |")
    scaling = [2 * r["threads/hold"]["1"] / r["threads/hold"]["2"] for r in threads]
    print(f"| two simulations on two threads, against one after the other | {spread(scaling)} | 1.7 | 1.9 |")
    print(f"| a simulation made, one event handled, destroyed, us | {spread([r['construction/1']['simulation'] / 1e3 for r in rounds])} | | |")
    for devices in (16, 64, 256):
        times = [r[f"exchange/{devices}"]["all_to_all"] / 1e6 for r in rounds]
        print(f"| all-to-all of 1 MiB per pair, {devices} devices on one switch, ms | {spread(times)} | {50 if devices == 256 else ''} | |")
    print()


MODEL_TARGETS = {"moe64": "at most 0.3 s and 200 MB", "gemm/4096 x 4096 x 4096": "at most 0.01 s"}


def model_table(folder):
    """Whole commands: cost should grow no faster than what is simulated."""
    with open(os.path.join(folder, "models.json"), encoding="utf-8") as file:
        rows = json.load(file)
    print("## Whole commands\n")
    print("`sparsesim run` on an A100 (`gemm`), a node of eight (`moe64`, the shipped workload) and switches of more (`moe`: 8192 tokens and")
    print("1,024 small experts spread over the devices): start, reading the machine, dense twin, where the speedup went and its interval")
    print("included; `start` reads the files of moe64 and stops. Wall time, as a user waits; tiles and messages are those of the two")
    print("reported runs, the terms of the loss and the interval simulate more. The peak is at least that of the script that starts the")
    print("command, about 15 MB.\n")
    print("| case | tiles | messages | wall s (least to most) | processor s | peak MB | us of processor per tile or message | target |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        work = row.get("tasks", 0) + row.get("messages", 0)
        each = f"{1e6 * row['processor'] / work:.3g}" if work else ""
        counts = f"{row['tasks']:,.0f} | {row['messages']:,.0f}" if work else " | "
        print(f"| {row['name'].replace('/', ', ')} | {counts} | {row['wall']:.3g} ({row['least']:.3g} to {row['most']:.3g}) | "
              f"{row['processor']:.3g} | {row['peak_mb']:.0f} | {each} | {MODEL_TARGETS.get(row['name'], '')} |")
    if all(row["name"] != "validate" for row in rows):
        print("\nValidation against measured rows: skipped, SPARSESIM_MEASURED names no folder.")
    print()


def sweep_table(folder):
    """Sweeps: points per second, what a second thread and a second rank bring, a large one."""
    with open(os.path.join(folder, "sweeps.json"), encoding="utf-8") as file:
        sweeps = json.load(file)
    large, pairs = sweeps["large"], sweeps["pairs"]
    print("## Sweeps\n")
    print("`sparsesim sweep` on an A100, start included, every point another simulation of a layer and its dense twin.\n")
    print("| what | median (least to most) | target |")
    print("|---|---|---|")
    for layer, runs in sweeps["single"].items():
        print(f"| points per second of one thread, {layer} | {spread([r['points'] / r['wall'] for r in runs])} | |")
    for one, way, name in (("one", "threads", "two threads"), ("one", "ranks", "two ranks"), ("one, large", "ranks, large", "two ranks")):
        if way in pairs[0]:
            ratios = [p[one]["wall"] / p[way]["wall"] for p in pairs]
            print(f"| {name} against one, {pairs[0][way]['points']:,} points of CSR weights | {spread(ratios)} | 1.9 |")
        else:
            print(f"| {name} against one | skipped: built without MPI, or no mpirun | 1.9 |")
    print(f"| {large['points']:,} points of CSR weights on all processors, s | {large['wall']:.3g} | 60 |")
    print(f"| peak MB of {pairs[0]['threads']['points']:,} and of {large['points']:,} points | "
          f"{pairs[0]['threads']['peak_mb']:.0f} and {large['peak_mb']:.0f} | flat |")
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
    threads, _ = read_rounds(folder, "threads")
    kept = drop_unsteady(rounds)
    print("# Performance\n")
    print("Written by `scripts/bench`; do not edit. Ratios are the message, absolute times belong to one machine: "
          f"{processor()}, {os.cpu_count()} cores.\n")
    print(f"{len(rounds)} interleaved rounds after a warm-up, pinned to one core; per hold cell, rounds whose no-order probe was more")
    print("than 15 % above the fastest are left out while three remain. Every ordered cell popped the same order as the")
    print("reference kernel in every round.\n" if not failed else "reference kernel, except:\n")
    for line in failed:
        print(f"- FAILED {line}")
    print_load(folder)
    if not any("simgrid_timers" in engines for r in rounds for engines in r.values()):
        print("SimGrid: skipped, not installed.\n")
    target_table(kept)
    hold_table(kept)
    network_table(kept)
    single_table(rounds, threads)
    model_table(folder)
    sweep_table(folder)
    count_table(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
