#!/usr/bin/env python3
"""Times whole `sparsesim` commands, as a user runs them: models.py PROGRAM SUBSTRATES WORKLOADS, JSON on the output.

Each case is run once to warm up, then several times; all threads of a command count. The folder of
measured rows is read from the environment variable SPARSESIM_MEASURED; without it the case of validation is left out."""
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REPEATS = 5
GEMM = "name: gemm\ntitle: one dense product\nseed: 1\nops:\n  - {{name: gemm, op: gemm, m: {}, n: {}, k: {}, dtype: bf16}}\n"
# The same work on more and more devices: 8192 tokens, 1024 experts of a sixteenth of the usual size.
MOE = ("name: moe\ntitle: 1024 small experts\nseed: 1\nops:\n  - {{name: ffn, op: moe_ffn, tokens: 8192, hidden: 1024, intermediate: 512, "
       "experts: 1024, top_k: 2, gated: true, dtype: bf16, routing: \"zipf:0.8\", devices: {}}}\n")


def time_command(command):
    """Wall seconds, processor seconds, peak MB of one run, and what it printed."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed")
        out.seek(0)
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, out.read()


def measure(command, repeats=REPEATS):
    runs = [time_command(command) for _ in range(repeats + 1)][1:]
    walls = [wall for wall, _, _, _ in runs]
    return {"wall": statistics.median(walls), "least": min(walls), "most": max(walls),
            "processor": statistics.median(run[1] for run in runs), "peak_mb": max(run[2] for run in runs)}, runs[0][3]


def node_of(substrates, devices, folder):
    """A copy of the shipped machines whose A100 node has so many devices on its switch."""
    copy = os.path.join(folder, f"substrates-{devices}")
    shutil.copytree(substrates, copy)
    for name in ("fabrics/hgx-a100.yaml", "a100-sxm4-80gb-x8.yaml"):
        path = os.path.join(copy, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if "\ndevices: 8\n" not in text:
            raise RuntimeError(f"{name} has no line \"devices: 8\"")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("\ndevices: 8\n", f"\ndevices: {devices}\n"))
    return os.path.join(copy, "a100-sxm4-80gb-x8.yaml")


def measure_run(program, folder, name, machine, workload, repeats=REPEATS):
    path = os.path.join(folder, "workload.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(workload)
    case, text = measure([program, "run", "--substrate", machine, "--workload", path, "--format", "json", "--quiet"], repeats)
    counters = json.loads(text)["counters"].values()
    return {"name": name, "tasks": sum(c["tasks"] for c in counters), "messages": sum(c["messages"] for c in counters), **case}


def main():
    program, substrates, workloads = sys.argv[1:4]
    one, node = (os.path.join(substrates, name) for name in ("a100-sxm4-80gb.yaml", "a100-sxm4-80gb-x8.yaml"))
    moe64 = os.path.join(workloads, "moe64.yaml")
    rows = [{"name": "start", **measure([program, "run", "--substrate", node, "--workload", moe64, "--dump-config"])[0]}]
    with tempfile.TemporaryDirectory() as folder:
        with open(moe64, encoding="utf-8") as file:
            rows.append(measure_run(program, folder, "moe64", node, file.read()))
        for m, n, k in ((4096, 4096, 4096), (8192, 4096, 4096), (4096, 8192, 4096), (4096, 4096, 8192), (8192, 8192, 8192)):
            rows.append(measure_run(program, folder, f"gemm/{m} x {n} x {k}", one, GEMM.format(m, n, k)))
        for devices in (8, 64, 256, 1024):
            machine = node_of(substrates, devices, folder)
            rows.append(measure_run(program, folder, f"moe/{devices} devices", machine, MOE.format(devices), REPEATS if devices < 256 else 2))
    measured = os.environ.get("SPARSESIM_MEASURED")
    if measured:
        files = sorted(glob.glob(os.path.join(measured, "*.csv")))
        rows.append({"name": "validate", **measure([program, "validate", "--quiet", "--measurements", *files], 1)[0]})
    json.dump(rows, sys.stdout, indent=1)


if __name__ == "__main__":
    sys.exit(main())
