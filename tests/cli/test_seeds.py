"""`run --seeds N`: the spread of a workload over seeds."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import PROGRAM, ProgramTest, interrupt

WORDS = ["run", "--substrate", "a100", "--workload", "early-exit"]


class Seeds(ProgramTest):
    def test_two_runs_are_alike_byte_for_byte(self):
        words = [*WORDS, "--seeds", "12", "--format", "json"]
        self.assertEqual(self.accepted(*words), self.accepted(*words))

    def test_percentiles_are_in_order_and_of_the_seeds_named(self):
        spread = json.loads(self.accepted(*WORDS, "--seeds", "12", "--seed", "40", "--format", "json"))["distribution"]
        self.assertEqual((spread["first_seed"], spread["seeds"]), (40, 12))
        for key in ("dense_us", "sparse_us", "realised_speedup"):
            values = [spread[key][name] for name in ("min", "p50", "p95", "max")]
            self.assertEqual(values, sorted(values), key)
            self.assertGreater(values[0], 0, key)

    def test_the_extremes_are_those_of_single_runs(self):
        single = [json.loads(self.accepted(*WORDS, "--seed", str(seed), "--format", "json"))["sparse_us"]
                  for seed in (3, 4, 5)]
        spread = json.loads(self.accepted(*WORDS, "--seed", "3", "--seeds", "3", "--format", "json"))["distribution"]
        self.assertEqual((spread["sparse_us"]["min"], spread["sparse_us"]["p50"], spread["sparse_us"]["max"]),
                         tuple(sorted(single)))

    def test_without_the_option_nothing_is_said_of_seeds(self):
        self.assertNotIn("distribution", json.loads(self.accepted(*WORDS, "--format", "json")))
        self.assertNotIn("seeds", self.accepted(*WORDS))

    def test_the_table_and_the_line_show_the_spread(self):
        self.assertIn("over 3 seeds from 1", self.accepted(*WORDS, "--seeds", "3"))
        self.assertRegex(self.accepted(*WORDS, "--seeds", "3", "--quiet"), r"over 3 seeds sparse p50 [\d.]+ us, p95 [\d.]+ us")

    def test_interrupted_it_ends_in_good_order_and_prints_nothing(self):
        # Each seed takes milliseconds, so that thousands outlast the wait for the signal.
        with subprocess.Popen([PROGRAM, *WORDS, "--seeds", "10000"], cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as running:
            interrupt(running)
            out, err = running.communicate(timeout=60)
        self.assertEqual((running.returncode, out), (130, ""), err)
        self.assertIn("interrupted", err)

    def test_counts_beyond_the_bounds_are_refused(self):
        for count in ("0", "-1", "10001", "many"):
            self.assertIn("--seeds", self.refused(*WORDS, "--seeds", count))
        self.assertIn("last seed", self.refused(*WORDS, "--seed", str(2**63 - 2), "--seeds", "3"))


if __name__ == "__main__":
    unittest.main()
