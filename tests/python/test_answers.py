#!/usr/bin/env python3
"""What the package answers is what the program prints."""
import json
import pathlib
import pickle
import unittest
import warnings

import support
import sparsesim

MEASURED = support.ROOT / "validate/data"


class SameAsTheProgram(unittest.TestCase):
    def test_run(self):
        answer = sparsesim.run("a100", "early-exit", seeds=5, set={"memory.dram.achieved": "1.5 TB/s", "devices": 1})
        printed = support.program("run", "--substrate", "a100", "--workload", "early-exit", "--seeds", 5, "--set", "memory.dram.achieved=1.5 TB/s",
                                  "--set", "devices=1")
        for said in (answer, printed):  # the source of a changed number says where it was given
            self.assertRegex(said["provenance"].pop("inputs_hash"), "^[0-9a-f]{16}$")
        self.assertEqual(answer, printed)

    def test_run_says_the_same_inputs(self):
        answer = sparsesim.run("h100", "pruned-block", seed=3)
        self.assertEqual(answer, support.program("run", "--substrate", "h100", "--workload", "pruned-block", "--seed", 3))

    def test_a_dict_is_its_file(self):
        path = support.ROOT / "workloads/moe64.yaml"
        self.assertEqual(sparsesim.run("a100", sparsesim.load_workload("moe64")).ops, sparsesim.run("a100", path).ops)

    def test_a_machine_is_its_dict(self):
        machine = sparsesim.show("a100")
        self.assertEqual(machine["memory"]["dram"]["peak"]["value"], "2.039 TB/s")
        self.assertEqual(sparsesim.run(machine, "pruned-linear").ops, sparsesim.run("a100", "pruned-linear").ops)
        self.assertIn("a100", str(machine))

    def test_sweep(self):
        vary = {"workload.ops.linear.sparsity": {"from": 0.5, "to": 0.9, "step": 0.2}, "workload.ops.linear.m": [1, 64]}
        with support.folder():
            answer = sparsesim.sweep(substrate="a100", workload="pruned-linear", vary=vary, where="workload.ops.linear.m > 1", file="own.sqlite",
                                     waterfall=True)
            pathlib.Path("spec.yaml").write_text(json.dumps({"substrate": "a100", "workload": "pruned-linear", "vary": vary,
                                                             "where": ["workload.ops.linear.m > 1"]}))
            support.subprocess.run([support.PROGRAM, "sweep", "spec.yaml", "--waterfall", "--quiet"], check=True, capture_output=True)
            for table in ("points", "ops"):
                done = support.subprocess.run([support.PROGRAM, "export", "spec.sqlite", "--format", "jsonl", "--table", table], check=True,
                                              capture_output=True, text=True)
                self.assertEqual(answer[table], [json.loads(line) for line in done.stdout.splitlines()])
            self.assertEqual((answer.simulated, answer.known, answer.left_out), (3, 0, 3))
            again = sparsesim.sweep("spec.yaml", file="own.sqlite", waterfall=True)
            self.assertEqual((again.simulated, again.known), (0, 3))
            self.assertEqual(again.points, answer.points)

    def test_breakeven_and_recommend(self):
        over = {"workload.ops.linear.m": (1, 4096)}
        answer = sparsesim.breakeven("a100", "pruned-linear", over, also={"workload.ops.linear.sparsity": [0.5, 0.7]}, interval=False, points=5)
        self.assertEqual(answer, support.program("breakeven", "--substrate", "a100", "--workload", "pruned-linear", "--over",
                                                 "workload.ops.linear.m=1:4096", "--also", "workload.ops.linear.sparsity=0.5,0.7", "--no-interval",
                                                 "--points", 5))
        answer = sparsesim.recommend("eie-64", "pruned-linear", max_sparsity=0.5, target=1.5)
        self.assertEqual(answer, support.program("recommend", "--substrate", "eie-64", "--workload", "pruned-linear", "--max-sparsity", 0.5,
                                                 "--target", 1.5))

    def test_validate(self):
        with support.folder() as folder:
            file = folder / "rows.csv"
            file.write_text("id,op,m,n,k,dtype,device,time_us\n1,gemm,256,4096,4096,fp16,a100,55\n2,gemm,4096,4096,4096,fp16,a100,520\n"
                            "3,gemm,64,64,64,fp16,nowhere,5\n")
            answer = sparsesim.validate(file)
            printed = support.program("validate", "--measurements", file, "--quiet")
            for said in (answer, printed):  # the program's own time
                for part in (*said["rows"], *said["summary"]):
                    part.pop("seconds", None)
                said.pop("seconds", None)
            self.assertEqual(answer, printed)
            self.assertEqual(len(answer.rows), 3)
            with self.assertRaisesRegex(sparsesim.ConfigError, "only: no row has the op or device \"gem\""):
                sparsesim.validate([file], only="gem")

    def test_serve(self):
        answer = sparsesim.serve("a100", "llama-2-7b", rate=3, requests=20, input=300, output="uniform:5:20",
                                 set={"workload.serving.max_sequences": 8, "memory.dram.achieved": "1.8 TB/s"})
        printed = support.program("serve", "--substrate", "a100", "--workload", "llama-2-7b", "--rate", 3, "--requests", 20, "--input", 300,
                                  "--output", "uniform:5:20", "--set", "workload.serving.max_sequences=8", "--set", "memory.dram.achieved=1.8 TB/s")
        self.assertEqual(answer, printed)
        ends = [row["end_s"] - row["arrival_s"] for row in answer.requests() if row["side"] == "sparse"]
        self.assertEqual(len(ends), 20)
        self.assertAlmostEqual(sum(ends) / 20 * 1000, answer.points[0]["sparse"]["end_to_end_ms"]["mean"], places=3)
        with self.assertRaisesRegex(sparsesim.ConfigError, "^input"):
            sparsesim.serve("a100", "llama-2-7b", input="lognormal")

    def test_import_config(self):
        path = support.ROOT / "tests/models/whole/configs/mixtral.json"
        with support.folder(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            workload = sparsesim.import_config(path, phase="decode", keys=500, batch=4, name="experts")
            text = support.subprocess.run([support.PROGRAM, "import", path, "--phase", "decode", "--keys", "500", "--batch", "4", "--name", "experts"],
                                          check=True, capture_output=True, text=True).stdout
            pathlib.Path("experts.yaml").write_text(text)
            self.assertEqual(sparsesim.run("h100-x8", workload, interval=False).ops, sparsesim.run("h100-x8", "experts.yaml", interval=False).ops)
            self.assertEqual(workload, sparsesim.import_config(json.loads(path.read_text()), phase="decode", keys=500, batch=4, name="experts"))
        self.assertTrue(all(issubclass(warning.category, UserWarning) for warning in caught))
        with self.assertRaises(sparsesim.ConfigError) as raised:
            sparsesim.import_config({"model_type": "llama", "hidden_size": "wide"})
        self.assertIn('config["hidden_size"]', {mistake.place for mistake in raised.exception.mistakes})

    def test_small_questions(self):
        self.assertAlmostEqual(sparsesim.estimate(0.87, cache=0.31, dispatch=0.42), 1 / (1 - 0.87 * 0.31))
        with self.assertRaises(ValueError):
            sparsesim.estimate(1.5)
        self.assertIn("moe64", sparsesim.workloads())
        self.assertIn("a100-sxm4-80gb", sparsesim.substrates())
        self.assertEqual(sparsesim.schema("workload")["title"], "sparsesim workload")

    def test_timeline_and_pickle(self):
        with support.folder():
            answer = sparsesim.run("a100", "moe64", timeline="trace.json", interval=False)
            self.assertTrue(json.loads(pathlib.Path("trace.json").read_text()))
        self.assertNotIn("interval", answer)
        copy = pickle.loads(pickle.dumps(answer))
        self.assertEqual((copy, str(copy), type(copy)), (answer, str(answer), sparsesim.RunResult))
        with self.assertRaisesRegex(AttributeError, "has no 'speedup'; it has substrate"):
            answer.speedup


class Frames(unittest.TestCase):
    def test_frames(self):
        support.need("pandas")
        answer = sparsesim.run("a100", "early-exit")
        frame = answer.to_frame()
        self.assertEqual(list(frame["name"]), [op["name"] for op in answer.ops])
        self.assertAlmostEqual(frame["sparse_us"].sum(), answer.sparse_us, places=3)
        self.assertIn("lost.imbalance", frame)
        self.assertAlmostEqual(answer.lost_frame()["speedup"].iloc[-1], answer.realised_speedup, places=6)
        points = sparsesim.sweep(substrate="a100", workload="pruned-linear", vary={"workload.ops.linear.m": [1, 8]})
        self.assertEqual(list(points.to_frame()["workload.ops.linear.m"]), [1, 8])
        self.assertEqual(len(points.to_frame("ops")), 2)
        ranked = sparsesim.recommend("eie-64", "pruned-linear", max_sparsity=0.5)
        self.assertEqual(len(ranked.to_frame()), sum(len(candidate["points"]) for candidate in ranked.candidates))


if __name__ == "__main__":
    support.main()
