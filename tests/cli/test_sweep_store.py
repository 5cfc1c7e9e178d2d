"""Results files of sweeps as users meet them: killed, full, locked, merged, damaged; export says the same bytes."""
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from databases import database_of
from program import PROGRAM, ProgramTest

SWEEP = ["sweep", "--substrate", "a100", "--workload", "pruned-linear", "--vary", "workload.ops.linear.sparsity=0.5,0.9",
         "--vary", "workload.ops.linear.m=1:50:1", "--quiet"]
POINTS = 100


class Results(ProgramTest):
    simulated = b""  # the file of a sweep that nothing disturbed, made once

    def export(self, file: str, *words: str) -> str:
        return self.accepted("export", file, *words)

    def stopped(self, *words: str) -> str:
        """The one line on standard error of what the state of the system stops: exit code 1."""
        done = self.call(*words)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), done.stderr)
        return done.stderr

    def whole(self) -> str:
        """The export of a sweep that nothing disturbed."""
        if not Results.simulated:
            self.accepted(*SWEEP, "--out", "whole.sqlite")
            Results.simulated = (self.folder / "whole.sqlite").read_bytes()
        self.write("whole.sqlite", Results.simulated)
        return self.export("whole.sqlite")

    def assert_sound(self, file: str):
        with database_of(self.folder / file) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            if database.execute("SELECT count(*) FROM sqlite_schema").fetchall() == [(0,)]:
                return  # stopped before its tables were made
            lonely = "SELECT count(*) FROM member WHERE point NOT IN (SELECT point FROM point)"
            self.assertEqual(database.execute(lonely).fetchall(), [(0,)])

    def mounted(self, options: str, source: str = "tmpfs") -> pathlib.Path:
        """A small file system of its own, below the folder of the test; the source is tmpfs or an image of ext4."""
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small file system")
        place = self.folder / "small"
        place.mkdir()
        kind = "tmpfs" if source == "tmpfs" else "ext4"
        done = subprocess.run(["mount", "-t", kind, "-o", options, source, place], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"cannot mount a small file system: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", place])
        return place

    def fill(self, place: pathlib.Path):
        """Leaves no block of a small file system free."""
        with open(place / "rest", "ab", buffering=0) as rest:
            for size in [4096, 1]:
                try:
                    while rest.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass
            try:
                os.fsync(rest.fileno())
            except OSError:
                pass


