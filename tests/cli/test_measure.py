"""sparsesim measure and fingerprint, end to end: a plan, a backend, rows that can be simulated."""
import csv
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import PROGRAM, ROOT, ProgramTest, places  # noqa: E402

CPU = pathlib.Path(PROGRAM).parent / "sparsesim-cpu"
MACHINE = "epyc-milan-2c"
MEASURED = ["gemm", "spmm", "grouped_gemm", "moe_ffn", "attention", "embedding_bag"]


class Measure(ProgramTest):
    def words(self, out="r.csv", suite="cpu-quick", *more):
        return ["measure", "--backend", "cpu", "--suite", suite, "--substrate", MACHINE, "--out", out, "--quiet", *more]

    def measure(self, *words, **options) -> subprocess.CompletedProcess:
        """Not under the memory limit of other tests: operands rotate through three times the last cache."""
        return subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True, timeout=100, **options)

    def rows(self, name="r.csv") -> list[dict]:
        with open(self.folder / name, newline="") as file:
            return list(csv.DictReader(file))

    def test_the_noise_floor_is_how_far_visits_of_a_family_lie_apart(self):
        note = "p50_us=1;visit_spread=%s;disturbed=%s"
        rows = [f"gemm,dense,{note % (spread, mark)}" for spread, mark in [("1.10", "no"), ("1.20", "yes"), ("1.40", "yes")]]
        self.write("r.csv", "op,pattern,note\n" + "\n".join(rows) + "\nspmm,block,no spread here\n")
        script = str(ROOT / "scripts/noise_floor.py")
        out = subprocess.run([sys.executable, script, "r.csv"], cwd=self.folder, capture_output=True, text=True, check=True)
        families = out.stdout.splitlines()[1:]
        self.assertEqual([line.split() for line in families], [["gemm", "dense", "3", "20.0", "%", "40.0", "%", "2"]])

    def test_a_plan_has_the_rows_of_its_suite(self):
        self.write("s.yaml", "ops:\n  - {op: gemm, n: 8, k: 8, grid: {m: [1, 2]}, kernels: [onednn]}\n")
        self.accepted(*self.words("plan.csv", "s.yaml"), "--plan-only")
        rows = self.rows("plan.csv")
        self.assertEqual([row["id"] for row in rows], ["gemm-m1-n8-k8-bf16-onednn", "gemm-m2-n8-k8-bf16-onednn"])
        self.assertEqual({row["device"] for row in rows}, {MACHINE})
        self.assertNotIn("time_us", rows[0])

    def test_mistakes_of_a_suite_have_places(self):
        self.write("s.yaml", "ops:\n  - {op: gemm, m: 8, n: 8}\n  - {op: spmm, m: 8, n: 8, k: 8, pattern: dense}\n")
        told = places(self.refused(*self.words("r.csv", "s.yaml")))
        self.assertEqual([place.rsplit(":", 1)[0] for place, _ in told], ["s.yaml:2", "s.yaml:3"])
        self.assertIn("cpu-quick", self.refused(*self.words("r.csv", "no-such-suite")))

    def test_the_machine_is_named(self):
        self.assertIn("measure needs --substrate",
                      self.refused("measure", "--backend", "cpu", "--suite", "cpu-quick", "--out", "r.csv"))

    def test_a_missing_backend_is_one_line_and_exit_3(self):
        copy = self.folder / "sparsesim"
        shutil.copy(PROGRAM, copy)
        for command in (self.words(), ["fingerprint", "--backend", "cuda", "--out", "my.yaml"]):
            done = subprocess.run([copy, *command], cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)
            self.assertIn("is not installed", done.stderr)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["sparsesim"])

    def test_a_result_that_cannot_be_written_is_refused_before_anything_runs(self):
        self.assertIn("cannot write", self.refused(*self.words("no/such/folder.csv")))

    def test_wrong_backend_arguments_are_refused(self):
        for words in (["measure"], ["measure", "--plan", "x"], ["measure", "--visits", "0"], ["sing"]):
            done = self.measure_backend(*words)
            self.assertEqual(done.returncode, 2, f"{words} {done.stderr}")
            self.assertEqual(len(done.stderr.splitlines()), 1)

    def measure_backend(self, *words):
        return subprocess.run([CPU, *words], cwd=self.folder, capture_output=True, text=True, timeout=60)

    def test_more_threads_than_cores_are_refused(self):
        self.accepted(*self.words("plan.csv"), "--plan-only")
        done = self.measure_backend("measure", "--plan", "plan.csv", "--out", "r.csv", "--threads", "4096")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--threads 4096: this process may use", done.stderr)

    def test_the_quick_suite_is_measured_kept_and_simulated(self):
        done = self.measure(*self.words(), "--quick")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        rows = self.rows()
        self.assertEqual({row["op"] for row in rows}, set(MEASURED), done.stderr)
        for row in rows:
            self.assertGreater(float(row["time_us"]), 0, row)
            self.assertEqual(row["device"], MACHINE)
            self.assertIn("disturbed=", row["note"])
            if row["op"] == "gemm":
                self.assertEqual(row["baseline"], "", row)
            else:
                self.assertGreater(float(row["baseline_us"]), 0, row)
        self.assertEqual(len({row["id"] for row in rows}), len(rows))
        before = (self.folder / "r.csv").read_bytes()
        self.measure(*self.words(), "--quick")
        self.assertEqual((self.folder / "r.csv").read_bytes(), before)  # nothing is measured twice
        self.assertEqual([path.name for path in self.folder.iterdir()], ["r.csv"])
        table = self.accepted("validate", "--measurements", "r.csv", "--format", "json", "--quiet")
        failed = [row for row in json.loads(table)["rows"] if row["reason"]]
        self.assertEqual([(row["id"], row["reason"]) for row in failed], [])

    def test_a_fingerprint_is_a_machine(self):
        done = self.measure("fingerprint", "--backend", "cpu", "--quick", "--quiet", "--name", "mine", "--out", "my.yaml")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["my.yaml"])
        shown = self.accepted("show", "my.yaml")
        self.assertTrue(shown.startswith("mine: "), shown)
        self.assertIn("measured on ", shown)

    def test_an_interrupt_ends_in_good_order(self):
        process = subprocess.Popen([PROGRAM, *self.words(), "--visits", "300"], cwd=self.folder, stderr=subprocess.PIPE,
                                   text=True, start_new_session=True)
        part = self.folder / "r.csv.part"
        for _ in range(300):
            if part.exists():
                break
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        told = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130, told)
        self.assertIn("the same command goes on from here", told)
        self.assertTrue(part.exists())
        self.assertFalse((self.folder / "r.csv.plan").exists())


if __name__ == "__main__":
    unittest.main()
