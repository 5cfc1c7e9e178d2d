"""What the program prints and writes: the contract of docs/output.md and docs/measurements.md, byte by byte the same every time."""
import json
import math
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ROOT, ProgramTest

LAYER = """name: "layer: one"
title: 'a projection, experts and an exchange'
seed: 5
ops:
  - {name: "first, op", op: gemm, m: 512, n: 1024, k: 512, repeat: 3}
  - {name: experts, op: moe_ffn, tokens: 512, hidden: 1024, intermediate: 512, experts: 16, top_k: 2, devices: 8,
     routing: "zipf:1", shared_experts: 1, capacity_factor: 1.5, over_capacity: pad, overlap_chunks: 2}
  - {name: window, op: attention, batch: 2, seq: 2048, heads: 16, kv_heads: 4, head_dim: 128, window: 256, after: "first, op"}
  - {name: sum, op: all_reduce, bytes: 1.5 MiB, devices: 8, after: [experts, window]}
  - {op: grouped_gemm, m: 256, n: 512, k: 256, experts: 8}
  - {op: elementwise, elements: 1000003, reads: 2}
"""
TABLE = """id,device,op,m,n,k,dtype,pattern,params,time_us,baseline_us
r1,a100,gemm,512,512,512,bf16,dense,,10,
r2,h100,gemm,4096,4096,4096,bf16,dense,,250,
r3,a100,attention,,,,bf16,window,batch=1;seq=2048;heads=16;kv_heads=4;head_dim=128;causal=1;window=256,40,100
r4,nowhere,gemm,512,512,512,bf16,dense,,10,
r5,a100,spmm,512,512,512,bf16,unstructured,mask=random,10,
"""


def no_constant(name: str):
    raise ValueError(f"{name} is no JSON number")


def read(text: str):
    """Strict JSON: NaN and Infinity are refused."""
    return json.loads(text, parse_constant=no_constant)


def documented_keys(page: str) -> list[str]:
    """Keys of the first table of a page, as "aligned.cache" or "lost"."""
    table = page[page.index("| key | meaning |"):].split("\n\n")[0]
    return [key.removesuffix("[]") for line in table.splitlines()[2:] for key in re.findall(r"`([^`]+)`", line.split("|")[1])]


