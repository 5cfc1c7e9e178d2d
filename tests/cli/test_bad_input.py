"""Bad files and bad command lines: each is refused with its place, what is wrong and what would be right, all mistakes of a file
at once, exit code 2, within 1 GiB and seconds."""
import os
import pathlib
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import PROGRAM, ProgramTest, places

GEMM = "ops:\n  - {op: gemm, m: 64, n: 64, k: 64}\n"
SPEC = "kind: spec, source: test}\nsources:\n  test: a citation\n"  # the rest of a number and what it cites


class Files(ProgramTest):
    """Input texts carry a "§" in front of each place where a mistake is reported; the sign itself is not in the file."""

    def marked(self, name: str, text: str) -> list[str]:
        """Writes the file; the places of its signs as file:line:column."""
        self.write(name, text.replace("§", ""))
        found = []
        for number, line in enumerate(text.split("\n"), 1):
            parts = line.split("§")
            found += [f"{name}:{number}:{len(''.join(parts[:i])) + 1}" for i in range(1, len(parts))]
        return found

    def expect(self, text: str, at: list[str], parts: tuple[str, ...] | list[str]):
        """Exactly these mistakes in this order: places, and for each a part of the message or of the hint below it."""
        self.assertEqual([place for place, _ in places(text)], at, text)
        for block, place, part in zip(text.split(": error: ")[1:], at, parts, strict=True):
            self.assertIn(part, block, place)

    def workload(self, text: str, *parts: str):
        at = self.marked("w.yaml", text)
        self.expect(self.refused(*self.run_words(substrate="a100-x8")), at, parts)

    def op(self, text: str, *parts: str):
        self.workload("ops:\n  - {op: " + text + "}\n", *parts)

    def substrate(self, text: str, *parts: str):
        """A substrate that inherits from the A100."""
        at = self.marked("s.yaml", "base: a100\n" + text)
        self.write("w.yaml", GEMM)
        self.expect(self.refused(*self.run_words(substrate="s.yaml")), at, parts)


class Keys(Files):
    def test_unknown_keys_name_the_nearest(self):
        self.op("gemm, m: 1, n: 1, k: 1, §dtpye: bf16", 'did you mean "dtype"?')
        self.op("§gem, m: 1", 'did you mean "gemm"?')
        self.op("gemm, m: 1, n: 1, k: 1, dtype: §bf61", 'did you mean "bf16"?')
        self.workload("§opps: 1\n" + GEMM, 'did you mean "ops"?')
        self.substrate("memory:\n  §drma: 1\n", 'did you mean "dram"?')
        self.substrate("compute:\n  pipes:\n    tensor:\n      §fp61: {}\n", 'did you mean "fp16"?')

    def test_duplicate_keys_and_names(self):
        self.workload("ops:\n  - op: gemm\n    m: 1\n    n: 1\n    §m: 2\n    k: 1\n", 'duplicate key "m"')
        self.workload("ops:\n  - {name: a, op: gemm, m: 1, n: 1, k: 1}\n  - {name: §a, op: gemm, m: 1, n: 1, k: 1}\n",
                      'duplicate op name "a"')
        self.substrate("title: one\n§title: two\n", 'duplicate key "title"')

    def test_missing_keys(self):
        self.workload("ops:\n  - §{op: gemm, m: 1, n: 1}\n", 'missing key "k"')
        self.workload("§title: nothing to do\n", 'missing key "ops"')
        self.workload("ops: §[]\n", "at least one op")
        self.workload("ops: §3\n", "must be a list")
        self.substrate("memory:\n  §sector: {value: 32 B, source: test}\nsources:\n  test: a citation\n", "kind")
        self.write("bare.yaml", "title: no number at all\n")
        text = self.refused("show", "bare.yaml")
        self.assertGreater(len(places(text)), 30, "every needed number is asked for at once")
        self.assertIn('missing key "memory.dram.peak"', text)

    def test_all_mistakes_of_a_file_in_one_pass_in_file_order(self):
        self.workload("name: §[1]\n"
                      "§sed: 3\n"
                      "ops:\n"
                      "  - {op: §gem, m: 1}\n"
                      "  - §{op: gemm, m: §0, n: §1.5, §kk: 3}\n"
                      "  - {op: all_reduce, bytes: §5 GHz}\n"
                      "  - {op: attention, seq: 8, heads: 2, head_dim: 64, window: §9, after: §nobody}\n",
                      "must be text", 'did you mean "seed"?', 'did you mean "gemm"?', 'missing key "k"', "1 to", "integer",
                      'unknown key "kk"', "GHz", "larger than the sequence", "nobody")


