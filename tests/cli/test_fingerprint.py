"""A short fingerprint of the machine at hand, from microbenchmarks to a file that loads; and what must hold on any processor."""
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import PROGRAM, SANITIZED, ProgramTest

SECONDS = 300  # some seconds on a quiet machine


def number(text: str, path: str) -> float:
    """The value of a number of a file with one leaf a line, in the unit it is written in."""
    groups = []
    for line in text.splitlines():
        match = re.match(r"^( *)([\w-]+):(.*)$", line)
        if not match:
            continue
        groups[len(match[1]) // 2:] = [match[2]]
        if ".".join(groups) == path:
            value = re.search(r"value: ([0-9.e+-]+) ?(\S*?)[,}]", match[3])
            return float(value[1]) * {"": 1, "ns": 1e-9, "us": 1e-6, "ps": 1e-12, "GB/s": 1e9, "MB/s": 1e6, "TB/s": 1e12,
                                      "GHz": 1e9, "MHz": 1e6, "B": 1, "KiB": 1024, "MiB": 2**20, "GiB": 2**30, "kB": 1e3,
                                      "MB": 1e6, "GB": 1e9}.get(value[2], 1)
    raise AssertionError(f"no number {path}")


class FingerprintTest(ProgramTest):
    def fingerprint(self, *words: str) -> subprocess.CompletedProcess:
        """Without the limit on addresses: matrix libraries reserve more than they use."""
        return subprocess.run([PROGRAM, "fingerprint", "--backend", "cpu", "--quick", "--quiet", *words], cwd=self.folder,
                              capture_output=True, text=True, timeout=SECONDS)

    def test_short_fingerprint_loads_shows_and_obeys_physics(self):
        if SANITIZED or not (pathlib.Path(PROGRAM).parent / "sparsesim-cpu").exists():
            self.skipTest("no backend beside the program")
        done = self.fingerprint("--out", "my.yaml", "--name", "my-processor")
        if done.returncode == 3:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["my.yaml"], "the backend's own file is gone")
        text = (self.folder / "my.yaml").read_text()
        self.assertNotIn("\nbase:", text)
        self.assertIn("taken from ", text)
        self.check_physics(text)
        shown = self.call("show", "my.yaml")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for words in ["my-processor", "measured granule", "cache line", "read_all", "latency"]:
            self.assertIn(words, shown.stdout)

    def check_physics(self, text: str):
        clock = number(text, "compute.clock")
        self.assertTrue(0.5e9 < clock < 8e9, clock)
        l1, mid = number(text, "memory.l1.latency") / clock, number(text, "memory.mid.latency") / clock
        dram = number(text, "memory.dram.latency")
        self.assertLess(l1, mid)
        self.assertLess(mid, dram)
        self.assertLess(1, number(text, "memory.l1.latency"), "a load takes cycles")
        self.assertLess(number(text, "memory.l1.capacity"), number(text, "memory.mid.capacity"))
        self.assertLess(number(text, "memory.mid.capacity"), number(text, "memory.l2.capacity"))
        self.assertLess(number(text, "memory.dram.achieved"), number(text, "memory.l1.bandwidth") * clock)
        self.assertLessEqual(number(text, "memory.dram.achieved"), number(text, "memory.dram.peak"))
        self.assertLessEqual(number(text, "compute.pipes.tensor_sustained"), 1)

    def test_more_threads_than_cores_are_refused(self):
        if not (pathlib.Path(PROGRAM).parent / "sparsesim-cpu").exists():
            self.skipTest("no backend beside the program")
        done = self.fingerprint("--out", "my.yaml", "--threads", "4096")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertFalse((self.folder / "my.yaml").exists())


if __name__ == "__main__":
    unittest.main()