def numbers(value, path=""):
    """Every number of a JSON value with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{path}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from numbers(item, f"{path}[{i}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, value


class Run(ProgramTest):
    def words(self, *more: str) -> list[str]:
        self.write("w.yaml", LAYER)
        return ["run", "--substrate", "a100-x8", "--workload", "w.yaml", *more]

    def test_json_has_the_documented_keys_and_no_others(self):
        result = read(self.accepted(*self.words("--format", "json", "--seeds", "2")))
        model = read(self.accepted("run", "--substrate", "a100", "--workload", "llama-2-7b-2to4", "--format", "json"))
        step = read(self.accepted("run", "--substrate", "a100-x8", "--workload", "llama-2-7b-training", "--format", "json"))
        self.write("eager.yaml", "host: eager\n" + LAYER)
        eager = read(self.accepted("run", "--substrate", "a100-x8", "--workload", "eager.yaml", "--format", "json"))
        self.write("fp8.yaml", "name: fp8\nmodel: {kind: decoder, layers: 1, hidden: 512, intermediate: 512, heads: 4, weights: fp8}\n")
        unpacked = read(self.accepted("run", "--substrate", "a100", "--workload", "fp8.yaml", "--format", "json"))  # which has no fp8 units
        runs = [result, model, step, eager, unpacked]
        keys = documented_keys((ROOT / "docs/output.md").read_text())
        self.assertGreater(len(keys), 20)
        for key in keys:
            values = runs
            for part in key.split("."):
                name = part.removesuffix("[]")
                values = [value[name] for value in values if name in value]
                self.assertTrue(values, key)
                if part != name:
                    values = [item for value in values for item in value]
        self.assertEqual(set().union(*runs), {key.split(".")[0].removesuffix("[]") for key in keys})
        self.assertEqual([op["name"] for op in result["ops"]], ["first, op", "experts", "window", "sum", "op4", "op5"])

    def check_result(self, result: dict):
        """One whole result or one op: terms in their order, times and shares that fit together."""
        page = (ROOT / "docs/output.md").read_text()
        terms = re.findall(r"^\| `(\w+)` \|", page[page.index("| term |"):], re.M)
        if "host" not in result:  # kernels from a graph, or an op, whose times are the device's
            terms.remove("host")
        self.assertEqual([entry["term"] for entry in result["lost"]], terms)
        product = math.prod(entry["factor"] for entry in result["lost"])
        self.assertAlmostEqual(product * result["realised_speedup"] / result["ideal_speedup"], 1, places=6)
        self.assertAlmostEqual(result["dense_us"] / result["sparse_us"] / result["realised_speedup"], 1, places=6)
        self.assertAlmostEqual(result["ideal_speedup"] * (1 - result["declared_sparsity"]), 1, places=6)
        for share in [result["declared_sparsity"], *result["aligned"].values(), result["bound"]["dense"]["utilisation"],
                      result["bound"]["sparse"]["utilisation"]]:
            self.assertTrue(0 <= share <= 1, result)
        useful = 1 / (1 - result["declared_sparsity"] * min(result["aligned"].values()))
        self.assertAlmostEqual(result["quick_estimate"] / useful, 1, places=6)
        for path, value in numbers(result):
            self.assertTrue(value >= 0, path)

    def test_terms_multiply_and_shares_are_shares(self):
        self.write("eager.yaml", "host: eager\n" + LAYER)
        eager = read(self.accepted("run", "--substrate", "a100-x8", "--workload", "eager.yaml", "--format", "json"))
        result = read(self.accepted(*self.words("--format", "json")))
        for whole in [result, eager]:
            self.check_result(whole)
            for op in whole["ops"]:
                self.check_result(op)
        self.assertTrue(0 <= result["coverage"] <= 1)
        self.assertTrue(result["interval"]["low"] <= result["realised_speedup"] <= result["interval"]["high"])
        for counters in result["counters"].values():
            self.assertLessEqual(counters["useful_macs"], counters["issued_macs"] * (1 + 1e-9))
            self.assertLessEqual(counters["l2_hit_bytes"], counters["l2_bytes"] * (1 + 1e-9))

    def test_counters_of_ops_add_up_to_those_of_the_run(self):
        self.write("repeated.yaml", LAYER.replace("op: grouped_gemm,", "op: grouped_gemm, repeat: 5, removed: 2,"))
        result = read(self.accepted("run", "--substrate", "a100-x8", "--workload", "repeated.yaml", "--format", "json"))
        for side in ["dense", "sparse"]:
            for counter, total in result["counters"][side].items():
                parts = sum(op["counters"][side][counter] for op in result["ops"])
                self.assertAlmostEqual(parts, total, delta=1e-9 * abs(total), msg=counter)

    def test_a_speedup_is_a_number_where_all_runs_are_removed(self):
        words = ["run", "--substrate", "a100", "--workload", "pruned-linear", "--set", "workload.ops.linear.removed=1"]
        result = read(self.accepted(*words, "--format", "json"))
        self.assertEqual(result["realised_speedup"], 1e12)
        self.assertEqual(result["interval"], {"low": 1e12, "high": 1e12})

    def test_shipped_workloads_keep_the_contract_and_their_dumps_give_the_same_result(self):
        for path in sorted((ROOT / "workloads").glob("*.yaml")):
            machine = "epyc-milan-2c" if path.stem == "processor-layer" else "h100-x8"
            words = ["run", "--substrate", machine, "--workload", path.stem]
            result = self.accepted(*words, "--format", "json")
            self.check_result(read(result))
            self.write("work.yaml", self.accepted(*words, "--dump-config").split("---\n")[1])
            again = self.accepted("run", "--substrate", machine, "--workload", "work.yaml", "--format", "json")
            self.assertEqual(again, result, path.stem)

    def test_what_is_in_a_mask_or_a_trace_is_an_input(self):
        """Found from the workload's folder; another content is another hash."""
        spmm = "{op: spmm, m: 8, n: 4, k: 4, pattern: unstructured, mask: mask%s}"
        scores = "{op: attention, seq: 256, heads: 2, head_dim: 64, pattern: blocks, block: 64, mask: mask%s}"
        experts = "{op: moe_ffn, tokens: 2, hidden: 64, intermediate: 64, experts: 4, top_k: 1, routing: 'trace:routes%s'}"
        bags = "{op: embedding_bag, rows: 9, dim: 64, trace: bags%s}"
        matrix = "%%%%MatrixMarket matrix coordinate pattern general\n4 4 2\n1 1\n4 %d\n"
        for op, name, contents in [(spmm, ".mtx", [matrix % 2, matrix % 3]), (scores, ".mtx", [matrix % 2, matrix % 3]),
                                   (experts, ".csv", ["0,0\n1,2\n", "0,0\n1,3\n"]), (bags, ".txt", ["1 2\n", "1 3\n"])]:
            hashes = []
            for content in contents:
                self.write("in/" + re.search(r"(mask|routes|bags)%s", op)[1] + name, content)
                self.write("in/w.yaml", "name: w\nops:\n  - " + op % name)
                run = read(self.accepted("run", "--substrate", "a100", "--workload", "in/w.yaml", "--format", "json"))
                hashes.append(run["provenance"]["inputs_hash"])
            self.assertNotEqual(*hashes, op)

    def test_an_op_waits_for_nothing_where_it_says_so(self):
        """An exchange hides behind a kernel unless it waits for it; both times stay in the dump."""
        ops = ("ops:\n  - {name: kernel, op: gemm, m: 8192, n: 8192, k: 8192}\n"
               "  - {op: all_reduce, bytes: 64 MiB, devices: 8%s}\n")
        times = {}
        for after in ["", ", after: kernel", ", after: []"]:
            self.write("w.yaml", ops % after)
            words = ["run", "--substrate", "a100-x8", "--workload", "w.yaml"]
            times[after] = self.accepted(*words, "--quiet")
            self.write("w.yaml", self.accepted(*words, "--dump-config").split("---\n")[1].replace("name: w\n", "", 1))
            self.assertEqual(self.accepted(*words, "--quiet"), times[after])
        kernel = read(self.accepted(*words, "--format", "json"))["ops"][0]["sparse_us"]
        self.assertEqual(times[""], times[", after: kernel"])
        self.assertIn(f"sparse {kernel:.1f} us", times[", after: []"])

    def test_the_same_bytes_again_and_on_one_processor(self):
        for form in ["json", "table"]:
            first = self.accepted(*self.words("--format", form))
            self.assertEqual(self.accepted(*self.words("--format", form)), first)
            all_of_them = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {min(all_of_them)})  # inherited by the program
            self.addCleanup(os.sched_setaffinity, 0, all_of_them)
            self.assertEqual(self.accepted(*self.words("--format", form)), first)
            os.sched_setaffinity(0, all_of_them)

    def test_another_seed_is_another_run_and_says_so(self):
        drawn = LAYER.replace("zipf:1", "power_law:1.2").replace("capacity_factor: 1.5, ", "")
        self.write("w.yaml", drawn)
        words = ["run", "--substrate", "a100-x8", "--workload", "w.yaml", "--format", "json"]
        first, other = read(self.accepted(*words)), read(self.accepted(*words, "--seed", "6"))
        self.assertEqual((first["provenance"]["seed"], other["provenance"]["seed"]), (5, 6))
        self.assertNotEqual(first["provenance"]["inputs_hash"], other["provenance"]["inputs_hash"])
        self.assertNotEqual(first["sparse_us"], other["sparse_us"])
        self.assertEqual(self.accepted(*words, "--seed", "5"), self.accepted(*words))

    def test_the_dumped_configuration_is_read_and_gives_the_same_result(self):
        machine, work = self.accepted(*self.words("--dump-config")).split("---\n")
        self.write("machine.yaml", machine)
        self.write("work.yaml", work)
        again = ["run", "--substrate", "machine.yaml", "--workload", "work.yaml"]
        self.assertEqual(self.accepted(*again, "--dump-config"), machine + "---\n" + work)
        self.assertEqual(self.accepted(*again, "--format", "json"), self.accepted(*self.words("--format", "json")))
        for key in ["capacity_factor: 1.5", "placement: contiguous", "dtype: bf16", "repeat: 3", "causal: true"]:
            self.assertIn(key, work)

    def test_a_setting_changes_the_machine_and_the_dump_shows_it(self):
        dump = self.accepted(*self.words("--set", "memory.dram.achieved=1 TB/s", "--dump-config"))
        self.assertIn("given on the command line", dump)
        slow = read(self.accepted(*self.words("--set", "memory.dram.achieved=200 GB/s", "--format", "json")))
        self.assertGreater(slow["dense_us"], read(self.accepted(*self.words("--format", "json")))["dense_us"])

    def test_a_setting_changes_the_workload(self):
        self.write("small.yaml", "name: w\nops: [{name: a, op: gemm, m: 8, n: 1024, k: 1024}]\n")
        words = ["run", "--substrate", "a100", "--workload", "small.yaml"]
        self.assertIn("m: 4096", self.accepted(*words, "--set", "workload.ops.a.m=4096", "--dump-config"))
        small, large = (read(self.accepted(*words, "--format", "json", *more)) for more in
                        [[], ["--set", "workload.ops.a.m=4096", "--set", "substrate.memory.dram.achieved=1 TB/s"]])
        self.assertEqual(large["ops"][0]["counters"]["dense"]["useful_macs"], 512 * small["ops"][0]["counters"]["dense"]["useful_macs"])
        self.assertNotEqual(small["provenance"]["inputs_hash"], large["provenance"]["inputs_hash"])

    def test_quiet_is_one_line(self):
        text = self.accepted(*self.words("--quiet"))
        self.assertEqual(text.count("\n"), 1)
        self.assertIn("layer: one on a100-sxm4-80gb-x8: dense ", text)

    def test_columns_stay_in_line_under_long_names_and_long_times(self):
        """A name or a time of any length pushes the columns of all rows, not of its own alone."""
        self.write("w.yaml", "ops:\n  - {name: 'длинное: a name of forty characters or more', op: gemm, m: 8, n: 8, k: 8}\n"
                             "  - {name: b, op: gemm, m: 65536, n: 65536, k: 65536, repeat: 100000}\n")
        table = self.accepted("run", "--substrate", "a100", "--workload", "w.yaml").split("\n\n")[1].splitlines()
        self.assertEqual(len(table), 4, "a head, two ops and the sum")
        ends = [[match.end() for match in re.finditer(r"\S+", row[50:])][:-3][-4:] for row in
                [table[0].replace("dense us", "dense_us").replace("sparse us", "sparse_us").replace("(dense -> sparse)", "-> x"),
                 *table[1:]]]
        self.assertEqual(ends[1:], ends[:1] * 3, "\n".join(table))

    def test_timeline_holds_every_op_on_every_device(self):
        quiet = self.accepted(*self.words("--quiet", "--timeline", "t.json"))
        self.assertEqual(quiet, self.accepted(*self.words("--quiet")))
        trace = read((self.folder / "t.json").read_text())
        events = trace["traceEvents"]
        names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
        tracks = {(event["pid"], event["tid"]): event["args"]["name"] for event in events if event["name"] == "thread_name"}
        self.assertEqual(sorted(names.values()), [f"device {i}" for i in range(8)] + ["fabric"])
        spans = [event for event in events if event["ph"] == "X"]
        self.assertEqual({span["name"].split("/")[0] for span in spans}, {"first, op", "experts", "window", "sum", "op4", "op5"})
        end = read(self.accepted(*self.words("--format", "json")))["sparse_us"]
        for span in spans:
            self.assertIn(span["pid"], names)
            track = tracks[span["pid"], span["tid"]]
            self.assertEqual(track, {"kernel": "kernels", "exchange": "exchanges"}.get(span["cat"], track))
            self.assertEqual(span["cat"] == "kernel", "args" in span)
            if span["cat"] == "kernel":  # a span ends when all that bounds it is done
                busy = [float(text.split()[0]) for what, text in span["args"].items() if what.endswith(" busy")]
                self.assertLessEqual(max(busy), span["dur"] * (1 + 1e-6), span)
            self.assertRegex(span["name"], "^[^/]+/[^/]+")
            self.assertTrue(0 <= span["ts"] and span["dur"] > 0 and span["ts"] + span["dur"] <= end * (1 + 1e-6), span)
        on_device = {names[span["pid"]] for span in spans if span["name"].startswith("experts/")}
        self.assertEqual(on_device, set(names.values()), "eight devices compute, the fabric exchanges")
        self.assertEqual(sorted(os.listdir(self.folder)), ["t.json", "w.yaml"])

    def test_a_link_to_the_result_stays_a_link(self):
        self.write("real.json", "old")
        os.symlink("real.json", self.folder / "link.json")
        self.accepted(*self.words("--quiet", "--timeline", "link.json"))
        self.assertTrue((self.folder / "link.json").is_symlink())
        read((self.folder / "real.json").read_text())