class Values(Files):
    def test_wrong_and_missing_units(self):
        for value in ["5 GB/s", "5", "5 parsecs", "five MB", "GB", "5 GB GB"]:
            self.op("all_to_all, bytes: §" + value, value)
        self.substrate("memory:\n  dram:\n    peak: {value: §2039 GHz, " + SPEC, "GB/s")
        self.substrate("memory:\n  dram:\n    peak: {value: §2039, " + SPEC, "unit")

    def test_zero_negative_not_a_number_infinite_and_overflowing_sizes(self):
        sizes = ["0", "-1", "-0", ".nan", ".inf", "-.inf", "nan", "inf", "1e3", "1.5", "0x10", "010", "1_000", "''", "~", "[1]",
                 "{a: 1}", "true", "2147483649", "9223372036854775808", "-9223372036854775809", "9" * 400]
        lines = "".join("  - {op: gemm, m: §%s, n: 1, k: 1}\n" % size for size in sizes)
        self.workload("ops:\n" + lines, *["an integer"] * len(sizes))
        sizes = ["0 B", "-1 B", "nan B", "inf GB", ".inf", ".nan", "1e999 GB", "1e300 TB", "-1e999 B"]
        lines = "".join("  - {op: all_to_all, bytes: §%s}\n" % size for size in sizes)
        self.workload("ops:\n" + lines, *["a size in bytes"] * len(sizes))
        for repeat in ["0", "-1", "1000001", "9" * 30]:
            self.op("gemm, m: 1, n: 1, k: 1, repeat: §" + repeat, "1 to 1000000")
        for factor in [".inf", ".nan", "-1", "1e999"]:
            self.op("moe_ffn, tokens: 8, hidden: 64, intermediate: 64, experts: 4, top_k: 2, capacity_factor: §" + factor, "number")
        for value in ["0 GB/s", "-1 GB/s", ".nan", ".inf", "1e999 GB/s"]:
            self.substrate("memory:\n  dram:\n    peak: {value: §%s, %s" % (value, SPEC), "peak")

    def test_numbers_that_contradict_each_other(self):
        self.substrate("memory:\n  dram:\n    §achieved: {value: 3 TB/s, " + SPEC, "above memory.dram.peak")
        attention = "attention, seq: 64, heads: 6, head_dim: 64, "
        self.op(attention + "window: §65", "window (65) is larger than the sequence (64)")
        self.op(attention + "window: §0", "1 to")
        self.op(attention + "kv_heads: §4", "multiple of kv_heads")
        layer = "moe_ffn, tokens: 8, hidden: 64, intermediate: 64, experts: 4, "
        self.op(layer + "top_k: §5", "top_k 5 of 4 experts")
        self.op(layer + "top_k: 2, devices: §5", "4 experts cannot be spread over 5 devices")
        self.op(layer + "top_k: 2, devices: 2, placement: listed, expert_device: §[0, 1]", "placement lists 2 of 4 experts")

    def test_routings_that_do_not_fit_their_layer(self):
        layer = "moe_ffn, tokens: 8, hidden: 64, intermediate: 64, experts: 4, top_k: 2, routing: §"
        self.op(layer + "'counts:[8,8,0]'", "lists 3 experts, the layer has 4")
        self.op(layer + "'counts:[9,7,0,0]'", "9 of 8 tokens")
        self.op(layer + "'counts:[8,7,0,0]'", "add to 15")
        self.op(layer + "'counts:[9223372036854775807,9223372036854775807,1,1]'", "not a count")
        self.op(layer + "zip:1", "zipf")
        self.op(layer + "power_law:nan", "exponent of 0 to 100")
        self.op("grouped_gemm, m: 8, n: 64, k: 64, experts: 4, routing: §'counts:[8,8,0,0]'", "add to 16")

    def test_sizes_that_no_run_can_hold_are_refused_at_the_op(self):
        most = 1 << 31
        for keys in [f"attention, seq: {most}, heads: 32, head_dim: 128", f"attention, seq: {most}, heads: 1, head_dim: 64, window: 1",
                     f"attention, batch: {most}, queries: 1, keys: {most}, heads: 64, head_dim: 64",
                     f"elementwise, elements: {1 << 44}, repeat: 1000000", "all_to_all, bytes: 1e15 B, devices: 8, repeat: 1000000",
                     "moe_ffn, tokens: 16777216, hidden: 16777216, intermediate: 16777216, experts: 65536, top_k: 2",
                     "moe_ffn, tokens: 8192, hidden: 4096, intermediate: 2048, experts: 65536, top_k: 65536"]:
            self.workload("ops:\n  - {op: elementwise, elements: 64}\n  - §{name: big, op: %s}\n" % keys, 'op "big": too large')
        self.op("moe_ffn, tokens: 16777216, hidden: 64, intermediate: 64, experts: 64, top_k: 64, routing: §uniform",
                "at most 16777216")


