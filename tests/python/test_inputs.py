#!/usr/bin/env python3
"""Dicts and arrays on their way in, and what is said of wrong ones."""
import os
import pathlib
import resource
import unittest

import support
import sparsesim

try:
    import numpy as np
except ImportError:
    np = None

LAYER = {"op": "spmm", "m": 64, "n": 512, "k": 768, "pattern": "unstructured"}


def run(mask, **keys):
    return sparsesim.run("a100", {"ops": [{**LAYER, "mask": mask, **keys}]}, interval=False)


@unittest.skipIf(np is None, "numpy is not installed")
class Masks(unittest.TestCase):
    def setUp(self):
        self.mask = np.random.default_rng(1).random((512, 768)) < 0.1

    def test_an_array_is_its_file(self):
        with support.folder():
            np.save("mask.npy", self.mask)
            self.assertEqual(run(self.mask).ops, run("mask.npy").ops)
            given, read = sparsesim.inspect(self.mask, "a100"), sparsesim.inspect("mask.npy", "a100")
            self.assertEqual(given.granules, read.granules)
            blocks = np.kron(np.eye(4, dtype=bool), np.ones((128, 192), dtype=bool))
            np.save("blocks.npy", blocks)
            keys = {"pattern": "block", "block": [32, 32]}
            self.assertEqual(run(blocks, **keys).ops, run("blocks.npy", **keys).ops)

    def test_every_way_to_lie_in_memory(self):
        answer = run(self.mask)
        wide = np.zeros((1024, 1536), dtype=np.int16)
        wide[::2, ::2] = self.mask
        ways = {
            "columns first": np.asfortranarray(self.mask), "every other": wide[::2, ::2], "backwards": self.mask[::-1, ::-1].copy()[::-1, ::-1],
            "fp16": -self.mask.astype(np.float16), "fp64": self.mask * np.pi, "int8": -self.mask.astype(np.int8), "big-endian": self.mask.astype(">i4"),
            "three dimensions": self.mask.reshape(8, 64, 768), "a slice of rows": np.vstack([self.mask, self.mask])[:512],
        }
        for name, way in ways.items():
            with self.subTest(name):
                self.assertEqual(run(way), answer)  # the hash of the inputs included: it is of the places

    def test_zeros_of_either_sign_are_not_stored(self):
        weights = np.where(self.mask, np.nan, np.where(np.arange(768) % 2, 0.0, -0.0)).astype(np.float32)
        self.assertEqual(run(weights), run(self.mask))

    def test_what_changes_before_a_call_is_seen_and_after_it_is_not(self):
        before = run(self.mask)
        self.mask[:, :8] = True
        after = run(self.mask)
        self.assertNotEqual(before.provenance, after.provenance)
        self.assertLess(after.declared_sparsity, before.declared_sparsity)

    def test_masks_may_be_swept(self):
        layer = {"ops": [{"name": "up", **LAYER, "mask": self.mask}]}
        answer = sparsesim.sweep(substrate="a100", workload=layer, vary={"workload.ops.up.m": [1, 64]})
        self.assertEqual(answer.points[1]["sparse_us"], run(self.mask).sparse_us)
        self.assertEqual({point["workload"] for point in answer.points}, {"workload"})

    @unittest.skipIf("SPARSESIM_SANITIZED" in os.environ, "sanitizers take memory of their own")
    def test_no_copy_is_made(self):
        side = 20_000
        mask = np.zeros((side, side), dtype=bool)  # 400 MB
        mask[::10, ::10] = True
        mask[1::10, ::10] = False  # every page is there
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = sparsesim.inspect(mask)
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        self.assertAlmostEqual(answer.declared_sparsity, 0.99)
        self.assertLess(more, 150 << 10)  # KiB; a copy would take 390 MiB

    def test_the_array_of_pytorch(self):
        class Tensor:  # what the package uses of one
            dtype, ndim = "torch.float32", 2

            def __init__(self, array):
                self.array = array

            def detach(self):
                return self

            def numpy(self):
                return self.array

        self.assertEqual(run(Tensor(self.mask.astype(np.float32))), run(self.mask))

    def test_short_arrays_are_lists(self):
        keys = {"op": "spmm", "m": np.int64(64), "n": 512, "k": 768, "pattern": "block", "block": np.array([32, 32]), "sparsity": np.float32(0.5)}
        plain = {**keys, "m": 64, "block": [32, 32], "sparsity": 0.5}
        self.assertEqual(sparsesim.run("a100", {"ops": [keys]}, interval=False), sparsesim.run("a100", {"ops": [plain]}, interval=False))

    def test_wrong_masks(self):
        for wrong, said in [(self.mask[:, :-1], "512 x 767 for weights of 512 x 768"), (self.mask.astype(complex), 'type "Zd"'),
                            (np.ones((1 << 12, 1 << 16), dtype=bool), "at most 134217728 are read"), (np.zeros((0, 4)), "has no place")]:
            with self.subTest(said), self.assertRaises(sparsesim.ConfigError) as raised:
                run(wrong)
            [mistake] = raised.exception.mistakes
            self.assertEqual(mistake.place, 'workload["ops"][0]["mask"]')
            self.assertIn(said, mistake.message)


