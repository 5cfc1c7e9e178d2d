"""Files that a command line names: nothing that is read, or that another option writes, is replaced; and standard error that
cannot be written takes no result along."""
import os
import pathlib
import resource
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import PROGRAM, ProgramTest

GEMM = "ops:\n  - {name: gemm, op: gemm, m: 64, n: 64, k: 64}\n"
SPEC = "substrate: a100\nworkload: w.yaml\n"
ROWS = "id,device,op,m,n,k,dtype,pattern,params,time_us,baseline_us\nr1,a100,gemm,512,512,512,bf16,dense,,10,\n"
MASK = "2, 2, 2\n0 1 2\n0 1\n"
CHECKPOINT = """{"model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
"num_attention_heads": 4, "vocab_size": 1000, "torch_dtype": "bfloat16"}"""
TRACE = "arrival,input,output\n0,10,10\n"


class Named(ProgramTest):
    def setUp(self):
        super().setUp()
        for name, content in [("w.yaml", GEMM), ("s.yaml", SPEC), ("r.csv", ROWS), ("m.smtx", MASK), ("t.csv", TRACE),
                              ("ckpt/config.json", CHECKPOINT), ("suite.yaml", "ops:\n  - {op: gemm, n: 8, k: 8, m: 8, kernels: [onednn]}\n")]:
            self.write(name, content)

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def keeps(self, *words: str, lost: list[str]):
        """The command is refused, with a line for each of those, before it does anything."""
        before = self.files()
        lines = self.refused(*words).splitlines()
        self.assertEqual(lines, [f"sparsesim: {line}" for line in lost])
        self.assertEqual(self.files(), before)


class Replaced(Named):
    def test_what_is_read_is_not_replaced(self):
        run = ["run", "--substrate", "a100", "--workload", "w.yaml"]
        self.keeps(*run, "--timeline", "w.yaml", lost=["--timeline w.yaml would replace --workload w.yaml, which is read"])
        self.keeps("sweep", "s.yaml", "--html", "s.yaml", lost=["--html s.yaml would replace SPEC s.yaml, which is read"])
        self.keeps("validate", "--measurements", "r.csv", "--rows", "r.csv",
                   lost=["--rows r.csv would replace --measurements r.csv, which is read"])
        self.keeps("inspect", "m.smtx", "--svg", "m.smtx", lost=["--svg m.smtx would replace FILE m.smtx, which is read"])
        self.keeps("import", "ckpt", "--out", "ckpt/config.json",
                   lost=["--out ckpt/config.json would replace CONFIG ckpt, which is read"])
        self.keeps("serve", "--substrate", "h100-x8", "--workload", "llama-2-70b", "--trace", "t.csv", "--requests-out", "t.csv",
                   lost=["--requests-out t.csv would replace --trace t.csv, which is read"])
        self.keeps("recommend", "--substrate", "a100", "--workload", "pruned-linear", "--quality", "r.csv", "--html", "r.csv",
                   lost=["--html r.csv would replace --quality r.csv, which is read"])
        self.write("a", "base: a100\n")
        for command in [["sweep"], ["breakeven", "--over", "workload.ops.linear.m=1:64"]]:
            self.keeps(*command, "--substrate", "h100,a", "--workload", "pruned-linear", "--html", "a",
                       lost=["--html a would replace --substrate h100,a, which is read"])
        measure = ["measure", "--backend", "cpu", "--substrate", "epyc-milan-2c", "--suite"]
        self.keeps(*measure, "suite.yaml", "--out", "suite.yaml", lost=["--out suite.yaml would replace --suite suite.yaml, which is read"])
        self.write("r.csv.plan", "ops: []\n")
        self.keeps(*measure, "r.csv.plan", "--out", "r.csv", lost=["the plan r.csv.plan would replace --suite r.csv.plan, which is read"])

    def test_other_names_of_a_file_are_known(self):
        os.symlink("w.yaml", self.folder / "soft")
        os.link(self.folder / "w.yaml", self.folder / "hard")
        for name in ["./w.yaml", "ckpt/../w.yaml", str(self.folder / "w.yaml"), "soft", "hard"]:
            for read, written in [("w.yaml", name), (name, "w.yaml")]:
                self.keeps(*self.run_words(read), "--timeline", written,
                           lost=[f"--timeline {written} would replace --workload {read}, which is read"])
        os.symlink("ckpt", self.folder / "folder")
        self.keeps("validate", "--measurements", "r.csv", "--html", "folder/new", "--markdown", "./ckpt/new",
                   lost=["--html folder/new and --markdown ./ckpt/new are written to one file"])

    def test_results_of_a_sweep_stay(self):
        self.accepted("sweep", "s.yaml", "--quiet")
        self.keeps("export", "s.sqlite", "--out", "s.sqlite", lost=["--out s.sqlite would replace FILE s.sqlite, which is read"])
        self.keeps("sweep", "s.yaml", "--out", "n.sqlite", "--html", "n.sqlite",
                   lost=["--out n.sqlite and --html n.sqlite are written to one file"])
        self.keeps("sweep", "s.yaml", "--html", "s.sqlite",
                   lost=["the results s.sqlite and --html s.sqlite are written to one file"])
        self.keeps("atlas", "--results", "s.sqlite", "--out", "s.sqlite",
                   lost=["--out s.sqlite and --results s.sqlite are written to one file"])
        self.assertIn("0 points simulated, 1 known before", self.accepted("sweep", "s.yaml"))  # goes on in its own file
        self.accepted("merge", "--quiet", "s.sqlite", "--out", "s.sqlite")

    def test_all_of_them_are_said_at_once(self):
        self.keeps("validate", "--measurements", "r.csv", "--rows", "r.csv", "--html", "a", "--markdown", "a",
                   lost=["--rows r.csv would replace --measurements r.csv, which is read",
                         "--html a and --markdown a are written to one file"])

    def test_times_are_not_replaced_by_a_plan(self):
        words = ["measure", "--backend", "cpu", "--suite", "suite.yaml", "--plan-only", "--out"]
        self.keeps(*words, "r.csv", lost=["--plan-only: --out r.csv has measured times, which a plan would replace"])
        for _ in range(2):  # a plan may be made again
            self.accepted(*words, "plan.csv")
        self.assertEqual(self.accepted(*words, "/dev/stdout"), (self.folder / "plan.csv").read_text())

    def test_devices_and_standard_streams_take_several(self):
        words = ["validate", "--measurements", "r.csv", "--quiet", "--rows"]
        self.accepted(*words, "/dev/null", "--accuracy", "/dev/null")
        self.write("-", "a file")
        piped = ["run", "--substrate", "a100", "--workload", "-", "--quiet", "--timeline", "-"]
        self.accepted(*piped, input=GEMM.encode())
        with open(self.folder / "out", "wb") as out:
            done = subprocess.run([PROGRAM, *words, "/dev/stdout", "--accuracy", "/dev/stdout"], cwd=self.folder, stdout=out)
        self.assertEqual(done.returncode, 0)
        self.accepted(*words, "rows", "--accuracy", "accuracy")
        separate = [(self.folder / name).read_text() for name in ["rows", "accuracy"]]
        self.assertTrue((self.folder / "out").read_text().startswith("".join(separate)))