class References(Files):
    def test_bases_that_are_missing_or_form_a_cycle(self):
        self.write("w.yaml", GEMM)
        for text, part in [("base: §a100-sxm4-80bg\n", 'did you mean "a100-sxm4-80gb"?'), ("base: §s.yaml\n", "cycle"),
                           ("base: §./s.yaml\n", "cycle"), ("base: §[1]\n", "found a list"), ("base: §no-such\n", "is no substrate")]:
            at = self.marked("s.yaml", text)
            self.expect(self.refused(*self.run_words(substrate="s.yaml")), at, [part])
        for name, base in [("a", "b"), ("b", "c"), ("c", "a")]:
            self.write(name + ".yaml", f"title: {name}\nbase: ./{base}.yaml\n")
        self.assertIn("c.yaml:2:7: error: base", self.refused(*self.run_words(substrate="a.yaml")))

    def test_fabrics_and_kernel_libraries_that_are_missing(self):
        self.substrate("fabric: §hgx-a001\n", "no fabric is called")
        self.substrate("fabric: §../../etc/passwd\n", "no fabric is called")
        self.substrate("§architecture: sm08\n", "no kernel library is called")

    def test_fabrics_that_are_not_connected(self):
        lines = ("devices: 3\nfabric:\n  §name: test\n  topology: mesh\n  devices: 3\n  switches: 1\n  links:\n"
                 "    - {from: device0, to: switch0}\n    - {from: device1, to: switch0}\n")
        self.substrate(lines, "no route from device0 to device2")
        self.substrate(lines + "    - §{from: device2, to: switch7}\n", "no route", "switch7")
        self.substrate("§devices: 9\n", "devices is 9")

    def test_ops_that_wait_for_nobody_for_themselves_or_in_a_circle(self):
        gemm = "op: gemm, m: 1, n: 1, k: 1}\n"
        self.workload("ops:\n  - {name: first, after: §frist, " + gemm, 'did you mean "first"?')
        self.workload("ops:\n  - {name: a, after: §a, " + gemm, "no cycle")
        for no_name in ["''", "[[a]]", "{a: a}", "~"]:
            self.workload("ops:\n  - {name: a, after: §" + no_name + ", " + gemm, "the name of an earlier op")
        self.workload("ops:\n  - {name: a, after: [§b], " + gemm + "  - {name: b, after: a, " + gemm, "no cycle")

    def test_many_dead_references_stay_cheap(self):
        names = ", ".join(f"x{i}" for i in range(50_000))
        self.write("w.yaml", "ops:\n  - {op: gemm, m: 1, n: 1, k: 1, after: [%s]}\n" % names)
        text = self.refused(*self.run_words())
        self.assertEqual(len(places(text)), 200, "the rest is counted")
        self.assertIn("49800 more mistakes", text)


