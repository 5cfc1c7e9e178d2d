"""Sweeps on several ranks as users meet them: mpirun, ranks that die, two hosts; the results are those of one process."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import OPEN_MPI, PROGRAM, SANITIZED, ProgramTest

MPIRUN = shutil.which("mpirun")
MODULE = pathlib.Path(PROGRAM).parent / "sparsesim-mpi.so"
SWEEP = ["sweep", "--substrate", "a100", "--workload", "pruned-linear", "--vary", "workload.ops.linear.sparsity=0.5,0.9",
         "--vary", "workload.ops.linear.m=1:50:1"]
POINTS = 100
# The points that cost most, a hundred times the others, are the first ones or the last ones.
UNEVEN = ["sweep", "--substrate", "a100", "--workload", "pruned-linear", "--quiet", "--vary",
          "workload.ops.linear.n=8192,7168,64,72,80,88,96,104,112,120,128,136,144,152,160,168,176,184,192,200,6144",
          "--vary", "workload.ops.linear.m=2048,1,2"]
LONG_POINTS = 800  # seconds of work for three ranks: signals come before the end
LONG = ["sweep", "--substrate", "a100", "--workload", "pruned-linear", "--quiet", "--vary", f"workload.ops.linear.m=1:{LONG_POINTS}:1"]
WRITTEN = 150_000  # bytes of a write-ahead log: its tables take a third, each point some 12,000


def needs(found: bool, what: str):
    return unittest.skipUnless(found, what)


@needs(MPIRUN is not None, "no mpirun here")
@needs(MODULE.exists(), "built without MPI")
class Ranks(ProgramTest):
    whole_files = {}  # sweep -> its export from one process, made once

    def mpirun(self, ranks: int, *words: str) -> list[str]:
        return [MPIRUN, "--oversubscribe", "-np", str(ranks), PROGRAM, *words]

    def start(self, command: list[str]) -> subprocess.Popen:
        return subprocess.Popen(command, cwd=self.folder, env=os.environ | OPEN_MPI, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def on_ranks(self, ranks: int, *words: str) -> subprocess.CompletedProcess:
        with self.start(self.mpirun(ranks, *words)) as process:
            out, err = process.communicate(timeout=600 if SANITIZED else 60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def whole(self, words: list[str]) -> tuple[str, str]:
        """What one process says and the export of its results."""
        if tuple(words) not in Ranks.whole_files:
            said = self.accepted(*words, "--out", "whole.sqlite")
            Ranks.whole_files[tuple(words)] = said, self.accepted("export", "whole.sqlite")
            (self.folder / "whole.sqlite").unlink()
        return Ranks.whole_files[tuple(words)]

    def assert_whole(self, words: list[str], file: str):
        self.assertEqual(self.accepted("export", file), self.whole(words)[1])
        self.assertEqual([path.name for path in self.folder.iterdir()], [file])

    def rows(self, file: str) -> int:
        """Points that a file has, whatever state its last writer left it in; 0 where it has no tables yet."""
        done = self.call("export", file)
        if done.returncode != 0:
            self.assertIn("an empty database", done.stderr)
        return max(len(done.stdout.splitlines()) - 1, 0)

    def running(self, ranks: int, words: list[str], file: str) -> tuple[subprocess.Popen, list[int]]:
        """A sweep of which every rank has written some points, and the processes of its ranks in their order."""
        process = self.start(self.mpirun(ranks, *words, "--out", file))
        self.addCleanup(process.kill)
        logs = [self.folder / f"{name}-wal" for name in [file, *(f"{file}.rank-{rank}" for rank in range(1, ranks))]]
        end = time.monotonic() + 60
        while not all(log.exists() and log.stat().st_size > WRITTEN for log in logs):
            self.assertIsNone(process.poll(), "ended before all ranks wrote")
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        return process, self.ranks_of(process)

    def ranks_of(self, process: subprocess.Popen) -> list[int]:
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        ranks = {}
        for child in children:
            for variable in pathlib.Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
                if variable.startswith(b"OMPI_COMM_WORLD_RANK="):
                    ranks[int(variable.split(b"=")[1])] = int(child)
        return [ranks[rank] for rank in sorted(ranks)]


class SameBytes(Ranks):
    def test_any_number_of_ranks_and_threads(self):
        said, _ = self.whole(SWEEP)
        for ranks, threads in [(1, 2), (2, 1), (4, 2)]:
            done = self.on_ranks(ranks, *SWEEP, "--threads", str(threads), "--out", "r.sqlite")
            self.assertEqual((done.returncode, done.stdout), (0, said.replace("whole.sqlite", "r.sqlite")), done.stderr)
            if ranks > 1:
                self.assertRegex(done.stderr, rf"sparsesim: {ranks} ranks, {ranks * threads} threads; \d+ messages")
                self.assertEqual(done.stderr.count(f"{POINTS} of {POINTS} points"), 1)
            self.assert_whole(SWEEP, "r.sqlite")
            (self.folder / "r.sqlite").unlink()

    def test_uneven_points(self):
        done = self.on_ranks(3, *UNEVEN, "--threads", "1", "--out", "u.sqlite")
        self.assertEqual((done.returncode, done.stdout), (0, "u.sqlite: 63 points simulated, 0 known before\n"), done.stderr)
        self.assertEqual(done.stderr, "")
        self.assert_whole(UNEVEN, "u.sqlite")

    def test_points_that_are_known_are_not_simulated(self):
        half = [word.replace("0.5,0.9", "0.9") for word in SWEEP]
        self.accepted(*half, "--out", "r.sqlite")
        done = self.on_ranks(2, *SWEEP, "--quiet", "--out", "r.sqlite")
        self.assertEqual((done.returncode, done.stdout), (0, "r.sqlite: 50 points simulated, 50 known before\n"))
        done = self.on_ranks(2, *SWEEP, "--quiet", "--out", "r.sqlite")
        self.assertEqual((done.returncode, done.stdout), (0, "r.sqlite: 0 points simulated, 100 known before\n"))


class RanksEnd(Ranks):
    def kept(self, file: str) -> int:
        return sum(self.rows(path.name) for path in self.folder.glob(f"{file}*") if not path.name.endswith(("-wal", "-shm", ".lock")))

    def test_a_rank_that_dies_loses_what_it_had_in_flight(self):
        process, ranks = self.running(3, LONG, "d.sqlite")
        os.kill(ranks[1], signal.SIGKILL)
        _, err = process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assertNotIn("d.sqlite:", err.replace("interrupted; d.sqlite:", ""))
        kept = self.kept("d.sqlite")
        self.assertGreater(kept, 3)
        done = self.on_ranks(2, *LONG, "--out", "d.sqlite")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"d.sqlite: {LONG_POINTS - kept} points simulated, {kept} known before\n")
        self.assert_whole(LONG, "d.sqlite")

    def test_all_die_and_one_process_goes_on(self):
        process, ranks = self.running(3, LONG, "a.sqlite")
        for victim in [process.pid, *ranks]:
            os.kill(victim, signal.SIGKILL)
        process.communicate(timeout=60)
        for rank in ranks:
            while pathlib.Path(f"/proc/{rank}").exists():
                time.sleep(0.01)
        self.assertEqual([path.name for path in sorted(self.folder.glob("*.rank-?"))], ["a.sqlite.rank-1", "a.sqlite.rank-2"])
        kept = self.kept("a.sqlite")
        self.assertGreater(kept, 3)
        said = self.accepted(*LONG, "--out", "a.sqlite")
        self.assertEqual(said, f"a.sqlite: {LONG_POINTS - kept} points simulated, {kept} known before\n")
        self.assert_whole(LONG, "a.sqlite")

    def test_a_signal_to_mpirun_or_to_one_rank_stops_all_in_good_order(self):
        for number in [signal.SIGINT, signal.SIGTERM]:
            process, ranks = self.running(3, LONG, "s.sqlite")
            if number == signal.SIGINT:
                process.send_signal(number)  # mpirun passes SIGTERM on
            else:
                os.kill(ranks[2], number)
            _, err = process.communicate(timeout=60)
            self.assertNotEqual(process.returncode, 0)
            self.assertEqual(err.count("sparsesim: interrupted; s.sqlite: "), 1, err)
            said = int(err.split("interrupted; s.sqlite: ")[1].split()[0])
            self.assertEqual([path.name for path in self.folder.iterdir()], ["s.sqlite"])
            self.assertEqual(self.rows("s.sqlite"), said)
            (self.folder / "s.sqlite").unlink()

    def test_a_second_sweep_on_the_same_file_is_refused(self):
        process, _ = self.running(2, LONG, "b.sqlite")
        done = self.on_ranks(2, *LONG, "--out", "b.sqlite")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.count("another sweep is writing to it"), 1, done.stderr)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


class Mistakes(Ranks):
    def test_a_mistake_is_said_once(self):
        self.write("bad.yaml", "substrate: a100\nworkload: pruned-linear\nwere: []\n")
        self.write("text.sqlite", "x" * 5000)
        for words, said in [(["--sbustrate", "a100"], 'unknown option "--sbustrate"'), (["missing.yaml"], "missing.yaml"),
                            (["bad.yaml"], 'bad.yaml:3:1: error: unknown key "were"'),
                            ([*SWEEP[1:], "--out", "text.sqlite"], "text.sqlite: no database of sweeps")]:
            done = self.on_ranks(3, "sweep", *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertEqual(done.stderr.count(said), 1, done.stderr)

    def test_a_disk_that_is_full_is_said_once_and_the_points_are_kept(self):
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small file system")
        (self.folder / "small").mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", self.folder / "small"]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            self.skipTest("cannot mount a small file system")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.folder / "small"])
        done = self.on_ranks(3, *SWEEP, "--quiet", "--out", "small/f.sqlite")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.count("the disk is full"), 1, done.stderr)
        subprocess.run(["mount", "-o", "remount,size=16m", self.folder / "small"], check=True)
        done = self.on_ranks(3, *SWEEP, "--quiet", "--out", "small/f.sqlite")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(int(done.stdout.split(", ")[1].split()[0]), 0)
        self.assertEqual(self.accepted("export", "small/f.sqlite"), self.whole(SWEEP)[1])


class WithoutMpi(ProgramTest):
    def test_ranks_are_refused_once_where_mpi_is_not_built(self):
        shutil.copy(PROGRAM, self.folder / "sparsesim")  # without the module beside it
        for rank, code, said in [(0, 2, True), (1, 0, False)]:
            for names in [("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE")]:
                environment = os.environ | dict(zip(names, [str(rank), "2"]))
                done = subprocess.run([self.folder / "sparsesim", *SWEEP], cwd=self.folder, env=environment,
                                      capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertEqual("built without MPI" in done.stderr, said)
        self.assertEqual(os.listdir(self.folder), ["sparsesim"])

    def test_one_rank_is_no_rank(self):
        environment = os.environ | {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"}
        self.accepted(*SWEEP, "--quiet", env=environment)

    def test_an_ordinary_sweep_loads_no_mpi(self):
        linked = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout
        self.assertNotRegex(linked, "libmpi|boost_mpi")


@needs(MPIRUN is not None, "no mpirun here")
@needs(MODULE.exists(), "built without MPI")
class TwoHosts(ProgramTest):
    def test_two_network_namespaces_over_tcp(self):
        script = pathlib.Path(__file__).resolve().parents[2] / "scripts/two_hosts"
        done = subprocess.run([script, PROGRAM, *SWEEP, "--quiet", "--out", "n.sqlite"], cwd=self.folder, env=os.environ | OPEN_MPI,
                              capture_output=True, text=True, timeout=600 if SANITIZED else 120)
        if done.returncode == 77:
            self.skipTest(done.stderr.strip())
        self.assertEqual((done.returncode, done.stdout), (0, f"n.sqlite: {POINTS} points simulated, 0 known before\n"), done.stderr)
        self.accepted(*SWEEP, "--quiet", "--out", "one.sqlite")
        self.assertEqual(self.accepted("export", "n.sqlite"), self.accepted("export", "one.sqlite"))


if __name__ == "__main__":
    unittest.main()
