#!/usr/bin/env python3
"""sparsesim recommend as users meet it: mistakes with near names, the quality file, formats, threads, Ctrl-C."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ProgramTest, places

SMALL = """\
name: small
ops:
  - {name: norm, op: elementwise, elements: 4096, reads: 1, writes: 1, flops_per_element: 1}
  - {name: up, op: gemm, m: 16, n: 1024, k: 512, dtype: fp16}
  - {name: down, op: spmm, m: 16, n: 512, k: 512, pattern: "2:4"}
"""


class Recommend(ProgramTest):
    def words(self, *more: str, substrate="a100") -> list[str]:
        self.write("small.yaml", SMALL)
        return ["recommend", "--substrate", substrate, "--workload", "small.yaml", "--max-sparsity", "0.5", *more]

    def result(self, *more: str, substrate="a100") -> dict:
        return json.loads(self.accepted(*self.words("--format", "json", *more, substrate=substrate)))

    def test_the_product_is_the_longest_or_the_one_named(self):
        self.assertEqual(self.result()["op"], "up")
        named = self.result("--op", "down")
        self.assertEqual((named["op"], named["n"], named["dtype"]), ("down", 512, "fp16"))

    def test_speedups_are_those_of_run(self):
        """The same product with its weights in the pattern, as `run` simulates it."""
        result = self.result()
        for pattern, format, keys in [("2:4", "2:4", ""), ("unstructured", "bitmap", "format: bitmap, sparsity: 0.5")]:
            self.write("w.yaml", f"name: w\nops:\n  - {{op: spmm, m: 16, n: 1024, k: 512, dtype: fp16, "
                                 f"pattern: '{pattern}', {keys}}}\n")
            run = json.loads(self.accepted(*self.run_words()[:-1], "--format", "json"))
            point = next(c["points"][0] for c in result["candidates"] if (c["pattern"], c["format"]) == (pattern, format))
            self.assertAlmostEqual(point["realised_speedup"], run["realised_speedup"], places=9)
            self.assertAlmostEqual(result["dense_us"], run["dense_us"], places=9)

    def test_rankings_are_sorted_and_have_every_point(self):
        result = self.result()
        for level in result["levels"]:
            speeds = [place["realised_speedup"] for place in level["ranking"]
                      if result["candidates"][place["candidate"]]["points"][0]["kernel"]]
            self.assertEqual(speeds, sorted(speeds, reverse=True))
        self.assertEqual(sum(len(level["ranking"]) for level in result["levels"]),
                         sum(len(candidate["points"]) for candidate in result["candidates"]))

    def test_the_bytes_do_not_depend_on_threads(self):
        self.assertEqual(self.accepted(*self.words("--threads", "1")), self.accepted(*self.words("--threads", "5")))

    def test_a_machine_without_sparse_matrix_instructions(self):
        candidates = self.result(substrate="v100")["candidates"]
        point = next(c for c in candidates if c["pattern"] == "2:4")["points"][0]
        self.assertEqual((point["verdict"], point["decides"], point["kernel"]), ("no kernel", "no kernel", None))
        self.assertIn("v100", point["reason"])

    def test_qualities_are_the_users(self):
        self.write("q.csv", "pattern,sparsity,quality\n2:4,0.5,71.25\nblock-16x16,0.4,50\n")
        result = self.result("--quality", "q.csv")
        for candidate in result["candidates"]:
            expected = 71.25 if candidate["pattern"] == "2:4" else None
            self.assertEqual([point["quality"] for point in candidate["points"]], [expected] * len(candidate["points"]))
        self.assertIn("quality", self.accepted(*self.words("--quality", "q.csv")))
        self.assertNotIn("quality", self.accepted(*self.words()))

    def test_mistakes_in_a_quality_file_have_their_place(self):
        self.write("q.csv", "pattern,sparsity,quality\n2:4,0.5,high\nblock-16x61,0.5,1\n")
        said = self.refused(*self.words("--quality", "q.csv"))
        self.assertEqual([place for place, _ in places(said)], ["q.csv:2:9", "q.csv:3:1"])
        self.assertIn("block-16x16", said)
        self.assertIn("none.csv", self.refused(*self.words("--quality", "none.csv")))

    def test_names_and_numbers_that_are_wrong(self):
        self.assertIn('did you mean "down"', self.refused(*self.words("--op", "dwon")))
        self.assertIn("not gemm or spmm", self.refused(*self.words("--op", "norm")))
        self.assertIn("a100", self.refused(*self.words(substrate="a1000")))
        for option in ["--max-sparsity", "--target"]:
            for value in ["0", "-1", "nan", "x", "1e9", ""]:
                self.assertIn(option, self.refused(*self.words(option, value)))
        self.write("none.yaml", "name: none\nops:\n  - {op: elementwise, elements: 4096, reads: 1, writes: 1, "
                                "flops_per_element: 1}\n")
        self.assertIn("no op is a gemm or spmm",
                      self.refused("recommend", "--substrate", "a100", "--workload", "none.yaml"))

    def test_ctrl_c(self):
        self.write("w.yaml", "name: w\nops:\n  - {op: gemm, m: 16384, n: 16384, k: 16384, dtype: fp16}\n")
        self.assert_interrupted("recommend", "--substrate", "a100", "--workload", "w.yaml")


if __name__ == "__main__":
    unittest.main()