class Texts(Files):
    """Files that are not what they should be, in each place where a file is named."""

    def everywhere(self, content: str | bytes, part: str, line_column: str | None = None):
        self.write("f.yaml", content)
        self.write("w.yaml", GEMM)
        self.write("trace.yaml", "ops:\n  - {op: moe_ffn, tokens: 2, hidden: 64, intermediate: 64, experts: 4, top_k: 2, "
                                 "routing: 'trace:f.yaml'}\n")
        for words in [self.run_words(workload="f.yaml"), self.run_words(substrate="f.yaml"), ["show", "f.yaml"]]:
            text = self.refused(*words)
            self.assertIn(part, text)
            if line_column:
                self.assertTrue(text.startswith(f"f.yaml:{line_column}: error: "), text)
        self.refused(*self.run_words(workload="trace.yaml"))
        self.assertIn("f.yaml", self.refused("validate", "--measurements", "f.yaml"))

    def test_empty(self):
        for content in ["", "\n\n", "# a comment\n", "---\n", "\ufeff"]:
            self.everywhere(content, "missing key")

    def test_binary_and_not_utf8(self):
        self.everywhere(bytes(range(256)) * 16, "control character 0x00", "1:1")
        self.everywhere(b"\x7fELF\x02\x01\x01\x00", "control character 0x7F", "1:1")
        self.everywhere(b"title: caf\xe9\n", "byte 0xE9 is not UTF-8 text", "1:11")
        self.everywhere(b"title: \xc0\xaf\n", "not UTF-8 text", "1:8")  # an overlong slash
        self.everywhere(b"title: \xed\xa0\x80\n", "not UTF-8 text", "1:8")  # half of a surrogate pair
        self.everywhere("title: x\n".encode("utf-16"), "UTF-16")

    def test_huge(self):
        self.everywhere("# " + "x" * (5 << 20) + "\n", "larger than")
        self.everywhere("a: " + "y" * (4 << 20), "larger than")
        self.everywhere("x" * (4_000_000), "map")
        self.everywhere("- 1\n" * 400_000, "values")
        self.everywhere("\n" * 4_000_000, "values")
        self.everywhere("[" + "1," * 1_500_000 + "1]\n", "values")

    def test_deeply_nested(self):
        self.everywhere("[" * 100_000, "nested deeper than 32 levels")
        self.everywhere("{a: " * 50_000 + "1" + "}" * 50_000, "nested deeper than 32 levels")
        self.everywhere("- " * 100_000, "nested deeper than 32 levels")
        self.everywhere("? " * 100_000, "")
        self.everywhere("".join(" " * i + "a:\n" for i in range(1000)), "nested deeper than 32 levels")

    def test_anchors_and_aliases_are_refused_before_they_grow(self):
        bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        for last, name in zip("abcdefgh", "bcdefghi"):
            bomb += f"{name}: &{name} [{', '.join(['*' + last] * 9)}]\n"  # 9^9 values if they were followed
        self.everywhere(bomb, "anchors (&name) are not read")
        self.everywhere("a: &a [*a]\n", "anchors")
        self.everywhere("ops: &o\n  - *o\n", "anchors")
        self.everywhere("a: &x {b: 1}\nc:\n  <<: *x\n", "merge keys")
        self.everywhere("a: *nobody\n", "")

    def test_not_yaml(self):
        self.everywhere("a: [1, 2\nb: 3\n", "not valid YAML")
        self.everywhere("a: 'never closed\n", "")
        self.everywhere("a:\n\t- 1\n", "a tab in the indentation", "2:1")
        self.everywhere("a: 1\n---\nb: 2\n", "more than one YAML document")
        self.everywhere("a: !!python/object:os.system rm\n", "tags")
        self.everywhere("- a list\n", "map", "1:1")
        self.everywhere("just words\n", "map", "1:1")

    def test_long_lines_are_cut_in_messages(self):
        self.write("w.yaml", "ops:\n  - {op: gemm, m: 1, n: 1, k: 1, %s: 1}\n" % ("z" * 100_000))
        self.assertLess(len(self.refused(*self.run_words())), 4000)

    def test_control_characters_do_not_reach_the_terminal(self):
        self.write("w.yaml", 'ops:\n  - {op: "gemm\\e[31m", m: 1}\n')
        self.assertNotIn("\x1b", self.refused(*self.run_words()))
        self.assertNotIn("\x1b", self.refused("run", "--substrate", "\x1b[31m", "--workload", "w.yaml"))


