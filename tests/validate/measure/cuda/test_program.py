"""sparsesim-cuda and scripts/gpu_campaign on a machine without a GPU: arguments and plans are checked, then one line, exit 3."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
HEADER = "id,device,devices,op,m,n,k,dtype,pattern,sparsity,params,kernel\n"
CAMPAIGN = ROOT / "scripts/gpu_campaign"


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)


class NoGpu(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.results = self.folder / "results.csv"

    def plan(self, rows: str) -> pathlib.Path:
        path = self.folder / "plan.csv"
        path.write_text(HEADER + rows)
        return path

    def measure(self, plan: pathlib.Path) -> subprocess.CompletedProcess:
        return run(PROGRAM, "measure", "--plan", plan, "--out", self.results)

    def assert_no_gpu(self, done: subprocess.CompletedProcess) -> None:
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("no GPU", done.stderr)
        self.assertFalse(self.results.exists())

    def test_measure_says_it_in_one_line(self) -> None:
        self.assert_no_gpu(self.measure(ROOT / "validate/measure/suites/cuda-standard.csv"))

    def test_fingerprint_says_it_in_one_line(self) -> None:
        self.assert_no_gpu(run(PROGRAM, "fingerprint", "--out", self.results))

    def test_a_wrong_plan_is_reported_first(self) -> None:
        done = self.measure(self.plan("a,gpu,1,gemm,many,8,8,fp16,dense,,,\n"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("plan.csv:2", done.stderr)

    def test_wrong_arguments_are_reported_first(self) -> None:
        self.assertEqual(run(PROGRAM, "measure", "--plans", "x").returncode, 2)
        self.assertEqual(run(PROGRAM, "fingerprint").returncode, 2)

    def test_the_list_needs_no_gpu(self) -> None:
        done = run(PROGRAM, "list")
        self.assertEqual(done.returncode, 0)
        for kernel in ("cublaslt", "cusparse_csr", "cusparselt", "cublas_grouped", "tuned:tiled", "tuned:gather"):
            self.assertIn(kernel, done.stdout)

    def test_the_campaign_ends_at_once(self) -> None:
        out = self.folder / "campaign"
        done = run(CAMPAIGN, out)
        self.assertEqual(done.returncode, 3)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertFalse(out.exists())

    def test_the_campaign_checks_every_part_and_its_plan_is_right(self) -> None:
        rows = re.search(r"<<'ROWS'\n(.*?)ROWS\n", CAMPAIGN.read_text(), re.S).group(1)
        for op in ("gemm", "spmm", "grouped_gemm", "moe_ffn", "attention", "embedding_bag"):
            self.assertIn(f",{op},", rows)
        self.assert_no_gpu(self.measure(self.plan(rows)))


if __name__ == "__main__":
    if os.path.exists("/dev/nvidia0"):
        sys.exit(77)  # skipped: there is a GPU
    unittest.main(argv=sys.argv[:1])
