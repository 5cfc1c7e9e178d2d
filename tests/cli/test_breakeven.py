"""sparsesim breakeven as users meet it: table, JSON, mistakes, Ctrl-C, threads."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import PROGRAM, ProgramTest, interrupt

OP = "workload.ops.linear"
INPUTS = ["breakeven", "--substrate", "a100", "--workload", "pruned-linear"]
ZEROS = [*INPUTS, "--over", f"{OP}.sparsity=0.5:0.99", "--points", "3"]
FAST = [*ZEROS, "--no-interval"]


class Answers(ProgramTest):
    def answer(self, *words: str) -> dict:
        return json.loads(self.accepted(*words, "--format", "json"))

    def test_json_and_table_say_the_same_value_and_run_confirms_it(self):
        words = [*FAST, "--set", f"{OP}.m=1024"]
        answer = self.answer(*words)
        self.assertEqual((answer["target"], answer["over"], answer["set"][f"{OP}.m"]), (1, f"{OP}.sparsity", "1024"))
        series, = answer["series"]
        crossing, = series["crossings"]
        self.assertEqual((series["verdict"], crossing["direction"], crossing["closed"]), ("crosses", "pays_above", True))
        self.assertLessEqual(crossing["beside"]["speedup"], 1)
        self.assertGreater(crossing["speedup"], 1)
        table = self.accepted(*words)
        self.assertIn(f"pays from {crossing['value']} ", table)
        self.assertTrue(table.endswith(self.accepted(*words, "--quiet")))
        for side in [crossing, crossing["beside"]]:
            self.write("w.yaml", "name: w\nops:\n  - {name: linear, op: spmm, m: 1024, n: 9216, k: 9216, dtype: fp16, "
                                 f"pattern: unstructured, sparsity: {side['value']}}}\n")
            run = json.loads(self.accepted("run", "--substrate", "a100", "--workload", "w.yaml", "--format", "json"))
            self.assertEqual(run["realised_speedup"], side["speedup"])

    def test_a_map_has_a_series_per_value_and_never_and_always(self):
        answer = self.answer(*FAST, "--also", f"{OP}.m=1,1024", "--target", "1.5")
        self.assertEqual([series["also"] for series in answer["series"]], ["1", "1024"])
        self.assertEqual(answer["also"], f"{OP}.m")
        table = self.accepted(*FAST, "--target", "1e9", "--quiet")
        self.assertRegex(table, r"^  never +most .*x at 0\.99\n$")
        self.assertRegex(self.accepted(*FAST, "--target", "1e-9", "--quiet"), r"^  always +least .*x at 0\.5\n$")

    def test_the_interval_holds_the_value(self):
        small = [word for key in ["n", "k"] for word in ["--set", f"{OP}.{key}=2048"]]
        series, = self.answer(*ZEROS, "--set", f"{OP}.m=1024", *small)["series"]
        crossing, = series["crossings"]
        low, high = (crossing["interval"][end] for end in ["low", "high"])
        self.assertLessEqual(float(low or 0), float(crossing["value"]))
        self.assertGreaterEqual(float(high or 1), float(crossing["value"]))
        for point in series["scan"]:
            self.assertLessEqual(point["interval"]["low"], point["speedup"])
            self.assertLessEqual(point["speedup"], point["interval"]["high"])

    def test_lists_are_answered_value_by_value(self):
        table = self.accepted("breakeven", "--workload", "pruned-2to4", "--over", "substrate=v100,a100", "--no-interval",
                              "--set", "workload.ops.up.m=1024", "--quiet")
        self.assertRegex(table, r"^  v100 does not pay +1x\n  a100 pays +1\.\d+x\n$")

    def test_any_number_of_threads_gives_the_same_bytes(self):
        words = [*FAST, "--also", f"{OP}.m=1,64,1024", "--format", "json", "--threads"]
        self.assertEqual(self.accepted(*words, "1"), self.accepted(*words, "3"))

    def test_ctrl_c_ends_in_good_order(self):
        words = [*ZEROS[:-1], "1001", "--also", f"{OP}.m=1:1024:1"]  # hours
        program = subprocess.Popen([PROGRAM, *words], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        interrupt(program)
        out, err = program.communicate(timeout=60)
        self.assertEqual((program.returncode, out, err), (130, "", "sparsesim: interrupted, nothing was written\n"))


class Mistakes(ProgramTest):
    def one(self, *words: str) -> str:
        """Bad input is one mistake."""
        text = self.refused(*words)
        self.assertEqual(text.count("error:") + text.count("sparsesim: "), 1, text)
        return text

    def test_each_is_one_error_that_names_the_option(self):
        over = ["--over", f"{OP}.sparsity=0.5:0.99"]
        for words, said in [
            ([*INPUTS], "--over"),
            ([*INPUTS, "--over", "sparsity=0.5:0.99"], "is no parameter"),
            ([*INPUTS, "--over", f"{OP}.sparsty=0.5:0.99"], "sparsity"),
            ([*INPUTS, "--over", "workload.ops.lineal.m=1:9"], 'did you mean "linear"'),
            ([*INPUTS, "--over", "substrate.memory.dram.achievd=1 TB/s:2 TB/s"], "memory.dram.achieved"),
            ([*INPUTS, "--over", f"{OP}.sparsity=0.9:0.5"], "must not be below"),
            ([*INPUTS, "--over", f"{OP}.sparsity=0.5:0.9:0.1"], "FROM:TO:log"),
            ([*INPUTS, "--over", f"{OP}.sparsity=0.5:1.5"], "sparsity = 1.5"),
            ([*INPUTS, "--over", f"{OP}.sparsity="], OP),
            ([*INPUTS, "--over", f"{OP}.block=[16,16],[32,32]"], "block"),
            ([*INPUTS, *over, "--target", "0"], "--target"),
            ([*INPUTS, *over, "--target", "nan"], "--target"),
            ([*INPUTS, *over, "--target", "1x"], "--target"),
            ([*INPUTS, *over, "--points", "1"], "--points"),
            ([*INPUTS, *over, "--also", f"{OP}.m"], "expected PATH=VALUES"),
            ([*INPUTS, *over, "--set", f"{OP}.m=1,2"], "--also"),
            ([*INPUTS, *over, "--set", f"{OP}.sparsity=0.7"], "given twice"),
            (["breakeven", "--workload", "pruned-linear", *over], "no substrate"),
            (["breakeven", "--substrate", "a1000", "--workload", "pruned-linear", *over], "a1000"),
        ]:
            with self.subTest(words=words):
                self.assertIn(said, self.one(*words))


if __name__ == "__main__":
    unittest.main()