class Paths(Files):
    """A name that leads to no readable file, in each place where a file is named."""

    def every_place(self, name: str, part: str, **options):
        self.write("w.yaml", GEMM)
        for words in [self.run_words(workload=name), self.run_words(substrate=name), ["show", name],
                      ["validate", "--measurements", name]]:
            text = self.refused(*words, **options)
            self.assertTrue(text.startswith(name + ": error: "), text)
            self.assertIn(part, text)

    def trace(self, name: str, part: str, **options):
        at = self.marked("t.yaml", "ops:\n  - {op: moe_ffn, tokens: 2, hidden: 64, intermediate: 64, experts: 4, top_k: 2, "
                                   f"routing: §'trace:{name}'}}\n")
        self.expect(self.refused(*self.run_words(workload="t.yaml"), **options), at, [part])

    def test_traces_are_named_in_the_workload(self):
        self.trace("no/such/file.csv", "no such")
        self.trace("x" * 300, "no routing trace ends in")
        (self.folder / "folder.npy").mkdir()
        self.trace("./folder.npy", "directory")
        os.mkfifo(self.folder / "pipe.jsonl")
        self.trace("pipe.jsonl", "not a regular file", stdin=subprocess.DEVNULL)
        os.symlink("b.csv", self.folder / "a.csv")
        os.symlink("a.csv", self.folder / "b.csv")
        self.trace("./a.csv", "")

    def test_missing_file(self):
        self.every_place("no/such/file.yaml", "no such")
        self.assertIn('did you mean "a100"?', self.refused(*self.run_words(substrate="a10O.yaml")))
        self.assertIn('did you mean "moe64"?', self.refused(*self.run_words(workload="moe46.yaml")))
        self.every_place("x" * 300, "")

    def test_directory_instead_of_a_file(self):
        (self.folder / "folder.yaml").mkdir()
        self.every_place("./folder.yaml", "directory")

    def test_special_files_are_refused_without_reading_them(self):
        os.mkfifo(self.folder / "pipe.yaml")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.folder / "socket.yaml"))
        os.symlink("/dev/zero", self.folder / "link.yaml")
        for name in ["pipe.yaml", "socket.yaml", "link.yaml", "/dev/zero", "/dev/urandom", "/dev/null", "/dev/stdin"]:
            self.every_place(name, "not a regular file", stdin=subprocess.DEVNULL)

    def test_a_file_that_claims_no_length_but_never_ends_is_cut_off(self):
        if not os.access("/proc/self/pagemap", os.R_OK):
            self.skipTest("no /proc/self/pagemap")
        self.refused(*self.run_words(workload="/proc/self/pagemap"))

    def test_symbolic_links_in_a_circle(self):
        os.symlink("b.yaml", self.folder / "a.yaml")
        os.symlink("a.yaml", self.folder / "b.yaml")
        self.every_place("./a.yaml", "")

    def test_unreadable_file(self):
        self.write("secret.yaml", GEMM)
        os.chmod(self.folder / "secret.yaml", 0)
        os.chmod(self.folder, 0o755)
        options = {}
        if os.geteuid() == 0:  # root reads everything: ask as nobody
            options["user"] = 65534
            reachable = all(os.stat(folder).st_mode & 0o005 == 0o005 for folder in pathlib.Path(PROGRAM).parents)
            if not reachable:
                self.skipTest("the program lies where only root can go")
        self.every_place("secret.yaml", "Permission denied", **options)


