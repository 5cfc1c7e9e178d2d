#!/usr/bin/env python3
"""sparsesim atlas, and docs/atlas.md: every shipped machine stands on it, its links lead somewhere, and a sample of its cells is what is simulated today."""
import pathlib
import random
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import PROGRAM, ROOT, ProgramTest, interrupt

PAGE = (ROOT / "docs/atlas.md").read_text(encoding="utf-8")
LABELS = set(re.findall(r"^\| \[(.+?)\]\(\.\./substrates/", PAGE, re.M))
RENEW = "run scripts/atlas and review the difference"


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """Rows of machines in the section, by the name of the machine; several tables add up."""
    section = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^## |^### |\Z)", page, re.M | re.S)
    found: dict[str, list[str]] = {}
    for line in section[1].splitlines() if section else []:
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and (machine := re.sub(r"\[(.+?)\]\(.*", r"\1", cells[0])) in LABELS:
            found.setdefault(machine, []).append("|".join(cells[2:]))
    return found


class Page(ProgramTest):
    def machines(self) -> list[str]:
        return self.accepted("list", "substrates", "--names").split()

    def test_every_shipped_machine_is_on_the_page(self):
        for name in self.machines():
            self.assertIn(f"(../substrates/{name}.yaml)", PAGE, RENEW)

    def test_links_lead_somewhere(self):
        anchors = {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
                   for title in re.findall(r"^#+ (.*)$", PAGE, re.M)}
        for target in set(re.findall(r"\]\(([^)]+)\)", PAGE)):
            path, _, anchor = target.partition("#")
            if path:
                self.assertTrue((ROOT / "docs" / path).exists(), target)
            elif anchor:
                self.assertIn(anchor, anchors)

    def test_tables_are_rectangular(self):
        for table in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.M):
            self.assertEqual(len({line.count("|") for line in table.splitlines()}), 1, table.splitlines()[0])

    def same_rows(self, fresh: str, heading: str):
        """What is simulated now stands on the page."""
        then, now = rows(PAGE, heading), rows(fresh, heading)
        self.assertTrue(now, heading)
        for machine, cells in now.items():
            self.assertEqual(then.get(machine), cells, f"{heading}, {machine}: {RENEW}")

    def test_granules_are_those_of_the_machines(self):
        fresh = self.accepted("atlas", "--only", "granules")
        self.assertEqual(rows(PAGE, "## Granules and their price"), rows(fresh, "## Granules and their price"), RENEW)

    def test_a_sample_of_the_map_is_what_is_simulated(self):
        """Machines that are cheap to ask, one of them drawn anew with every change of the page."""
        names = [name for name in self.machines() if re.match(r"(tpu|epyc|xeon|scnn|sigma|groq)", name) and "-x8" not in name]
        drawn = random.Random(PAGE).choice(names)
        fresh = self.accepted("atlas", "--substrate", f"tpu-v5e,{drawn}" if drawn != "tpu-v5e" else drawn, "--only", "map")
        for heading in ["### Decoding: zeros in weights", "### Decoding: everything else", "### Prompts: zeros in weights",
                        "### Prompts: everything else"]:
            self.same_rows(fresh, heading)

    def test_a_sample_of_the_break_evens_in_tokens_and_keys(self):
        fresh = self.accepted("atlas", "--substrate", "h100,tpu-v5e", "--only", "units")
        self.same_rows(fresh, "### Mixture of experts: how many tokens")
        self.same_rows(fresh, "### Retrieved keys: how long a context")

    def test_a_sample_of_the_break_evens_of_weights_is_where_speedups_cross(self):
        """Through another command: at the share on the page sparse is faster, one step of the search below it is not."""
        cells = [(machine, rows_, pattern, share) for machine in ("a100", "h100", "rtx-3090", "mi300x", "b200")
                 for rows_ in (16, 4096) for pattern, share in self.shares(machine, rows_)]
        for machine, rows_, (words, name), share in random.Random(PAGE).sample(cells, 6):
            step = 0.01 if share <= 0.9 else 0.005
            where = "workload.ops.projection."
            sweep = ["sweep", "--substrate", machine, "--workload", "llm-projection", "--out", f"{machine}-{rows_}-{name}.sqlite", "--quiet"]
            for key, value in [("m", rows_), ("sparsity", f"{share - step:.3f},{share:.3f}"), *words]:
                sweep += ["--vary", f"{where}{key}={value}"]
            self.accepted(*sweep)
            lines = self.accepted("export", sweep[6]).splitlines()
            at = lines[0].split(",").index("realised_speedup")
            below, above = (float(line.rsplit('"', 1)[-1].split(",")[at - len(lines[0].split(","))]) for line in lines[1:])
            self.assertLessEqual(below, 1, f"{machine} {rows_} {name} {share}: {RENEW}")
            self.assertGreater(above, 1, f"{machine} {rows_} {name} {share}: {RENEW}")

    def shares(self, machine: str, count: int):
        """Patterns and break-evens that stand inside the range of the search in the row of a machine."""
        heading = f"### {count} rows of activations"
        section = re.search(rf"^{heading}\n(.*?)(?=^<details|^## |^### )", PAGE, re.M | re.S)[1]
        heads: list[str] = []
        for line in section.splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if line.startswith("| machine"):
                heads = cells
            elif cells and cells[0].startswith(f"[{machine}]"):
                for head, cell in zip(heads[2:], cells[2:]):
                    head = head.replace("\u00a0", " ")
                    share = re.match(r"\**(\d+(?:\.\d)?)\u00a0%", cell.replace(" %", "\u00a0%"))
                    block = re.search(r"(\d+)x(\d+)", head)
                    if not share or not (block or head == "single weights"):
                        continue
                    words = [("pattern", "unstructured")] if not block else [
                        ("pattern", "vector" if "vectors" in head else "block"), ("block", f'"[{block[1]}, {block[2]}]"')]
                    yield (words, head.replace(" ", "-")), float(share[1]) / 100


