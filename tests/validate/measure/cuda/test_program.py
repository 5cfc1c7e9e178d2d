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


class CampaignScript(unittest.TestCase):
    """The script with stand-ins for the driver's tool, CMake and the program: each row takes its visits in microseconds."""

    def tool(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text("#!/usr/bin/env bash\n" + text)
        path.chmod(0o755)

    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.out = self.folder / "out"
        self.tool("nvidia-smi", 'case "$*" in -L) echo "GPU 0: none";; *compute_cap*) echo 9.0;; *) echo table;; esac\n')
        self.tool("cmake", f"""
[ "$1" = --build ] || {{ echo "$@" >>{self.folder}/configured; exit 0; }}
mkdir -p "$2"
cp {self.folder}/program "$2/sparsesim-cuda"
""")
        # Fails where the plan holds the word in `broken`; a run of three visits ends after the first part.
        self.tool("program", f"""
[ "$1" = list ] && exit 0
while [ $# -gt 0 ]; do case "$1" in --plan) plan=$2;; --out) out=$2;; --visits) visits=$2;; esac; shift; done
[ -n "${{plan:-}}" ] || {{ echo 'name: "test-gpu"' >"$out"; exit 0; }}
broken=$(cat {self.folder}/broken)
if [ -n "$broken" ] && grep -q ",$broken," "$plan"; then echo "error: broken" >&2; exit 1; fi
[ "$visits" = 3 ] && ! grep -q ",gemm," "$plan" && exit 130
awk -F, -v t="$visits" 'NR == 1 {{ print $0 ",time_us"; next }} {{ print $0 "," t }}' "$plan" >"$out"
""")

    def campaign(self, broken: str) -> subprocess.CompletedProcess:
        (self.folder / "broken").write_text(broken)
        environment = dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}")
        return subprocess.run([CAMPAIGN, self.out], capture_output=True, text=True, env=environment, timeout=120)

    def times(self, file: str) -> dict[str, str]:
        lines = (self.out / file).read_text().splitlines()
        self.assertTrue(lines[0].startswith("id,device"))
        return {line.split(",")[0]: line.split(",")[-1] for line in lines[1:]}

    def test_every_row_is_there_once_with_the_most_visits(self) -> None:
        done = self.campaign("")
        self.assertEqual(done.returncode, 0, done.stderr)
        plan = (ROOT / "validate/measure/suites/cuda-standard.csv").read_text().splitlines()[1:]
        times = self.times("results.csv")
        self.assertEqual(set(times), {row.split(",")[0] for row in plan})
        for row in plan:
            self.assertEqual(times[row.split(",")[0]], "3" if ",gemm," in row else "1", row)
        self.assertIn("-DCMAKE_CUDA_ARCHITECTURES=90-real", (self.folder / "configured").read_text())
        self.assertEqual(sorted(path.name for path in self.out.iterdir()),
                         ["campaign.log", "check.csv", "nvidia-smi.txt", "results.csv", "test-gpu.yaml"])

    def test_a_family_that_fails_stops_no_other(self) -> None:
        done = self.campaign("attention")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("attention: nothing measured (exit 1)", done.stderr)
        ids = self.times("results.csv")
        self.assertFalse([name for name in ids if name.startswith("attention")])
        for family in ("gemm", "spmm-2:4", "spmm-block", "moe_ffn", "embedding_bag"):
            self.assertTrue([name for name in ids if name.startswith(family)], family)

    def test_an_error_for_good_costs_one_row(self) -> None:
        program = (self.folder / "program").read_text()
        self.tool("program", program.split("\n", 1)[1].replace('"error: broken"', '"cuda: an illegal memory access"'))
        (self.folder / "program").write_text((self.folder / "program").read_text().replace('",$broken,"', '"$broken"'))
        done = self.campaign("seq=8192;window=256")
        self.assertIn("attention: an error that spoils the rest: row by row", done.stderr)
        ids = [name for name in self.times("results.csv") if name.startswith("attention")]
        rows = [row for row in (ROOT / "validate/measure/suites/cuda-standard.csv").read_text().splitlines() if ",attention," in row]
        self.assertEqual(len(ids), len(rows) - 1)


if __name__ == "__main__":
    if os.path.exists("/dev/nvidia0"):
        sys.exit(77)  # skipped: there is a GPU
    unittest.main(argv=sys.argv[:1])
