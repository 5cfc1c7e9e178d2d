"""Runs the built program in a folder of its own, with little memory and little time, as the command-line tests want it.

A test file calls `arguments()` first: ctest hands it the program and the source folder.
"""
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

MEMORY_BYTES = 1 << 30  # of address space: what no bad input may exceed

PLACE = re.compile(r"^(.+?):(\d+):(\d+): error: (.*)$", re.M)


def arguments() -> tuple[str, pathlib.Path]:
    """Takes the program and the source folder off the command line, so that unittest does not see them."""
    program = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "sparsesim"
    root = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parents[2]
    del sys.argv[1:]
    return program, root


PROGRAM, ROOT = arguments()
# A sanitizer reserves terabytes of addresses for its shadow, so the limit would stop it at its start.
SANITIZED = os.path.exists(PROGRAM) and re.search(b"__[at]san_init", pathlib.Path(PROGRAM).read_bytes()) is not None
# Containers run as root; what Open MPI itself never frees is no leak of the program.
OPEN_MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "ASAN_OPTIONS": "detect_leaks=0"}
SECONDS = 600 if SANITIZED else 120  # on a busy machine; each call takes well below one, and hangs none


def limit_memory():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def catches(pid: int, number: int) -> bool:
    """Whether a running process has a handler of a signal; true when it has ended."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return "zombie" in status["State"] or bool(int(status["SigCgt"], 16) >> (number - 1) & 1)


def interrupt(process: subprocess.Popen):
    """Ctrl-C as soon as the program listens to it, however long a busy machine takes to get it there."""
    while not catches(process.pid, signal.SIGINT):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)


class ProgramTest(unittest.TestCase):
    """Each test has an empty folder, in which the program runs."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def call(self, *words: str, **options) -> subprocess.CompletedProcess:
        """Standard error is checked for what no user should ever see."""
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, timeout=SECONDS,
                              preexec_fn=limit_memory, **options)
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        self.assertGreaterEqual(done.returncode, 0, f"{words}: killed by signal {-done.returncode}\n{done.stderr[-2000:]}")
        for word in ["internal error", "out of memory", "terminate called", "runtime error:", "Sanitizer:"]:
            self.assertNotIn(word, done.stderr, words)
        return done

    def accepted(self, *words: str, **options) -> str:
        done = self.call(*words, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout

    def refused(self, *words: str, **options) -> str:
        """What standard error says of bad input: exit code 2 and nothing on standard output."""
        done = self.call(*words, **options)
        self.assertEqual((done.returncode, done.stdout), (2, ""), f"{words}\n{done.stdout}{done.stderr}")
        self.assertLess(len(done.stderr), 200_000, words)
        return done.stderr

    def assert_interrupted(self, *words: str):
        """Ctrl-C ends the call at once: exit code 130, one word why, nothing on standard output."""
        child = subprocess.Popen([PROGRAM, *words], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        interrupt(child)
        out, err = child.communicate(timeout=60)
        self.assertEqual((child.returncode, out), (130, b""), err)
        self.assertIn(b"interrupted", err)

    def run_words(self, workload="w.yaml", substrate="a100") -> list[str]:
        return ["run", "--substrate", substrate, "--workload", workload, "--quiet"]


def places(text: str) -> list[tuple[str, str]]:
    """("file:line:column", message) of every mistake, in the order printed."""
    return [(f"{file}:{line}:{column}", message) for file, line, column, message in PLACE.findall(text)]
