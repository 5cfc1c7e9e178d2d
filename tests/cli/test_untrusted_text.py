"""Text of files that nobody vouches for: on a terminal it stays on its line and moves no cursor; JSON has it exactly."""
import json
import pathlib
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ProgramTest

HOSTILE = "a\x1b[31m\nb\u009bc"
SHOWN = "a [31m b c"
QUOTED = '"a\\e[31m\\nb\\x9bc"'  # the same in YAML


class Untrusted(ProgramTest):
    def plain(self, text: str, *parts: str) -> str:
        for part in parts:
            self.assertIn(part, text)
        for character in text:
            self.assertTrue(character == "\n" or character >= " " and not "\x7f" <= character < "\xa0", repr(character))
        return text

    def refused_plainly(self, *words: str, lines: int, shown: str = SHOWN):
        text = self.plain(self.refused(*words), shown)
        self.assertEqual(text.count("\n"), lines, text)

    def test_names_of_workloads_ops_and_machines(self):
        self.write("w.yaml", f"name: {QUOTED}\nops:\n  - {{name: {QUOTED}, op: spmm, m: 64, n: 64, k: 64, pattern: unstructured, sparsity: 0.9}}\n")
        self.write("m.yaml", f"base: a100\nname: {QUOTED}\ntitle: {QUOTED}\n")
        words = ["--substrate", "m.yaml", "--workload", "w.yaml"]
        self.assertEqual(self.plain(self.accepted("run", *words, "--quiet"), f"{SHOWN} on {SHOWN}: ").count("\n"), 1)
        table = self.plain(self.accepted("run", *words, "--kernels"), f"{SHOWN} on {SHOWN}\n", f"\n  {SHOWN}  ")
        self.assertEqual(table.count("[31m"), 3)
        self.plain(self.accepted("show", "m.yaml"), f"{SHOWN}: {SHOWN}\n")
        self.plain(self.accepted("recommend", *words, "--max-sparsity", "0.5", "--quiet"), f"{SHOWN} of {SHOWN} on {SHOWN}: ")
        exact = json.loads(self.accepted("run", *words, "--format", "json"))
        self.assertEqual([exact["workload"], exact["substrate"], exact["ops"][0]["name"]], [HOSTILE] * 3)

    def test_names_of_what_is_served(self):
        self.write("m.yaml", f"base: h100-x8\nname: {QUOTED}\n")
        words = ["serve", "--substrate", "m.yaml", "--workload", "llama-2-7b-2to4", "--requests", "8", "--no-interval", "--quiet"]
        self.plain(self.accepted(*words), f" on {SHOWN}: ")

    def test_names_of_tensors(self):
        header = json.dumps({name: {"dtype": "F32", "shape": [1, 1], "data_offsets": [4 * at, 4 * at + 4]}
                             for at, name in enumerate([HOSTILE, "other"])}).encode()
        self.write("m.safetensors", struct.pack("<Q", len(header)) + header + bytes(8))
        self.refused_plainly("inspect", "m.safetensors", lines=2)
        self.refused_plainly("inspect", "m.safetensors:none", lines=2)

    def test_names_in_messages(self):
        self.write("w.yaml", f"ops:\n  - {{op: gemm, m: 1, n: 1, k: 1, {QUOTED}: 1}}\n")
        self.refused_plainly(*self.run_words(), lines=3)
        self.write("w.yaml", f"ops:\n  - {{name: {QUOTED}, op: gemm, m: 1, n: 1, k: 1}}\n")
        self.plain(self.refused(*self.run_words(), "--set", "workload.ops.none.m=1"))


if __name__ == "__main__":
    unittest.main()