class WhatIsWrittenStays(Results):
    def test_a_killed_sweep_goes_on_and_ends_with_the_same_bytes(self):
        whole = self.whole()
        for milliseconds in [5, 30, 60, 90, 120]:
            program = subprocess.Popen([PROGRAM, *SWEEP, "--out", "killed.sqlite"], cwd=self.folder,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(milliseconds / 1000)
            program.send_signal(signal.SIGKILL)
            program.wait()
            if (self.folder / "killed.sqlite").exists():
                self.assert_sound("killed.sqlite")
        self.accepted(*SWEEP, "--out", "killed.sqlite")
        self.assertEqual(self.export("killed.sqlite"), whole)
        self.assertEqual(len(whole.splitlines()), 1 + POINTS)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["killed.sqlite", "whole.sqlite"])

    def test_a_full_disk_ends_a_sweep_with_one_line_and_keeps_its_points(self):
        whole = self.whole()
        small = self.mounted("size=256k")
        line = self.stopped(*SWEEP, "--out", "small/r.sqlite")
        self.assertEqual(line, "sparsesim: small/r.sqlite: the disk is full\n")
        kept = self.export("small/r.sqlite").splitlines()  # while the disk is full
        self.assertGreater(len(kept), 2)
        self.assertTrue(set(kept) < set(whole.splitlines()))
        self.stopped(*SWEEP, "--out", "small/r.sqlite")
        self.assertGreaterEqual(len(self.export("small/r.sqlite").splitlines()), len(kept))
        subprocess.run(["mount", "-o", "remount,size=16m", small], check=True)
        self.accepted(*SWEEP, "--out", "small/r.sqlite")
        self.assert_sound("small/r.sqlite")
        self.assertEqual(self.export("small/r.sqlite"), whole)

    def test_a_full_loop_back_disk_keeps_its_points_and_goes_on_with_room(self):
        whole = self.whole()
        image = self.folder / "disk.img"
        with open(image, "wb") as file:
            file.truncate(4 << 20)
        if not shutil.which("mkfs.ext4") or subprocess.run(["mkfs.ext4", "-q", image]).returncode != 0:
            self.skipTest("no mkfs.ext4 to make a small file system")
        small = self.mounted("loop", str(image))
        room = os.statvfs(small)
        (small / "ballast").write_bytes(bytes(room.f_bfree * room.f_bsize - (200 << 10)))
        line = self.stopped(*SWEEP, "--out", "small/r.sqlite")
        self.assertEqual(line, "sparsesim: small/r.sqlite: the disk is full\n")
        self.fill(small)
        kept = self.export("small/r.sqlite").splitlines()
        self.assertGreater(len(kept), 2)
        self.assertTrue(set(kept) < set(whole.splitlines()))
        (small / "ballast").unlink()
        self.accepted(*SWEEP, "--out", "small/r.sqlite")
        self.assert_sound("small/r.sqlite")
        self.fill(small)
        self.assertEqual(self.export("small/r.sqlite"), whole)
        (small / "rest").unlink()
        self.assertEqual(self.export("small/r.sqlite"), whole)

    def test_a_disk_that_is_full_from_the_start(self):
        small = self.mounted("size=64k")
        try:
            (small / "ballast").write_bytes(bytes(1 << 20))
        except OSError:
            pass  # as much as there was room for
        self.assertIn("small/r.sqlite: ", self.stopped(*SWEEP, "--out", "small/r.sqlite"))
        (small / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=16m", small], check=True)
        self.accepted(*SWEEP, "--out", "small/r.sqlite")
        self.assertEqual(len(self.export("small/r.sqlite").splitlines()), 1 + POINTS)

    def test_a_file_on_read_only_media_is_read_and_not_written(self):
        whole = self.whole()
        small = self.mounted("size=16m")
        shutil.copy(self.folder / "whole.sqlite", small / "50% #1?.sqlite")
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        self.assertEqual(self.export("small/50% #1?.sqlite"), whole)
        self.assertIn("Read-only file system", self.refused(*SWEEP, "--out", "small/50% #1?.sqlite"))


class OneWriter(Results):
    def test_a_second_writer_is_refused_while_readers_read(self):
        whole = self.whole()
        with open(self.folder / "whole.sqlite.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for words in [SWEEP, ["merge", "whole.sqlite"]]:
                line = self.stopped(*words, "--out", "whole.sqlite")
                self.assertRegex(line, r"^sparsesim: whole.sqlite: another sweep is writing to it \(\S+.lock is held\)$")
            self.assertEqual(self.export("whole.sqlite"), whole)
        self.accepted(*SWEEP, "--out", "whole.sqlite")
        self.assertFalse((self.folder / "whole.sqlite.lock").exists())


class Merging(Results):
    def part(self, name: str, condition: str) -> str:
        """A copy of the whole file with the places for which the condition holds."""
        shutil.copy(self.folder / "whole.sqlite", self.folder / name)
        with database_of(self.folder / name) as database:
            database.execute(f"DELETE FROM member WHERE NOT ({condition})")
            for table in ["point", "op"]:
                database.execute(f"DELETE FROM {table} WHERE point NOT IN (SELECT point FROM member)")
        return name

    def test_parts_make_the_whole_in_any_order(self):
        whole = self.whole()
        parts = [self.part("a", "position % 3 = 0"), self.part("b", "position % 3 = 1"), self.part("c", "position % 3 = 2 OR position > 10")]
        counts = []
        for number, order in enumerate([parts, parts[::-1], [*parts, *parts]]):
            done = self.call("merge", *order, "--out", f"{number}.sqlite")
            self.assertEqual((done.returncode, done.stdout), (0, ""))
            counts.append([int(line.split(": ")[1].split()[0]) for line in done.stderr.splitlines()])
            self.accepted("merge", "--quiet", "a", "--out", f"{number}.sqlite")
            for words in [[], ["--format", "jsonl"], ["--table", "ops"]]:
                self.assertEqual(self.export(f"{number}.sqlite", *words), self.export("whole.sqlite", *words))
        self.assertEqual([sum(count) for count in counts], [POINTS] * 3)
        self.assertEqual(counts[2][3:], [0, 0, 0])

    def test_a_part_of_other_inputs_is_refused_and_the_target_stays(self):
        whole = self.whole()
        self.part("other", "position < 5")
        with database_of(self.folder / "other") as database:
            for table in ["point", "member", "op"]:
                database.execute(f"UPDATE {table} SET point = 'f' || substr(point, 2)")
        self.assertIn("position 0 of sweep", self.refused("merge", "other", "--out", "whole.sqlite"))
        self.assertEqual(self.export("whole.sqlite"), whole)


class Exporting(Results):
    def test_rows_of_both_tables_and_formats(self):
        rows = [line.split(",") for line in self.whole().splitlines()]
        objects = [json.loads(line) for line in self.export("whole.sqlite", "--format", "jsonl").splitlines()]
        self.assertEqual(len(objects), POINTS)
        for row, found in zip(rows[1:], objects):
            self.assertEqual(list(found), rows[0])
            at = rows[0].index("realised_speedup")
            self.assertEqual(float(row[at]), found["realised_speedup"])
            self.assertAlmostEqual(found["dense_us"] / found["sparse_us"], found["realised_speedup"], places=9)
        ops = self.export("whole.sqlite", "--table", "ops")
        self.accepted("export", "whole.sqlite", "--table", "ops", "--out", "ops.csv")
        self.assertEqual((self.folder / "ops.csv").read_text(), ops)

    def test_output_that_cannot_be_written(self):
        self.whole()
        self.assertIn("No space left", self.stopped("export", "whole.sqlite", "--out", "/dev/full"))
        self.refused("export", "whole.sqlite", "--out", "nowhere/x.csv")
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "export", "whole.sqlite"], cwd=self.folder, stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)

    def test_what_is_no_results_file_is_one_line(self):
        whole = self.whole()
        self.write("text", "x" * 5000)
        self.write("empty", "")
        self.write("cut", (self.folder / "whole.sqlite").read_bytes()[:8192])
        (self.folder / "folder").mkdir()
        with database_of(self.folder / "other") as database:
            database.execute("CREATE TABLE t (x)")
        for name in ["text", "empty", "cut", "folder", "other", "missing", "nowhere/r.sqlite", "/dev/null"]:
            for words in [["export", name], ["merge", name, "--out", "all.sqlite"]]:
                line = self.refused(*words)
                self.assertTrue(line.startswith(f"sparsesim: {name}: "), line)
                self.assertEqual(line.count("\n"), 1, line)
            if name not in ["missing", "empty"]:
                self.assertIn(name, self.refused(*SWEEP, "--out", name))
        self.assertEqual(self.export("whole.sqlite"), whole)


if __name__ == "__main__":
    unittest.main()
