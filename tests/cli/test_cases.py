"""docs/cases.md says what the program makes of the published cases today, and most of their signs come out."""
import importlib.machinery
import importlib.util
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import PROGRAM, ROOT

loader = importlib.machinery.SourceFileLoader("cases", str(ROOT / "scripts/cases"))
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_loader("cases", loader)
assert spec is not None
cases = importlib.util.module_from_spec(spec)
sys.modules["cases"] = cases
loader.exec_module(cases)


def a_figure(published: str, simulated: float, cause: str = "", named: str = "", quantity: str = "speedup") -> cases.Figure:
    return cases.Figure({"published": published, "cause": named, "quantity": quantity}, simulated, cause)


class Cases(unittest.TestCase):
    def test_signs_causes_and_distances(self):
        self.assertTrue(a_figure("1.60", 1.2).sign_agrees())
        self.assertFalse(a_figure("1.60", 0.95).sign_agrees())
        self.assertFalse(a_figure("0.5", 1.5).sign_agrees())
        self.assertTrue(a_figure("1.4..4.1", 2.0).sign_agrees())
        self.assertTrue(a_figure("0.25..0.5", 0.7).sign_agrees())
        self.assertIsNone(a_figure("1.06", 0.5).sign_agrees())  # even within 10 %
        self.assertIsNone(a_figure("0.5..2", 0.7).sign_agrees())
        self.assertIsNone(a_figure("5", 4, quantity="padding").sign_agrees())
        self.assertAlmostEqual(a_figure("2", 1.5).distance(), -25)
        self.assertAlmostEqual(a_figure("1.4..4.1", 2.0).distance(), 0)
        self.assertAlmostEqual(a_figure("1.4..4.0", 5.0).distance(), 25)
        self.assertTrue(a_figure("2", 2, "imbalance", "fixed_cost|imbalance").cause_agrees())
        self.assertFalse(a_figure("2", 2, "imbalance", "fixed_cost").cause_agrees())
        self.assertIsNone(a_figure("2", 2, "imbalance").cause_agrees())

    def test_the_page_is_what_the_program_says(self):
        page = cases.document(PROGRAM)
        self.assertEqual((ROOT / "docs/cases.md").read_text(), page, "run scripts/cases and review the difference")
        right, figures = map(int, re.search(r"sign comes out in (\d+) of (\d+)", page).groups())
        self.assertGreaterEqual(right / figures, 0.8)


if __name__ == "__main__":
    unittest.main()
