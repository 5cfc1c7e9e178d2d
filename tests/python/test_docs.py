#!/usr/bin/env python3
"""The examples of docs/python.md print what they say they print."""
import doctest
import pathlib
import re
import sys
import unittest

import support
import sparsesim


class Examples(unittest.TestCase):
    maxDiff = None

    def test_docs_python(self):
        support.need("numpy", "pandas")
        text = re.sub(r"^```.*$", "", (support.ROOT / "docs/python.md").read_text(), flags=re.M)
        test = doctest.DocTestParser().get_doctest(text, {}, "docs/python.md", "docs/python.md", 0)
        self.assertGreater(len(test.examples), 10)
        said = []
        with support.folder():
            doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
        self.assertEqual("".join(said), "")

    def test_the_package_itself(self):
        self.assertEqual(doctest.testmod(sparsesim).failed, 0)


if __name__ == "__main__":
    support.main()
