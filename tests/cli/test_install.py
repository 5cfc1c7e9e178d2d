"""cmake --install: the program finds what was installed with it, and other projects find the libraries."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import OPEN_MPI, PROGRAM, SANITIZED

BUILD = pathlib.Path(PROGRAM).parent
CONSUMER = {
    "CMakeLists.txt": """cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
find_package(sparsesim REQUIRED)
add_executable(consumer main.cpp)
target_link_libraries(consumer PRIVATE sparsesim::config)
""",
    "main.cpp": """#include <cstdio>
#include "sim/config/reader.h"
int main() {
  sparsesim::config::Diagnostics diagnostics;
  const auto file = sparsesim::config::load_text("peak: 2039 GB/s", "memory", diagnostics);
  std::printf("%.0f", sparsesim::config::parse_quantity(file.find("peak")->scalar(),
                                                       sparsesim::config::Dimension::bandwidth).value());
}
"""}


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, **options)
    if done.returncode != 0:
        raise AssertionError(f"{words}\n{done.stdout}{done.stderr}")
    return done.stdout


@unittest.skipUnless(shutil.which("cmake") and (BUILD / "cmake_install.cmake").exists(), "not run from a CMake build")
class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.prefix = pathlib.Path(cls.folder.name) / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.program = cls.prefix / "bin/sparsesim"
        cls.shared = cls.prefix / "share/sparsesim"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_the_program_uses_the_files_installed_with_it(self):
        note = self.shared / "workloads/mine.yaml"
        note.write_text("title: only here\nops:\n  - {op: gemm, m: 1, n: 1, k: 1}\n")
        self.addCleanup(note.unlink)
        self.assertRegex(run(self.program, "list", "workloads"), r"(?m)^  mine +only here$")
        self.assertIn("mine on a100-sxm4-80gb:", run(self.program, "run", "--substrate", "a100", "--workload", "mine", "--quiet"))

    def test_every_shipped_file_is_installed(self):
        for words in [["list"], ["list", "kernels"]]:
            self.assertEqual(run(self.program, *words), run(PROGRAM, *words))
        self.assertEqual(run(self.program, "show", "h100-x8"), run(PROGRAM, "show", "h100-x8"))

    def test_a_list_names_broken_files_and_goes_on(self):
        broken = {"workloads/torn.yaml": "ops: [\n", "substrates/blob.yaml": b"\x00\x01".decode(), "substrates/half.yaml": "base: nobody\n"}
        sound = run(self.program, "list", "--names")
        for name, text in broken.items():
            (self.shared / name).write_text(text)
            self.addCleanup((self.shared / name).unlink)
        (self.shared / "workloads/folder.yaml").mkdir()
        self.addCleanup((self.shared / "workloads/folder.yaml").rmdir)
        listed = run(self.program, "list") + run(self.program, "list", "kernels")
        for line in ["torn.yaml", "blob.yaml", "half.yaml", "folder.yaml"]:
            self.assertRegex(listed, f"{line} +cannot be read: ")
        for word in sound.split():
            self.assertIn(word, listed)
        self.assertEqual(set(run(self.program, "list", "--names").split()) - set(sound.split()), {"half"})
        # A broken neighbour disturbs nobody else.
        self.assertIn("moe64 on", run(self.program, "run", "--substrate", "a100", "--workload", "moe64", "--quiet"))

    def test_manual_page_and_completions_are_what_the_program_prints(self):
        share = self.prefix / "share"
        for path, words in [("man/man1/sparsesim.1", ["man"]), ("bash-completion/completions/sparsesim", ["completion", "bash"]),
                            ("zsh/site-functions/_sparsesim", ["completion", "zsh"]),
                            ("fish/vendor_completions.d/sparsesim.fish", ["completion", "fish"])]:
            self.assertEqual((share / path).read_text(), run(self.program, *words))

    @unittest.skipUnless((BUILD / "sparsesim-mpi.so").exists() and shutil.which("mpirun"), "built without MPI, or no mpirun here")
    def test_the_program_finds_the_mpi_module_installed_with_it(self):
        out = run("mpirun", "--oversubscribe", "-np", 2, self.program, "sweep", "--substrate", "a100", "--workload",
                  "pruned-linear", "--out", self.prefix / "r.sqlite", "--quiet", env=os.environ | OPEN_MPI)
        self.assertIn("1 points simulated", out)

    @unittest.skipIf(SANITIZED, "the consumer would need the sanitizers too")
    def test_another_project_finds_the_package_and_builds(self):
        project = pathlib.Path(self.folder.name) / "consumer"
        project.mkdir()
        for name, text in CONSUMER.items():
            (project / name).write_text(text)
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        run("cmake", "-S", project, "-B", project / "build", *generator, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", project / "build")
        self.assertEqual(run(project / "build/consumer"), "2039000000000")


if __name__ == "__main__":
    unittest.main()