class Tables(Files):
    HEADER = "id,device,op,m,n,k,dtype,pattern,time_us\n"

    def table(self, text: str, *parts: str):
        at = self.marked("m.csv", text)
        self.expect(self.refused("validate", "--measurements", "m.csv"), at, parts)

    def test_headers(self):
        self.table("§id,device,op,§time_uss\nr1,a100,gemm,3\n", '"time_us" is missing', 'did you mean "time_us"?')
        self.table("id,§id,device,op,time_us\nr1,r1,a100,gemm,3\n", 'column "id" is given twice')
        self.assertIn("no rows", self.refused("validate", "--measurements", self.write("m.csv", self.HEADER)))
        self.assertIn("empty", self.refused("validate", "--measurements", self.write("m.csv", "\n\n")))

    def test_all_mistakes_of_rows_in_one_pass(self):
        self.table(self.HEADER +
                   "r1,a100,gemm,1,2,3,bf16,§dense\n"
                   "r2,a100,gemm,1,2,3,bf16,dense,4,§5\n"
                   "r3,a100,§gem,1,2,3,bf16,dense,4\n"
                   "§r3,a100,gemm,§-1,§2.5,§1e3,bf16,dense,4\n"
                   "r5,a100,gemm,1,2,3,bf16,dense,§0\n"
                   "r6,a100,gemm,1,2,§99999999999999999999,bf16,dense,§nan\n"
                   "§,a100,gemm,1,2,3,bf16,dense,§1e999\n"
                   "§r8,a100,gemm,1,2,3,bf16,dense,\n"
                   '§§"r9,a100,gemm,1,2,3,bf16,dense,3\n',
                   "8 fields where the header has 9", "10 fields where the header has 9", 'did you mean "gemm"?',
                   'id "r3" is given twice', "whole number", "whole number", "whole number", "above 0", "whole number", "above 0",
                   "id is empty", "above 0", "neither time_us nor speedup", "never closed", "1 fields where the header has 9")

    def test_several_files_at_once(self):
        self.write("a.csv", self.HEADER + "r1,a100,gem,1,2,3,bf16,dense,4\n")
        self.write("b.csv", self.HEADER + "r1,a100,gemm,1,2,3,bf16,dense,x\n")
        text = self.refused("validate", "--measurements", "a.csv", "missing.csv", "b.csv")
        self.assertEqual([place for place, _ in places(text)], ["a.csv:2:9", "b.csv:2:31"])
        self.assertIn("missing.csv: error: no such file", text)

    def test_rows_that_no_model_can_hold_fail_alone(self):
        self.write("m.csv", "id,device,op,m,n,k,dtype,pattern,params,time_us\n"
                            "r1,a100,gemm,1099511627776,1099511627776,1099511627776,bf16,dense,,4\n"
                            "r2,a100,moe_ffn,1099511627776,1099511627776,1099511627776,bf16,experts,experts=1099511627776;top_k=2,4\n"
                            "r3,a100,moe_ffn,8,64,64,bf16,experts,experts=4;top_k=9,4\n"
                            "r4,a100,attention,,,,bf16,dense,batch=2147483648;seq=2147483648;heads=2147483648;head_dim=64,4\n"
                            "r5,nowhere,gemm,1,2,3,bf16,dense,,4\n"
                            "r6,a100,gemm,64,64,64,bf16,dense,,4\n")
        table = self.accepted("validate", "--measurements", "m.csv", "--rows", "rows.csv", "--threads", "1")
        self.assertIn("too large", table)
        reasons = (self.folder / "rows.csv").read_text().splitlines()
        self.assertEqual(len(reasons), 7)

    def test_routing_traces(self):
        self.write("w.yaml", "ops:\n  - {op: moe_ffn, tokens: 4, hidden: 64, intermediate: 64, experts: 4, top_k: 2, "
                             "routing: 'trace:t.csv'}\n")
        for text, *parts in [
                ("0,1,§9\n1,§x,2\n2,3,§3\n§3,1\n", "expert 9 of a layer with 4", '"x" is not a number', "expert 3 twice",
                 "1 experts for a token"),
                ("token,e0,e1\n0,1,2\n§1,2,3\n", "the trace has 2 tokens, the layer 4"),
                ("0,1,2\n" * 4 + "§0,1,2\n", "the trace has 5 tokens"),
                ("0,1,§99999999999999999999\n" + "0,1,2\n" * 3, "not a number"),
                ("0,1,§-2\n" + "0,1,2\n" * 3, "not a number"), ("§", "the trace has 0 tokens")]:
            at = self.marked("t.csv", text)
            self.expect(self.refused(*self.run_words()), at, parts)
        self.write("t.csv", "0,1,2\n1,2,3\n2,3,0\n3,0,1\n")
        self.accepted(*self.run_words())

    def test_masks(self):
        self.write("w.yaml", "ops:\n  - {op: spmm, m: 64, n: 2, k: 4, pattern: unstructured, mask: m.smtx}\n")
        for text, part in [
                ("§", "the line ends before its number of rows"), ("2, §x, 3\n", "expected a number"),
                ("4000000, 4, 5§\n", "do not fit into"), ("2, 4, 2\n0 2§ 1\n0 1\n", "a row of -1 nonzeros"),
                ("2, 4, 2\n0 1 2\n0 §4\n", "column index 4 is not within 0..3"),
                ("§2, 3, 2\n0 1 2\n0 1\n", "a mask of 2 x 3 for weights of 2 x 4")]:
            with self.subTest(text=text):
                self.marked("m.smtx", text)
                self.assertIn(part, self.refused(*self.run_words()))
        spmm = "spmm, m: 1, n: 64, k: 64, pattern: "  # one mistake is reported once
        self.op(spmm + "unstructured, sparsity: §0.5, mask: w.yaml", "not both")
        self.op(spmm + "§5:4", "0 < N < M")
        self.op(spmm + "§blok, block: [2, 2]", 'did you mean "block"?')
        self.op(spmm + "block, sparsity: 0.5, block: §32", "must be a list")
        self.op("training_linear, m: 1, n: 64, k: 64, pattern: block, sparsity: 0.5, block: §32", "must be a list")
        self.workload("ops:\n  - §{op: spmm, m: 1, n: 64, k: 64}\n", 'missing key "pattern"')
        blocks = "attention, seq: 256, heads: 2, head_dim: 64, pattern: blocks, "
        self.op(blocks + "sparsity: §0.5, mask: w.yaml", "not both")
        self.op("spmm, m: 1, n: 64, k: 64, pattern: unstructured, mask: §w.yaml", "known: .smtx, .mtx")
        self.op("spmm, m: 1, n: 64, k: 64, pattern: unstructured, mask: §none.smtx", "no such file")
        self.op("spmm, m: 1, n: 65, k: 64, pattern: vector, block: §[2, 1], sparsity: 0.5", "do not divide")
        self.workload("ops:\n  - §{op: spmm, m: 1, n: 64, k: 64, pattern: block, sparsity: 0.5}\n",
                      "block is [rows, columns]")
        self.op("spmm, m: 1, n: 64, k: 64, pattern: §blocks, sparsity: 0.5", 'did you mean "block"?')

    def test_a_trace_lies_where_the_workload_says(self):
        self.write("sub/w.yaml", "ops:\n  - {op: moe_ffn, tokens: 1, hidden: 64, intermediate: 64, experts: 4, top_k: 2, "
                                 "routing: 'trace:t.csv'}\n")
        self.write("sub/t.csv", "0,1,2\n")
        self.accepted(*self.run_words(workload="sub/w.yaml"))


