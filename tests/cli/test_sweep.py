"""Sweeps as users meet them: a specification or options, mistakes, Ctrl-C, any number of threads."""
import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import PROGRAM, ROOT, ProgramTest, interrupt

SPEC = """title: zeros and rows
substrate: [a100, h100]
workload: layer.yaml
vary:
  workload.ops.linear.sparsity: {from: 0.5, to: 0.9, step: 0.2}
  workload.ops.linear.m: {from: 1, to: 64, points: 3, scale: log}
where:
  - workload.ops.linear.m * workload.ops.linear.sparsity >= 0.6
"""


class Sweeps(ProgramTest):
    def lines(self, text: str) -> list[list[str]]:
        return [line.split(",") for line in text.splitlines()]

    def test_a_specification_names_files_beside_it(self):
        self.write("study/layer.yaml", (ROOT / "workloads/pruned-linear.yaml").read_text())
        self.write("study/spec.yaml", SPEC)
        said = self.accepted("sweep", "study/spec.yaml")
        # Of 2 x 3 x 3 points 0.5 x 1 fails the condition on both machines.
        self.assertIn("spec.sqlite: 16 points simulated, 0 known before, 2 left out by conditions\n", said)
        rows = self.lines(self.accepted("export", "spec.sqlite"))
        self.assertEqual(len(rows), 17)
        self.assertEqual([row[1] for row in rows[1:]], [str(i) for i in range(18) if i % 9])
        faster = sum(float(row[rows[0].index("realised_speedup")]) > 1 for row in rows[1:])
        self.assertIn(f"sparse is faster at {faster} of 16 points\n", said)
        self.assertIn("16 known before", self.accepted("sweep", "study/spec.yaml"))

    def test_threads_do_not_change_a_byte(self):
        words = ["sweep", "--substrate", "a100,l40s", "--workload", "pruned-2to4", "--vary", "workload.seed=1,2,1",
                 "--vary", "substrate.memory.l2.capacity=20 MiB,40 MiB", "--quiet", "--waterfall"]
        exports = set()
        for threads in ["1", "2", "5"]:
            self.accepted(*words, "--threads", threads, "--out", f"{threads}.sqlite")
            exports.add(self.accepted("export", f"{threads}.sqlite"))
            exports.add(self.accepted("export", f"{threads}.sqlite", "--table", "ops"))
        self.assertEqual(len(exports), 2)

    def test_options_replace_what_the_specification_says(self):
        self.write("layer.yaml", (ROOT / "workloads/pruned-linear.yaml").read_text())
        self.write("spec.yaml", SPEC)
        said = self.accepted("sweep", "spec.yaml", "--substrate", "rtx-3090", "--vary", "workload.ops.linear.m=64")
        self.assertIn("3 points simulated", said)

    def test_ctrl_c_keeps_what_is_done(self):
        words = [PROGRAM, "sweep", "--substrate", "a100", "--workload", "pruned-linear", "--vary",
                 "workload.ops.linear.m=1:3000:1", "--out", "long.sqlite"]
        process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not (self.folder / "long.sqlite").exists():
            time.sleep(0.01)
        time.sleep(0.5)  # some points
        interrupt(process)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (130, ""))
        self.assertRegex(err, r"^sparsesim: interrupted; long\.sqlite: \d+ points simulated, 0 known before\n")
        self.assertEqual(len(self.lines(self.accepted("export", "long.sqlite"))), 1 + int(err.split()[3]))

    def test_what_a_machine_cannot_run_is_a_row_and_not_the_end(self):
        self.write("window.yaml", "ops:\n  - {name: a, op: attention, seq: 1024, heads: 8, head_dim: 64, window: 64}\n")
        said = self.accepted("sweep", "--substrate", "a100", "--workload", "window.yaml", "--vary",
                             "workload.ops.a.seq=32,1024", "--out", "w.sqlite")
        self.assertIn("1 that the machine cannot run", said)
        rows = self.lines(self.accepted("export", "w.sqlite"))
        errors = [row[rows[0].index("error"):] for row in rows[1:]]
        self.assertEqual(["".join(error) != "" for error in errors], [True, False])

    def test_mistakes_are_said_before_anything_runs(self):
        base = ["sweep", "--substrate", "a100", "--workload", "pruned-linear"]
        for words, said in [
            (["--vary", "workload.ops.linear.sparsity"], "expected PATH=VALUES"),
            (["--vary", "workload.ops.linear.sparsty=0.5"], 'did you mean "sparsity"?'),
            (["--vary", "workload.ops.lineal.m=1"], 'did you mean "linear"?'),
            (["--vary", "workload.ops.linear.sparsity=0.5,1.5"], "workload.ops.linear.sparsity = 1.5"),
            (["--vary", "substrate.memory.l2.capcity=1MiB"], 'did you mean "memory.l2.capacity"?'),
            (["--vary", "substrate.memory.l2.capacity=1GHz"], "is not a"),
            (["--vary", "workload.seed=9:1:1"], "to must not be below from"),
            (["--where", "workload.seed < 1"], "neither a number nor a parameter"),
            (["--vary", "worklod.seed=1"], "is no parameter"),
            (["--vary", "workload.ops.linear=1,2"], "workload.ops.linear: a key of the op is missing"),
            (["--vary", "workload.ops.linear.m.x=1,2"], "workload.ops.linear.m.x: nothing is below a value"),
            (["--vary", "workload.ops.*.m.x=1,2"], "workload.ops.*.m.x: nothing is below a value"),
            (["--vary", "workload.ops.linear.m=1,2", "--vary", "workload.ops.linear.m=8"],
             "--vary workload.ops.linear.m=8: error: workload.ops.linear.m is given twice"),
            (["--vary", "substrate=a100,h100"], "--vary substrate=a100,h100: error: substrate is given twice"),
        ]:
            done = self.call(*base, *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertIn(said, done.stderr)
        self.assertFalse(os.listdir(self.folder))
        self.write("bad.yaml", "substrate: a100\nworkload: pruned-linear\nvary:\n  workload.ops.linear.sparsity: [0.5, 1.5]\nwere: []\n")
        done = self.call("sweep", "bad.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn('\nbad.yaml:5:1: error: unknown key "were"', done.stderr)
        self.write("bad.yaml", "substrate: a100\nworkload: pruned-linear\nvary:\n  workload.ops.linear.sparsity: [0.5, 1.5]\n")
        self.assertRegex(self.call("sweep", "bad.yaml").stderr, r"^bad\.yaml:4:3: error: workload\.ops\.linear\.sparsity = 1\.5")

    def test_every_mistake_of_a_specification_at_its_place(self):
        self.write("bad.yaml", "substrate: [a100, a1000]\n"
                               "workload: [pruned-linear,\n"
                               "           prunedlinear]\n"
                               "vary:\n"
                               "  workload.ops.liner.m: [1, 2]\n"
                               "  workload.ops.linear.mm: [1, 2]\n"
                               "  substrate.memory.l2.capcity: [1 MiB, 2 MiB]\n"
                               "  substrat: [a100]\n"
                               "  foo: [1]\n"
                               "  workload.ops.linear.sparsity: [1.5, 0.5, 1.7]\n"
                               "  workload.ops.linear.m: [absent, 3]\n"
                               "where:\n"
                               "  - workload.ops.linear.sparsity <\n"
                               "  - workload.sed < 3\n"
                               "  - foo < 3\n")
        done = self.call("sweep", "bad.yaml")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        found = [line.split(": error: ") for line in done.stderr.splitlines() if ": error: " in line]
        self.assertEqual([place for place, _ in found],
                         [f"bad.yaml:{place}" for place in ["1:19", "3:12", "5:3", "6:3", "7:3", "8:3", "9:3", "10:3",
                                                            "10:3", "11:3", "13:5", "14:5"]], done.stderr)
        for (_, what), part in zip(found, ["a1000", "prunedlinear", 'no op of', 'mm = 1: unknown key "mm"', "capcity",
                                           '"substrat" is no parameter', '"foo" is no parameter', "sparsity = 1.5",
                                           "sparsity = 1.7", 'm = absent: missing key "m"', "expected a number",
                                           '"workload.sed" is neither']):
            self.assertIn(part, what)
        for hint in ['did you mean "pruned-linear"?', 'did you mean "linear"?', 'did you mean "substrate"?']:
            self.assertIn(hint, done.stderr)

        self.write("bad.yaml", "substrate: a1000\nworkload: pruned-linear\nvary: {workload.ops.linear.m: [1, '']}\n")
        said = self.call("sweep", "bad.yaml").stderr
        self.assertIn("bad.yaml:1:12: error: a1000: no such file", said)
        self.assertIn("bad.yaml:3:8: error: workload.ops.linear.m: an empty text is no value", said)

    def test_a_key_that_an_op_needs_cannot_be_absent(self):
        base = ["sweep", "--substrate", "a100", "--workload", "pruned-linear", "--vary"]
        done = self.call(*base, "workload.ops.linear.m=absent,3")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn('workload.ops.linear.m = absent: missing key "m" in ops[0]', done.stderr)
        self.assertIn("2 points", self.accepted(*base, "workload.ops.linear.repeat=absent,2"))
        self.write("two.yaml", "ops:\n  - {name: linear, op: gemm, m: 1, n: 64, k: 64, dtype: fp16}\n")
        self.write("spec.yaml", "substrate: a100\nworkload: [pruned-linear, two.yaml]\nvary: {workload.ops.linear.pattern: "
                                "[absent, unstructured]}\n")
        self.assertIn("that the machine cannot run", self.accepted("sweep", "spec.yaml"))  # two.yaml needs none


if __name__ == "__main__":
    unittest.main()
