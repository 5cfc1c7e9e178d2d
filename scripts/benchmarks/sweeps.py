#!/usr/bin/env python3
"""Times sweeps as a user runs them: sweeps.py PROGRAM, JSON on the output.

Points per second of one thread for four layers; the same sweep on two threads and, where there is an mpirun and the program was built
for it, on two ranks (there with ten thousand points, too), one after the other in each round; ten thousand points on all processors; peak
memory of both sizes."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from models import time_command

ROUNDS = 3
OPS = {
    "dense product with a quarter of its outputs pruned": "{op: pruned_gemm, m: 64, n: 4096, k: 4096, kept_outputs: 3072",
    "2:4 weights": '{op: spmm, m: 64, n: 4096, k: 4096, dtype: fp16, pattern: "2:4"',
    "mixture of 64 experts": "{op: moe_ffn, tokens: 64, hidden: 2048, intermediate: 1408, experts: 64, top_k: 6, dtype: bf16",
    "CSR weights": "{op: spmm, m: 64, n: 9216, k: 9216, dtype: fp16, pattern: unstructured, format: csr, sparsity: 0.8",
}
CSR = "CSR weights"
ROWS = "workload.ops.layer.m=1,2,4,8,16,32,64,128,256,512"
SMALL = (ROWS, "workload.ops.layer.sparsity=0.505:0.995:0.005")  # 990 points
LARGE = (ROWS, "workload.ops.layer.sparsity=0.0005:0.9995:0.001")  # 10,000 points


class Sweeps:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, layer, vary, threads, ranks=1):
        """Wall seconds, processor seconds and peak MB; each run starts without results."""
        workload, out = (os.path.join(self.folder, name) for name in ("layer.yaml", "out.sqlite"))
        with open(workload, "w", encoding="utf-8") as file:
            file.write(f"name: layer\ntitle: one layer\nops:\n  - {OPS[layer]}, name: layer}}\n")
        if os.path.exists(out):
            os.remove(out)
        command = [self.program, "sweep", "--substrate", "a100", "--workload", workload, "--out", out, "--quiet"]
        for axis in vary:
            command += ["--vary", axis]
        if threads:
            command += ["--threads", str(threads)]
        if ranks > 1:
            command = ["mpirun", "--oversubscribe", "-np", str(ranks)] + command
        wall, processor, peak, text = time_command(command)
        return {"wall": wall, "processor": processor, "peak_mb": peak, "points": int(text.split(b": ")[1].split()[0])}

    def has_ranks(self):
        if not shutil.which("mpirun"):
            return False
        probe = ["mpirun", "--oversubscribe", "-np", "2", self.program, "sweep", "--substrate", "a100", "--workload", "pruned-2to4", "--quiet",
                 "--vary", "workload.seed=1", "--out", os.path.join(self.folder, "probe.sqlite")]
        return subprocess.run(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def main():
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    with tempfile.TemporaryDirectory() as folder:
        sweeps = Sweeps(os.path.abspath(sys.argv[1]), folder)
        single = {}
        for layer in OPS:
            axis = "workload.ops.layer.tokens=64:3200:64" if "experts" in OPS[layer] else "workload.ops.layer.m=32:3200:32"
            single[layer] = [sweeps.run(layer, SMALL if layer == CSR else (axis,), 1) for _ in range(ROUNDS)]
        ranks = 2 if sweeps.has_ranks() else 1
        pairs = []
        for _ in range(ROUNDS):
            pair = {"one": sweeps.run(CSR, SMALL, 1), "threads": sweeps.run(CSR, SMALL, 2)}
            if ranks > 1:
                pair["ranks"] = sweeps.run(CSR, SMALL, 1, ranks)
                pair["one, large"], pair["ranks, large"] = sweeps.run(CSR, LARGE, 1), sweeps.run(CSR, LARGE, 1, ranks)
            pairs.append(pair)
        json.dump({"single": single, "pairs": pairs, "large": sweeps.run(CSR, LARGE, 0)}, sys.stdout, indent=1)


if __name__ == "__main__":
    sys.exit(main())
