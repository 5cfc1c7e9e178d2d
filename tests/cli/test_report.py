"""The report of `validate`: the page in a headless Chromium, its Markdown twin, the comparison with an earlier run."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import browser
from program import PROGRAM, SANITIZED, ProgramTest

HOSTILE = "</script><img src=x onerror=window.hit=1><script>window.hit=1</script>|`${hit}`"
FILE = "<img src=x onerror=hit=1>.csv"  # a name that a file may have
TABLE = f"""id,device,op,m,n,k,dtype,pattern,sparsity,params,time_us,baseline_us,note
g1,a100,gemm,512,512,512,bf16,dense,,,10,,
g2,a100,gemm,4096,4096,4096,bf16,dense,,,600,,
g3,h100,gemm,4096,4096,4096,bf16,dense,,,250,,
{HOSTILE},h100,gemm,2048,2048,2048,bf16,dense,,,60,,{HOSTILE}
s1,a100,spmm,1024,1024,1024,fp16,2:4,0.5,,20,26,
s2,a100,spmm,4096,4096,4096,fp16,2:4,0.5,,400,600,
s3,a100,spmm,1024,1024,1024,fp16,2:4,0.5,,26,20,
w1,a100,attention,,,,bf16,window,,batch=1;seq=2048;heads=16;kv_heads=4;head_dim=128;causal=1;window=256,40,100,
f1,nowhere,gemm,512,512,512,bf16,dense,,,10,,
"""
SIMULATED, WITH_TWIN = 8, 4


def vega_is_missing() -> bool:
    done = subprocess.run([PROGRAM, "validate", "--measurements", "nowhere.csv", "--html", "x.html"], capture_output=True, text=True)
    return "needs Vega" in done.stderr


class Files(ProgramTest):
    def words(self, *more: str) -> list[str]:
        self.write(FILE, TABLE)
        return ["validate", "--measurements", FILE, *more]

    def earlier(self) -> dict:
        self.accepted(*self.words("--report-json", "now.json"))
        return json.loads((self.folder / "now.json").read_text())

    def test_what_is_printed_as_json_can_be_written_beside_the_table(self):
        result = self.earlier()
        self.assertEqual(len(result["rows"]), SIMULATED + 1)
        terms = next(row["lost"] for row in result["rows"] if row["id"] == "s2")
        product = 1.0
        for term in terms:
            product *= term["factor"]
        row = next(row for row in result["rows"] if row["id"] == "s2")
        self.assertAlmostEqual(product * row["predicted_speedup"], 2.0, places=6)  # the ideal of half the weights

    def test_the_markdown_twin_has_the_scores_and_no_markup_of_the_files(self):
        self.accepted(*self.words("--markdown", "r.md"))
        text = (self.folder / "r.md").read_text()
        for title in ["## Time", "## Speedup over the dense twin", "## Who wins", "## Not simulated", "## Worst rows", "## Fitted constants"]:
            self.assertIn(title, text)
        self.assertNotIn("<img", text)
        self.assertNotIn("<script", text)
        self.accepted(*self.words("--markdown", "again.md", "--threads", "1"))
        self.assertEqual(text, (self.folder / "again.md").read_text())

    def test_a_change_that_fixes_one_family_and_breaks_another_is_seen(self):
        before = self.earlier()
        for row in before["rows"]:
            if row["op"] == "gemm" and row["predicted_us"]:
                row["predicted_us"] = row["measured_us"]  # was perfect
            if row["op"] == "spmm":
                row["predicted_us"] *= 100  # was far off
        self.write("before.json", json.dumps(before))
        table = self.accepted(*self.words("--baseline", "before.json", "--report-json", "now.json", "--markdown", "r.md"))
        self.assertIn("Largest improvements", table)
        changes = json.loads((self.folder / "now.json").read_text())["changes"]
        self.assertEqual(changes["compared"], SIMULATED + 1)
        families = {(family["op"], family["device"]): family for family in changes["families"]}
        self.assertEqual(families["spmm", "a100"]["time"]["better"], 3)
        self.assertEqual(families["gemm", "h100"]["time"]["worse"], 2)
        self.assertEqual(families["*", "*"]["time"]["worse"], 4)
        self.assertIn("## Changes against the baseline", (self.folder / "r.md").read_text())

    def test_a_baseline_that_is_none_is_one_mistake(self):
        words = self.words("--baseline", "b.json")
        for text, part in [("", "no JSON"), ("{\"rows\": [", "no JSON"), ("[]", "no list of \"rows\""), ("[" * 100000, "nested deeper"),
                           ("{\"rows\": [{\"id\": \"<&\"}]}", "row 1 has no text \"file\""), ("\xff\xfe", "b.json")]:
            self.write("b.json", text.encode("latin-1"))
            said = self.refused(*words)
            self.assertIn(part, said)
            self.assertEqual(said.count("error:"), 1, said)
        self.assertIn("b.json", self.refused(*self.words("--baseline", "no/b.json")))
        self.assertIn("directory", self.refused(*self.words("--baseline", ".")))


@unittest.skipIf(vega_is_missing(), "this build has no Vega (libjs-vega)")
@unittest.skipUnless(browser.find(), "no Chromium")
@unittest.skipIf(SANITIZED, "the plain build runs the same page")
class Page(unittest.TestCase):
    """One page in one tab; each test opens it anew."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / FILE).write_text(TABLE)
        words = [PROGRAM, "validate", "--measurements", FILE, "--report-json"]
        subprocess.run([*words, "before.json"], cwd=cls.folder, check=True, capture_output=True)
        before = json.loads((cls.folder / "before.json").read_text())
        for row in before["rows"]:
            row["predicted_us"] = row["predicted_us"] and 2 * row["predicted_us"]
        (cls.folder / "before.json").write_text(json.dumps(before))
        subprocess.run([*words, "now.json", "--html", "report.html", "--baseline", "before.json"], cwd=cls.folder, check=True, capture_output=True)
        cls.result = json.loads((cls.folder / "now.json").read_text())
        cls.tab = cls.enterClassContext(browser.Browser(cls.folder))

    def open(self, fragment: str = "", name: str = "report.html", width: int = 1200, colours: str = "light"):
        self.tab.resize(width, 900)
        self.tab.prefer(colours)
        self.tab.open((self.folder / name).as_uri() + fragment)
        self.assertEqual(self.tab.complaints(), [])

    def marks(self, chart: str) -> int:
        return self.tab.value(f"document.querySelectorAll('#{chart} .mark-symbol.role-mark.rows path').length")

    def tooltip(self) -> str:
        return self.tab.value("document.getElementById('tooltip').hidden ? '' : document.getElementById('tooltip').innerText")

    def test_it_draws_every_row_and_the_program_s_own_scores(self):
        self.open()
        self.assertEqual(self.marks("time-chart"), SIMULATED)
        self.assertEqual(self.marks("speedup-chart"), WITH_TWIN)
        whole = next(entry for entry in self.result["summary"] if entry["device"] == "*")
        tiles = self.tab.value("[...document.querySelectorAll('#scores b')].map(tile => parseFloat(tile.textContent))")
        for shown, key in zip(tiles, ["time_mape", "time_median_ape", "time_p90_ape", "speedup_mape", "sign_accuracy"]):
            self.assertAlmostEqual(shown, whole[key], delta=0.051)
        self.assertAlmostEqual(tiles[5], whole["rank_correlation"], delta=0.00051)
        self.assertEqual(self.tab.value("document.querySelectorAll('#sign-matrix td b').length"), 6)
        self.assertGreater(self.tab.value("document.querySelectorAll('#waterfalls .card svg').length"), 3)
        self.assertIn("nowhere", self.tab.value("document.getElementById('failures').innerText"))
        changes = self.tab.value("document.getElementById('changes').innerText")
        self.assertIn("Largest improvements", changes)
        self.assertNotRegex(changes, "undefined|NaN")
        self.assertGreater(self.tab.value("document.querySelectorAll('#fitted-table tbody tr').length"), 0)

    def test_pointing_at_a_row_shows_it(self):
        self.open("#op=gemm")
        places = self.tab.value("[...document.querySelectorAll('#time-chart .rows path')].map(mark => { const box = mark.getBoundingClientRect();"
                                " return [box.x + box.width / 2, box.y + box.height / 2]; })")
        seen = []
        for x, y in places:
            self.tab.move(x, y)
            seen.append(self.tooltip())
        self.assertTrue(any(text.startswith("g2\n") and "4096 x 4096 x 4096" in text and "600 us measured" in text.replace("\xa0", " ") for text in seen), seen)
        self.tab.move(2, 2)
        self.assertEqual(self.tooltip(), "")

    def test_the_keyboard_walks_along_the_rows(self):
        self.open()
        self.tab.value("document.getElementById('time-chart').focus({preventScroll: true})")
        seen = []
        for _ in range(SIMULATED):
            self.tab.key("ArrowRight", 39)
            seen.append(self.tooltip().split("\n")[0])
        measured = {row["id"]: row["measured_us"] for row in self.result["rows"] if row["predicted_us"]}
        self.assertEqual(sorted(seen), sorted(measured))
        self.assertEqual([measured[name] for name in seen], sorted(measured.values()))
        self.tab.key("Escape", 27)
        self.assertEqual(self.tooltip(), "")

    def test_filters_are_in_the_address_and_in_the_lists(self):
        self.open("#op=spmm")
        self.assertEqual(self.marks("time-chart"), 3)
        self.tab.value("(() => { const list = document.querySelector('select[name=op]'); list.value = 'gemm'; list.dispatchEvent(new Event('change', {bubbles: true})); })()")
        self.assertEqual(self.marks("time-chart"), 4)
        self.assertIn("op=gemm", self.tab.value("location.hash"))
        self.assertIn("No row here", self.tab.value("document.getElementById('speedup-chart').innerText"))
        self.tab.value("document.querySelector('#filters button').click()")
        self.assertEqual(self.marks("time-chart"), SIMULATED)
        self.open("#op=nothing&device=%3Cimg%3E")  # names that no row has
        self.assertEqual(self.marks("time-chart"), SIMULATED)

    def test_light_and_dark_follow_the_system_until_a_button_is_pressed(self):
        def brightness() -> int:
            colours = self.tab.value("getComputedStyle(document.body).backgroundColor")
            return sum(map(int, re.findall(r"\d+", colours)[:3]))
        self.open(colours="light")
        self.assertGreater(brightness(), 600)
        self.tab.prefer("dark")
        self.assertLess(brightness(), 200)
        self.tab.value("document.querySelector('button[data-theme=light]').click()")
        self.assertGreater(brightness(), 600)
        self.assertEqual(self.tab.value("document.querySelector('button[data-theme=light]').ariaPressed"), "true")

    def test_it_fits_a_narrow_window(self):
        self.open(width=400)
        self.assertLessEqual(self.tab.value("document.documentElement.scrollWidth"), 400)
        self.assertEqual(self.marks("time-chart"), SIMULATED)

    def test_it_prints(self):
        self.open(colours="dark")
        paper = self.tab.pdf()
        self.assertTrue(paper.startswith(b"%PDF-"))
        self.assertGreaterEqual(len(re.findall(rb"/Type\s*/Page\b", paper)), 2)
        self.assertEqual(self.tab.value("document.body.className"), "")
        self.assertEqual(self.tab.value("document.documentElement.dataset.theme"), "dark")

    def test_what_a_file_says_is_text(self):
        self.open("#device=h100")
        self.assertIn(HOSTILE, self.tab.value("document.getElementById('worst').innerText"))
        self.assertEqual(self.tab.value("[typeof window.hit, document.images.length, document.scripts.length]"), ["undefined", 0, 4])

    def test_thousands_of_rows_stay_quick_and_small(self):
        page = (self.folder / "report.html").read_text()
        start = page.index('id="data">') + len('id="data">')
        end = page.index("</script>", start)
        data = json.loads(page[start:end])
        # Each row again and again, with other names and times.
        columns = {name: i for i, name in enumerate(data["columns"])}
        rows = []
        for i in range(4000):
            row = list(data["rows"][i % SIMULATED])
            row[columns["id"]] = f"row-open-{i:04}"
            for name in ("predicted_us", "measured_us"):
                row[columns[name]] *= 1 + i / 500
            rows.append(row)
        text = page[:start] + json.dumps(data | {"rows": rows}).replace("<", "\\u003c") + page[end:]
        (self.folder / "large.html").write_text(text)
        self.assertLess(len(text), 5_000_000)
        self.open(name="large.html")
        self.assertEqual(self.marks("time-chart"), 4000)
        paint = self.tab.value("performance.getEntriesByType('paint').map(entry => entry.startTime)")
        self.assertLess(min(paint), 2000)


if __name__ == "__main__":
    unittest.main()