class NoRoom(Named):
    def stopped(self, *words: str, bytes_most: int) -> str:
        """The one line of a command whose files may have so many bytes: exit code 1."""
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_most, bytes_most))
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True, preexec_fn=limit, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), done.stderr)
        return done.stderr

    def test_a_file_above_the_limit_of_the_shell_is_one_line(self):
        self.write("many.yaml", "substrate: a100\nworkload: w.yaml\nvary:\n  workload.ops.gemm.m: {from: 1, to: 200, step: 1}\n")
        stopped = self.stopped("sweep", "many.yaml", "--quiet", bytes_most=64 << 10)
        self.assertTrue(stopped.startswith("sparsesim: many.sqlite: cannot read or write: "), stopped)
        self.assertNotIn(" 0 known before", self.accepted("sweep", "many.yaml"))  # goes on with what was written
        for kibibytes, words in [(4, ["run", "--substrate", "a100", "--workload", "moe64", "--timeline"]),
                                 (64, ["export", "many.sqlite", "--format", "jsonl", "--out"])]:
            self.assertEqual(self.stopped(*words, "big", bytes_most=kibibytes << 10), "sparsesim: big: cannot write: File too large\n")
        self.assertEqual([name for name in self.files() if name.startswith("big")], [])


class StandardError(Named):
    def code(self, words: list[str], redirection: str) -> int:
        script = f'"$0" "$@" {redirection}'
        return subprocess.run(["sh", "-c", script, PROGRAM, *words], cwd=self.folder, stdout=subprocess.DEVNULL, timeout=60).returncode

    def test_a_stream_that_cannot_be_written_changes_no_exit_code(self):
        self.accepted("sweep", "s.yaml", "--quiet")
        refused = [["run", "--substrate", "a100", "--workload", "nofile"], ["list", "foo"], ["--foo"], ["export", "nofile"],
                   ["validate", "--measurements", "nofile"], ["sweep", "nofile"], ["inspect", "nofile"], ["import", "nofile"],
                   ["merge", "nofile", "--out", "m.sqlite"]]
        for redirection in ["2>/dev/full", "2>&-"]:
            for words in refused:
                self.assertEqual(self.code(words, redirection), 2, words)
            self.assertEqual(self.code(["merge", "s.sqlite", "--out", "m.sqlite"], redirection), 0)

    def test_a_closed_standard_output_is_one_line(self):
        done = subprocess.run(["sh", "-c", '"$0" "$@" >&-', PROGRAM, *self.run_words()], cwd=self.folder, stderr=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, done.stderr), (1, "sparsesim: cannot write to standard output: Bad file descriptor\n"))


if __name__ == "__main__":
    unittest.main()
