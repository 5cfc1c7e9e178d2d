"""Every kind of sparsity has a workload that runs, and every shipped workload runs on every kind of machine or says in one line why not."""
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ROOT, ProgramTest


def kinds(text: str) -> dict[str, dict[str, list[str]]]:
    """Formats, ops, kernels and workloads of each kind that `list kinds` prints."""
    table: dict[str, dict[str, list[str]]] = {}
    for line in text.splitlines()[1:]:
        if line[2] != " ":
            fields = table.setdefault(line.split()[0], {})
        else:
            key, _, value = line.strip().partition(":")
            fields[key] = value.split()
    return table


class Kinds(ProgramTest):
    def names_its_library(self, substrate: str) -> bool:
        return re.search("^architecture:", (ROOT / "substrates" / f"{substrate}.yaml").read_text(), re.M) is not None

    def names(self, what: str) -> list[str]:
        return self.accepted("list", what, "--names").split()

    def test_each_kind_has_formats_kernels_and_a_shipped_workload(self):
        shipped = set(self.names("workloads"))
        table = kinds(self.accepted("list", "kinds"))
        self.assertEqual(list(table), self.names("kinds"))
        for name, fields in table.items():
            for key in ("formats", "ops", "kernels", "workloads"):
                self.assertTrue(fields.get(key), f"{name} has no {key}")
            self.assertLessEqual(set(fields["workloads"]), shipped, name)

    def test_each_workload_runs_on_each_machine_or_says_in_one_line_why_not(self):
        # A machine with the kernel library of another differs from it in numbers alone, a node in its fabric: one machine
        # of each library (the one whose file names it) tries all workloads, and one node of each kind of fabric.
        machines = [name for name in self.names("substrates") if self.names_its_library(name)]
        machines += ["a100-x8", "v100-x8", "h100-superpod-32"]
        others = [name for name in self.names("substrates") if name not in machines]
        for workload in self.names("workloads"):
            ran = 0
            tried = machines + (others if workload == "moe64" else [])
            # Whole models differ in sizes: one with sparse weights and one with experts stand for all.
            model = re.search("^model:", (ROOT / "workloads" / f"{workload}.yaml").read_text(), re.M)
            if model and workload not in ("llama-2-7b-2to4", "mixtral-8x7b"):
                tried = ["a100-x8", "mi300x-x8", "tpu-v5e", "epyc-milan-2c"]
            for substrate in tried:
                done = self.call(*self.run_words(workload, substrate))
                with self.subTest(workload=workload, substrate=substrate):
                    self.assertIn(done.returncode, (0, 1), done.stderr)
                    lines = (done.stdout if done.returncode == 0 else done.stderr).splitlines()
                    self.assertEqual(len(lines), 1, lines)
                    ran += done.returncode == 0
            self.assertGreater(ran, 0, f"{workload} runs nowhere")


if __name__ == "__main__":
    unittest.main()
