"""Every kind of sparsity has a workload that runs, and every shipped workload runs on every kind of machine or says in one line why not."""
import csv
import io
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

    def points(self, workloads: list[str], substrates: list[str]) -> dict[tuple[str, str], dict[str, str]]:
        """What a sweep says of each workload on each machine. Launches alike are played once."""
        self.accepted("sweep", "--substrate", ",".join(substrates), "--workload", ",".join(workloads), "--quiet", "--out", "points.sqlite")
        rows = csv.DictReader(io.StringIO(self.accepted("export", "points.sqlite", "--format", "csv")))
        return {(row["workload"], row["substrate"]): row for row in rows}

    def run_on(self, workload: str, substrate: str, row: dict[str, str]):
        """`run`, with its waterfall and interval, says what the sweep says, or in one line why the machine cannot."""
        done = self.call(*self.run_words(workload, substrate))
        with self.subTest(workload=workload, substrate=substrate):
            lines = (done.stderr if row["error"] else done.stdout).splitlines()
            self.assertEqual((done.returncode, len(lines)), (1 if row["error"] else 0, 1), lines + done.stderr.splitlines())
            if not row["error"]:
                self.assertIn(f"realised {float(row['realised_speedup']):.2f}x", lines[0])
            else:
                self.assertIn(row["error"].replace(f"{ROOT}/", ""), lines[0].replace(f"{ROOT}/", ""))

    def test_each_workload_runs_on_each_machine_or_says_in_one_line_why_not(self):
        # A machine with the kernel library of another differs from it in numbers alone, a node in its fabric: one machine
        # of each library (the one whose file names it) tries all workloads, and one node of each kind of fabric.
        machines = [name for name in self.names("substrates") if self.names_its_library(name)]
        machines += ["a100-x8", "v100-x8", "h100-superpod-32"]
        workloads = self.names("workloads")
        points = {}
        for machine in machines:  # one sweep each: none takes long
            points.update(self.points(workloads, [machine]))
            (self.folder / "points.sqlite").unlink()
        self.assertEqual(len(points), len(machines) * len(workloads))
        for position, workload in enumerate(workloads):
            ran = [name for name in machines if not points[workload, name]["error"]]
            refused = [name for name in machines if points[workload, name]["error"]]
            with self.subTest(workload=workload):
                self.assertTrue(ran, f"{workload} runs nowhere")
                for name in refused:
                    self.assertEqual(len(points[workload, name]["error"].splitlines()), 1)
            # `run` costs ten times as much as a point: one machine for each workload, another for the next.
            for some in filter(None, (ran, refused)):
                self.run_on(workload, some[position % len(some)], points[workload, some[position % len(some)]])

    def test_a_shipped_workload_runs_on_every_machine_or_says_why_not(self):
        substrates = self.names("substrates")
        for (workload, substrate), row in self.points(["moe64"], substrates).items():
            with self.subTest(substrate=substrate):
                self.assertEqual(row["error"] == "", row["realised_speedup"] != "", row)
                self.assertLessEqual(len(row["error"].splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
