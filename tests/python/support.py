"""What the tests of the Python package share. Called with the program, the source tree and, where it was built, the package's folder."""
import contextlib
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, ROOT = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
if len(sys.argv) > 3:
    sys.path.insert(0, sys.argv[3])
else:
    print("skipped: Python package (pybind11 or Python's headers were not found when this was configured)")
    print("cases: 1 passed, 0 failed, 0 skipped")
    sys.exit(0)


def need(*modules: str):
    """Skips a test where a module is not installed."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise unittest.SkipTest(f"{module} is not installed for {sys.executable}")


def program(*words) -> dict:
    """The JSON that the program prints."""
    done = subprocess.run([PROGRAM, *map(str, words), "--format", "json"], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


@contextlib.contextmanager
def folder():
    """An empty current folder."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as path:
        os.chdir(path)
        try:
            yield pathlib.Path(path)
        finally:
            os.chdir(before)


def main():
    unittest.main(argv=sys.argv[:1])