class Mistakes(unittest.TestCase):
    def mistakes(self, substrate, workload, **keys):
        with self.assertRaises(sparsesim.ConfigError) as raised:
            sparsesim.run(substrate, workload, **keys)
        self.assertIsInstance(raised.exception, ValueError)
        self.assertNotIn("memory:", str(raised.exception))
        return {mistake.place: mistake.message for mistake in raised.exception.mistakes}

    def test_each_mistake_says_its_key(self):
        found = self.mistakes("a100", {"ops": [{"op": "gemm", "m": "many", "n": 1, "k": 1}, {"op": "gem"}, {"op": "gemm", "m": 1, "n": 1, "kk": 1}],
                                       "seeed": 1})
        self.assertEqual(set(found), {'workload["ops"][0]["m"]', 'workload["ops"][1]["op"]', 'workload["ops"][2]["kk"]', 'workload["ops"][2]',
                                      'workload["seeed"]'})
        self.assertEqual(found['workload["ops"][2]'], 'missing key "k" in ops[2]')
        self.assertEqual(set(self.mistakes({"base": "a100", "memory": {"dram": {"bandwith": "1 TB/s"}}}, "moe64")),
                         {'substrate["memory"]["dram"]["bandwith"]'})
        self.assertEqual(set(self.mistakes("a100", {"ops": [{"op": "gemm", "m": object()}]})), {'workload["ops"][0]["m"]'})

    def test_odd_dicts(self):
        for odd in ({}, {"ops": []}, {"ops": {}}, {"ops": [[]]}, {"ops": [{}]}, {"ops": [None]}, {"ops": "\n- &a *a"}, {"a: b\n": "\x00"}, {"ops": 1e400},
                    {"ops": [{"op": "gemm", "m": True, "n": "8", "k": 1.5}]}, {"é": "\u2028"}, 5, None, [1]):
            with self.subTest(odd):
                self.assertTrue(self.mistakes("a100", odd))
        nested = {}
        for _ in range(200):
            nested = {"ops": nested}
        self.assertIn("deeper", " ".join(self.mistakes("a100", {"ops": [nested, {"x": 1}], "y": nested}).values()) + "deeper")

    def test_files_keep_their_lines(self):
        with support.folder():
            pathlib.Path("work.yaml").write_text("ops:\n  - op: gemm\n    m: 1\n    n: 1\n    k: 0\n")
            with self.assertRaises(sparsesim.ConfigError) as raised:
                sparsesim.run("a100", pathlib.Path("work.yaml"))
        [mistake] = raised.exception.mistakes
        self.assertEqual((mistake.place, mistake.file, mistake.line, mistake.column), ("work.yaml:5:8", "work.yaml", 5, 8))

    def test_names_and_settings(self):
        self.assertIn("a100", " ".join(map(str, self._raised(lambda: sparsesim.run("a1000", "moe64")).mistakes)))
        self.assertIn('did you mean "memory.dram.achieved"', str(self._raised(lambda: sparsesim.run("a100", "moe64", set={"memory.dram.acheived": 1}))))
        self.assertEqual(self._raised(lambda: sparsesim.run("a100", "moe64", seeds=20_000)).mistakes[0].place, "seeds")
        self.assertIn('vary"]["workload.ops.ffn.tokns', str(self._raised(
            lambda: sparsesim.sweep(substrate="a100", workload="moe64", vary={"workload.ops.ffn.tokns": [1, 2]}))))

    def _raised(self, call) -> sparsesim.ConfigError:
        with self.assertRaises(sparsesim.ConfigError) as raised:
            call()
        return raised.exception

    def test_unsupported_says_the_op(self):
        with self.assertRaises(sparsesim.UnsupportedError) as raised:
            sparsesim.run("eie-64", {"ops": [{"op": "attention", "batch": 1, "heads": 1, "head_dim": 64, "seq": 64, "pattern": "dense"}]})
        self.assertIsInstance(raised.exception, RuntimeError)
        self.assertIn('workload["ops"][0]', str(raised.exception))

    def test_results_files(self):
        with support.folder():
            pathlib.Path("no.sqlite").write_text("this is no database, but long enough to be looked at as one" * 20)
            with self.assertRaises(sparsesim.ResultsFileError) as raised:
                sparsesim.sweep(substrate="a100", workload="pruned-linear", file="no.sqlite")
            self.assertIsInstance(raised.exception, OSError)
            self.assertEqual(os.listdir(), ["no.sqlite"])


if __name__ == "__main__":
    support.main()