class CommandLine(Files):
    def one_line(self, *words: str, part: str):
        text = self.refused(*words)
        self.assertTrue(text.startswith("sparsesim: "), text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertIn(part, text)

    def test_settings(self):
        run = ["run", "--substrate", "a100", "--workload", self.write("w.yaml", GEMM)]
        self.one_line(*run, "--set", "memory.dram.peek=1 TB/s", part='did you mean "memory.dram.peak"?')
        self.one_line(*run, "--set", "memory.dram.peak", part="PATH=VALUE")
        self.one_line(*run, "--set", "=3", part="unknown path")
        self.one_line(*run, "--set", "", part="PATH=VALUE")
        self.one_line(*run, "--set", "ops.a.m=3", part='did you mean "workload.ops.a.m"?')
        self.one_line(*run, "--set", "workload.ops.b.m=3", part='no item is called "b"')
        named = [*run[:-1], self.write("named.yaml", GEMM.replace("op:", "name: a, op:"))]
        self.assertIn("--set workload.ops.a.m=x:1:1: error: ops[0].m must be an integer",
                      self.refused(*named, "--set", "workload.ops.a.m=x"))
        self.one_line(*named, "--set", "workload.ops.a.m=", part="no value is given")
        self.one_line(*named, "--set", "workload.ops.a.m.x=3", part='"ops.a.m.x": nothing is below a value')
        for value in ["1", "foo", "absent", "{m: 1}"]:  # an op is no value
            self.one_line(*named, "--set", "workload.ops.a=" + value, part='"ops.a": a key of "a" is missing')
        self.one_line("run", "a100", "moe64", part="sparsesim run --substrate S --workload W")
        for value in ["", "3", "3 GHz", "nan GB/s", "inf GB/s", "-1 GB/s", "1e999 GB/s", "3 GB/s x", "0 GB/s"]:
            self.one_line(*run, "--set", "memory.dram.achieved=" + value, part="memory.dram.achieved")
        for setting in ["memory.dram.achieved=900 TB/s", "compute.units=1e12", "compute.units=1.5", "memory.line=33 B",
                        "power.idle=1000 W"]:
            self.one_line(*run, "--set", setting, part=setting.split("=")[0])

    def test_words_of_other_tools(self):
        """What users of other tools type is told in our words, and what is missing is one mistake."""
        text = self.refused("run", "--substrate", "h100", "--workload", self.write("w.yaml",
            "model: {layers: 2, hidden: 512, num_attention_heads: 8, kv_heads: 4, intermediate: 512, dtype: bfloat16}\n"
            "recipe: [{modules: o_proj, pattern: 2:4}]\nparallel: {tp: 2}\n"))
        for meant in ["heads", "bf16", "attention.output", "tensor"]:
            self.assertIn(f'did you mean "{meant}"?', text)
        self.assertEqual(text.count("error:"), 5, text)  # heads are missing, too
        done = self.call("run", "--substrate", "systolic-128", "--workload", self.write("g.yaml", GEMM.replace("k: 64", "k: 64, dtype: fp16")))
        self.assertEqual(done.returncode, 1)
        self.assertIn("no gemm kernel for fp16 in the kernel library of systolic-128 (known: bf16)", done.stderr)

    def test_names_and_values(self):
        self.one_line("rnu", part='did you mean "run"?')
        self.one_line("run", "--workload", "w", part="--substrate")
        self.one_line("run", "--substrate", "", "--workload", "w", part="must not be empty")
        self.one_line("run", "--substrate", "a100", "--workload", "moe64", "extra", part="takes 0 words")
        self.one_line("validate", "--measurements", "m.csv", "--threads", "0", part="1 to 1024")
        self.one_line("validate", "--measurements", "m.csv", "--threads", "9" * 30, part="1 to 1024")
        self.one_line("run", "-x", part="-x")
        self.one_line("--", part="command")
        self.one_line("help", "nothing", part="unknown command")

    def test_folders_of_substrates_that_are_not_there(self):
        table = self.write("m.csv", Tables.HEADER + "r1,a100,gemm,64,64,64,bf16,dense,4\n")
        self.assertIn("nowhere", self.refused("validate", "--measurements", table, "--substrates", "nowhere"))


class Outputs(Files):
    def timeline(self, path: str, **options) -> str:
        return self.refused("run", "--substrate", "a100", "--workload", self.write("w.yaml", GEMM), "--timeline", path, **options)

    def test_a_result_that_cannot_be_written_is_bad_input_and_leaves_nothing(self):
        (self.folder / "folder").mkdir()
        self.assertTrue(self.timeline("folder").startswith("folder: error: cannot write: Is a directory"))
        self.assertIn("No such file or directory", self.timeline("no/such/folder/t.json"))
        self.assertIn("cannot write", self.timeline("w.yaml/t.json"))
        self.assertIn("cannot write", self.timeline("x" * 300))
        self.assertEqual(sorted(os.listdir(self.folder)), ["folder", "w.yaml"])
        table = self.write("m.csv", Tables.HEADER + "r1,a100,gemm,64,64,64,bf16,dense,4\n")
        for option in ["--rows", "--accuracy"]:
            self.assertIn("cannot write", self.refused("validate", "--measurements", table, option, "folder"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["folder", "m.csv", "w.yaml"])

    def test_an_older_file_survives_a_failure(self):
        old = self.write("t.json", "what was there")
        self.write("w.yaml", "ops:\n  - {op: gem, m: 1}\n")
        self.refused(*self.run_words(), "--timeline", old)
        self.assertEqual((self.folder / old).read_text(), "what was there")

    def test_a_folder_without_permission(self):
        (self.folder / "locked").mkdir()
        os.chmod(self.folder, 0o755)
        os.chmod(self.folder / "locked", 0o555)
        options = {"user": 65534} if os.geteuid() == 0 else {}
        if options and not all(os.stat(folder).st_mode & 0o005 == 0o005 for folder in pathlib.Path(PROGRAM).parents):
            self.skipTest("the program lies where only root can go")
        self.write("w.yaml", GEMM)
        self.assertIn("Permission denied", self.timeline("locked/t.json", **options))
        self.assertEqual(os.listdir(self.folder / "locked"), [])

    def test_a_full_disk_is_said_and_not_hidden(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        run = self.call(*self.run_words(self.write("w.yaml", GEMM)), "--timeline", "/dev/full")
        self.assertEqual((run.returncode, run.stderr), (1, "sparsesim: /dev/full: cannot write: No space left on device\n"))
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (1, "sparsesim: cannot write to standard output: No space left on device\n"))


if __name__ == "__main__":
    unittest.main()
