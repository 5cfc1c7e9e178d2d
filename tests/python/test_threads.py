#!/usr/bin/env python3
"""Others run while the simulator works, and Ctrl-C ends it."""
import os
import signal
import threading
import time
import unittest

import support
import sparsesim

LONG = {"ops": [{"name": "up", "op": "spmm", "m": 1 << 16, "n": 1 << 16, "k": 1 << 14, "pattern": "unstructured", "sparsity": 0.5}]}


SECONDS = 30 if "SPARSESIM_SANITIZED" in os.environ else 20  # launches in flight, on a busy machine


class Interrupts(unittest.TestCase):
    def interrupted(self, call):
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        begun = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            call()
            time.sleep(1)  # too quick to be interrupted: then this is
            self.fail("the call ended by itself")
        self.assertLess(time.monotonic() - begun, SECONDS)

    def test_one_long_run(self):
        self.interrupted(lambda: sparsesim.run("a100", LONG))

    def test_many_seeds(self):
        self.interrupted(lambda: sparsesim.run("a100", "moe64", seeds=10_000))

    def test_a_sweep_goes_on_where_it_was(self):
        with support.folder():
            call = lambda points: sparsesim.sweep(substrate="a100", workload="moe64", vary={"workload.seed": list(range(points))}, file="s.sqlite")
            self.interrupted(lambda: call(5_000))
            call(2)  # the file is whole, and free
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_serve(self):
        self.interrupted(lambda: sparsesim.serve("a100", "llama-2-7b", rate=5, requests=200_000))

    def test_breakeven(self):
        self.interrupted(lambda: sparsesim.breakeven("a100", LONG, {"workload.ops.up.sparsity": (0.5, 0.99)}))


class Threads(unittest.TestCase):
    def test_other_threads_go_on(self):
        ticks, done = [], threading.Event()

        def tick():
            while not done.is_set():
                ticks.append(time.monotonic())
                time.sleep(0.01)

        thread = threading.Thread(target=tick)
        thread.start()
        begun = time.monotonic()
        sparsesim.run("a100", "moe64", seeds=8)
        ended = time.monotonic()
        done.set()
        thread.join()
        during = [begun, *(t for t in ticks if begun < t < ended), ended]
        longest = max(b - a for a, b in zip(during, during[1:]))
        self.assertLess(longest, max(0.2, (ended - begun) / 2))

    def test_several_call_at_once(self):
        expected = [dict(sparsesim.run("a100", "moe64", seed=seed, interval=False)) for seed in range(4)]
        answers = [None] * 4

        def ask(seed):
            answers[seed] = dict(sparsesim.run("a100", "moe64", seed=seed, interval=False))

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, expected)


if __name__ == "__main__":
    support.main()