class Keys(ProgramTest):
    def test_every_key_of_every_op_is_documented_and_every_documented_key_exists(self):
        """The table of docs/workloads.md; sizes of attention patterns stand in the first table of their note."""
        def words(text):
            spans = re.sub(r"\([^)]*\)", "", " ".join(re.findall(r"`([^`]*)`", text)))
            return set(re.findall(r"[a-z_]+", spans))
        page = (ROOT / "docs/workloads.md").read_text().split("## Keys of each operation")[1]
        table = [line.split("|") for line in page.splitlines() if line.startswith("| `") and "(defaults)" not in line]
        rows = {op: words(cells[2]) for cells in table for op in re.findall(r"`(\w+)`", cells[1])}
        note = (ROOT / "docs/models/attention.md").read_text().split("| `pattern` |")[1].split("\n\n")[0]
        rows["attention"] |= set().union(*(words(line.split("|")[2]) for line in note.splitlines()[2:]))
        schema = read(self.accepted("schema", "workload"))
        kinds = {kind["properties"]["op"]["const"]: kind["properties"] for kind in
                 schema["properties"]["ops"]["items"]["oneOf"]}
        self.assertEqual(set(rows), set(kinds))
        patterns = set(self.accepted("list", "patterns", "--names").split())  # of spmm, beside any N:M
        for op, properties in kinds.items():
            documented = rows[op].union(*(rows[other] for other in rows[op] & set(kinds)))
            self.assertEqual(set(properties) - {"after", "bubble", "removed", "operators", "sparse_operators", "repeat", "name", "op"} - documented, set(), op)
            choices = {value for key in properties.values() for value in key.get("enum", [])}
            self.assertEqual(documented - set(properties) - choices - patterns - set(kinds) - {"rows"}, set(), op)