class Command(ProgramTest):
    def test_a_machine_of_ones_own_stands_beside_a_shipped_one(self):
        self.write("mine.yaml", "name: mine\ntitle: a quicker memory\nbase: tpu-v5e\n"
                                "memory: {dram: {peak: {value: 3 TB/s, kind: guessed, source: idea}, achieved: {value: 2.5 TB/s, kind: guessed, source: idea}}}\nsources: {idea: what if}\n")
        page = self.accepted("atlas", "--substrate", "tpu-v5e,mine.yaml", "--only", "generations")
        self.assertIn("tpu5e -> mine", page)
        step = next(line for line in page.replace("\u00a0", " ").splitlines() if line.startswith("| experts, 16"))
        factors = [cell.strip() for cell in step.split("|")[4:8]]  # after what it is of, before and after
        self.assertEqual([factors[0], *factors[2:]], ["x1.00"] * 3)  # memory alone moved
        self.assertNotEqual(factors[1], "x1.00")

    def test_mistakes_are_named(self):
        for words, expected in [(["--only", "maps"], "known: map, weights"), (["--substrate", "a1000"], "a100"),
                                (["--accuracy", "none.md"], "none.md"), (["--out", "no/where.md"], "no/where.md")]:
            done = self.call("atlas", "--only", "granules", *words) if "--only" not in words else self.call("atlas", *words)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(expected, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_what_was_interrupted_goes_on(self):
        words = ["atlas", "--substrate", "rtx-3090", "--only", "weights", "--results", "a.sqlite", "--out", "a.md"]
        running = subprocess.Popen([PROGRAM, *words], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while running.poll() is None and not (self.folder / "a.sqlite").exists():
            time.sleep(0.02)
        interrupt(running)
        _, error = running.communicate(timeout=60)
        if running.returncode == 0:
            self.skipTest("it was done before the signal")
        self.assertEqual(running.returncode, 130, error)
        self.assertIn(b"goes on", error)
        self.assertFalse((self.folder / "a.md").exists())
        words[4] = "units"
        self.assertRegex(self.accepted(*words), r"a.md: 1 machines, \d+ points simulated, 0 known")
        self.assertRegex(self.accepted(*words), r"a.md: 1 machines, 0 points simulated, \d+ known")


if __name__ == "__main__":
    unittest.main()
