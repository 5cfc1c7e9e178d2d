#!/usr/bin/env python3
"""The type stubs name what there is, with the same parameters, and nothing else."""
import ast
import inspect
import unittest

import support
import sparsesim

STUB = ast.parse((support.ROOT / "sim/python/sparsesim/__init__.pyi").read_text())
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
TYPES = {"Array", "Result"}  # for annotations alone


class Stubs(unittest.TestCase):
    def test_every_public_name_is_in_both(self):
        self.assertEqual(set(sparsesim.__all__), {*FUNCTIONS, *CLASSES} - TYPES)
        public = {name for name, value in vars(sparsesim).items() if not name.startswith("_") and not inspect.ismodule(value)} - {"annotations"}
        self.assertEqual(public, set(sparsesim.__all__))

    def test_parameters(self):
        for name, node in FUNCTIONS.items():
            with self.subTest(name):
                real = inspect.signature(getattr(sparsesim, name)).parameters
                arguments = node.args.args + node.args.kwonlyargs
                self.assertEqual([argument.arg for argument in arguments], list(real))
                self.assertEqual({argument.arg for argument in node.args.kwonlyargs},
                                 {key for key, parameter in real.items() if parameter.kind is parameter.KEYWORD_ONLY})
                defaults = [*node.args.defaults, *(value for value in node.args.kw_defaults if value is not None)]
                self.assertEqual([ast.literal_eval(value) for value in defaults],
                                 [parameter.default for parameter in real.values() if parameter.default is not parameter.empty])

    def test_methods_and_bases(self):
        for name, node in CLASSES.items():
            if name in TYPES:
                continue
            with self.subTest(name):
                real = getattr(sparsesim, name)
                methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                defined = {key for key, value in vars(real).items() if not key.startswith("_") and (callable(value) or isinstance(value, property))}
                self.assertEqual({method for method in methods if not method.startswith("_")}, defined)
                for base in node.bases:
                    if isinstance(base, ast.Name) and base.id != "Result":
                        self.assertIn(base.id, [parent.__name__ for parent in real.__mro__])

    def test_keys_of_a_run_are_attributes(self):
        answer = sparsesim.run("a100", "moe64", seeds=1)
        declared = {item.target.id for item in CLASSES["RunResult"].body if isinstance(item, ast.AnnAssign)}
        self.assertLessEqual(declared, set(answer))


if __name__ == "__main__":
    support.main()