class Validate(ProgramTest):
    SUMMARY = ["file", "op", "pattern", "device", "rows", "failed", "time_mape", "time_median_ape", "time_p90_ape", "speedup_mape",
               "sign_accuracy", "rank_correlation", "seconds"]
    ROW = ["id", "file", "device", "op", "pattern", "predicted_us", "measured_us", "predicted_speedup", "measured_speedup",
           "largest_loss", "lost", "bound", "reason"]
    FITTED = ["name", "substrate", "value", "unit", "fitted_to"]

    def words(self, *more: str) -> list[str]:
        self.write("m.csv", TABLE)
        return ["validate", "--measurements", "m.csv", *more]

    def result(self, *more: str) -> dict:
        return read(self.accepted(*self.words("--format", "json", *more)))

    def test_json_has_its_fixed_form(self):
        result = self.result()
        self.assertEqual(set(result), {"summary", "rows", "fitted", "provenance"})
        for entry in result["summary"]:
            self.assertEqual(set(entry), set(self.SUMMARY))
        for row in result["rows"]:
            self.assertEqual(set(row), set(self.ROW))
        for constant in result["fitted"]:
            self.assertEqual(set(constant), set(self.FITTED))
        self.assertTrue(result["fitted"])
        self.assertEqual(set(result["provenance"]), {"version", "seed", "substrates", "inputs_hash"})

    def test_no_row_is_dropped_and_failures_say_why(self):
        result = self.result()
        self.assertEqual([row["id"] for row in result["rows"]], ["r1", "r2", "r3", "r4", "r5"])
        whole = next(entry for entry in result["summary"] if entry["device"] == "*")
        self.assertEqual((whole["rows"], whole["failed"]), (5, 2))
        rows = {row["id"]: row for row in result["rows"]}
        self.assertIn("nowhere", rows["r4"]["reason"])
        self.assertIsNone(rows["r4"]["predicted_us"])
        self.assertTrue(rows["r5"]["reason"])
        self.assertIsNone(rows["r1"]["measured_speedup"])
        self.assertAlmostEqual(rows["r3"]["measured_speedup"], 2.5)
        error = 100 * abs(rows["r2"]["predicted_us"] - 250) / 250
        h100 = next(entry for entry in result["summary"] if entry["device"] == "h100")
        self.assertAlmostEqual(h100["time_mape"], error, places=3)

    def test_threads_change_nothing_but_the_seconds(self):
        def timeless(result):
            for entry in result["summary"]:
                entry["seconds"] = 0
            return result
        self.assertEqual(timeless(self.result("--threads", "1")), timeless(self.result("--threads", "3")))
        files = {}
        for threads in ["1", "3"]:
            self.accepted(*self.words("--threads", threads, "--rows", "r.csv", "--accuracy", "a.md"))
            files[threads] = [(self.folder / name).read_bytes() for name in ["r.csv", "a.md"]]
        self.assertEqual(files["1"], files["3"])

    def test_only_keeps_what_was_asked_for(self):
        rows = self.result("--only", "attention")["rows"]
        self.assertEqual([row["id"] for row in rows], ["r3"])
        text = self.refused(*self.words("--only", "attention", "--only", "atention"))
        self.assertIn("--only atention: no row has this op or device (they have: a100, attention, gemm", text)


if __name__ == "__main__":
    unittest.main()
