"""Masks from files of every format, and what `inspect` says of them."""
import io
import json
import os
import pathlib
import struct
import sys
import time
import unittest
import xml.etree.ElementTree
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ProgramTest, places

# Ten rows of eight weights, two of every four stored: 2:4 without a free line.
ROWS, COLUMNS = 10, 8
STORED = [(row, column) for row in range(ROWS) for column in range(COLUMNS) if column % 4 in (row % 4, (row + 1) % 4)]


def npy(kind: str, shape: tuple, data: bytes, fortran=False) -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape!r}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def safetensors(tensors: dict) -> bytes:
    """NAME: (dtype, shape, bytes)."""
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def npz(arrays: dict, method=zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, array in arrays.items():
            with archive.open(name + ".npy", "w", force_zip64=True) as member:  # as numpy.savez does
                member.write(array)
    return out.getvalue()


def values(stored: bytes, zero: bytes, fortran=False) -> bytes:
    """The mask of the test, element by element."""
    order = ([(row, column) for column in range(COLUMNS) for row in range(ROWS)] if fortran else
             [(row, column) for row in range(ROWS) for column in range(COLUMNS)])
    chosen = set(STORED)
    return b"".join(stored if place in chosen else zero for place in order)


def files() -> dict[str, bytes]:
    half, bf16 = struct.pack("<e", -0.5), b"\x80\x3f"
    by_row = [[column for at, column in STORED if at == row] for row in range(ROWS)]
    smtx = f"{ROWS}, {COLUMNS}, {len(STORED)}\n" + " ".join(str(4 * row) for row in range(ROWS + 1)) + " \n"
    smtx += " ".join(str(column) for row in by_row for column in row) + " \n"
    mtx = f"%%MatrixMarket matrix coordinate real general\n{ROWS} {COLUMNS} {len(STORED)}\n"
    mtx += "".join(f"{row + 1} {column + 1} 0.5\n" for row, column in reversed(STORED))
    array = "%%MatrixMarket matrix array integer general\n" + f"{ROWS} {COLUMNS}\n"
    array += "".join(f"{1 if (row, column) in STORED else 0}\n" for column in range(COLUMNS) for row in range(ROWS))
    bool_npy = npy("|b1", (ROWS, COLUMNS), values(b"\1", b"\0"))
    blocks = npz({"kv_num_blocks": npy("<i4", (1, ROWS), struct.pack("<10i", *[4] * ROWS)),
                  "kv_indices": npy("<i4", (1, ROWS, COLUMNS), b"".join(
                      struct.pack("<8i", *reversed(row), *[0] * (COLUMNS - len(row))) for row in by_row))})
    return {
        "a.smtx": smtx.encode(), "b.mtx": mtx.encode(), "c.mtx": array.encode(), "d.npy": bool_npy,
        "e.npy": npy("<f2", (ROWS, COLUMNS), values(half, b"\x00\x80")),  # a zero with a sign is a zero
        "f.npy": npy(">i8", (ROWS, COLUMNS), values(b"\0\0\0\0\0\0\1\0", b"\0" * 8, fortran=True), fortran=True),
        "g.npz": npz({"w": bool_npy}), "h.npz": blocks,
        "i.safetensors": safetensors({"w": ("BF16", [ROWS, COLUMNS], values(bf16, b"\0\0")), "bias": ("F32", [2], b"\0" * 8)}),
        "j.safetensors": safetensors({"w": ("F8_E5M2", [ROWS, 2, 2, 2], values(b"\1", b"\x80"))}),
    }


class Formats(ProgramTest):
    def test_every_format_gives_the_same_mask(self):
        answers = set()
        for name, content in files().items():
            self.write(name, content)
            found = json.loads(self.accepted("inspect", name, "--substrate", "a100", "--format", "json"))
            self.assertEqual(found.pop("file"), name)
            answers.add(json.dumps(found))
        self.assertEqual(len(answers), 1, answers)
        found = json.loads(answers.pop())
        self.assertEqual((found["rows"], found["columns"], found["stored"]), (ROWS, COLUMNS, len(STORED)))
        kinds = {kind["kind"]: kind for kind in found["kinds"]}
        self.assertEqual((kinds["2:4"]["dropped"], kinds["1:4"]["dropped"]), (0, 0.5))
        self.assertEqual(found["best"]["compute"], "2:4")

    def test_tensors_by_name(self):
        two = {"a": ("I8", [2, 2], b"\1\0\0\0"), "b": ("I8", [1, 4], b"\1\1\0\0")}
        self.write("m.safetensors", safetensors(two))
        for words in (["m.safetensors:b"], ["m.safetensors", "--tensor", "b"]):
            self.assertIn("1 x 4 weights, 2 of 4", self.accepted("inspect", *words))
        self.assertIn("which one?\n  FILE:TENSOR names it; known: a, b", self.refused("inspect", "m.safetensors"))
        self.write("none.safetensors", safetensors({}))
        self.assertEqual("none.safetensors: error: holds no array\n", self.refused("inspect", "none.safetensors"))
        self.assertIn('no tensor "c"', self.refused("inspect", "m.safetensors:c"))

    def test_a_workload_takes_every_format(self):
        for name, content in files().items():
            self.write(name, content)
            for pattern, height, width in [("unstructured", 1, 1), ("vector", 2, 1), ("block", 2, 2)]:
                block = f", block: [{height}, {width}]" if pattern != "unstructured" else ""
                self.write("w.yaml", f"ops:\n  - {{op: spmm, m: 1, n: {ROWS}, k: {COLUMNS}, pattern: {pattern}{block}, mask: {name}}}\n")
                done = self.call("run", "--substrate", "a100", "--workload", "w.yaml", "--format", "json")
                self.assertIn(done.returncode, (0, 1), done.stderr)  # 1: no kernel of this machine has such blocks
                if done.returncode == 0:
                    declared = json.loads(done.stdout)["declared_sparsity"]
                    units = {(row // height, column // width) for row, column in STORED}
                    self.assertAlmostEqual(declared, 1 - len(units) * height * width / (ROWS * COLUMNS), places=9)

    def test_a_mask_of_n_of_m_weights_must_be_of_the_pattern(self):
        self.write("m.npy", files()["d.npy"])
        product = f"ops:\n  - {{op: spmm, m: 16, n: {ROWS}, k: {COLUMNS}, mask: m.npy, pattern: "
        self.write("w.yaml", product + "'2:4'}\n")
        self.accepted(*self.run_words())
        self.write("w.yaml", product + "'1:4'}\n")
        self.assertIn("the mask is not 1:4: 20 of 40 stored weights would have to go", self.refused(*self.run_words()))
        self.write("w.yaml", product + "vnm, v: 2, columns: 8}\n")  # four of eight are stored in every row
        self.assertIn("the mask is not 2:2:8: 20 of 40", self.refused(*self.run_words()))

    def test_units_of_a_mask_and_its_weights(self):
        self.write("u.npy", npy("|b1", (2, 4), b"\1\0\0\0\0\1\1\1"))
        found = json.loads(self.accepted("inspect", "u.npy", "--block", "8x1", "--format", "json"))
        self.assertEqual((found["rows"], found["columns"], found["block"]), (16, 4, [8, 1]))
        kinds = {kind["kind"]: kind for kind in found["kinds"]}
        self.assertEqual(kinds["vector 8x1"]["work"], 0.5)
        self.assertIn("as 8x1", self.refused("inspect", "u.npy", "--block", "8"))


class Refusals(ProgramTest):
    """Bad files: exit code 2, one mistake, its place."""

    def test_text_has_line_and_column(self):
        banner = "%%MatrixMarket matrix coordinate pattern general\n"
        for name, text, place, part in [
                ("m.mtx", "%%MatrixMarket matrix coordinate complex general\n", "1:34", 'field "complex" is not read'),
                ("m.mtx", banner + "2 2 1\n1 3\n", "3:3", "column 3 is not within 1..2"),
                ("m.mtx", banner + "2 2 2\n1 1\n\n1 1\n", "5:1", "place 1, 1 twice"),
                ("m.mtx", banner + "4000000 4000000 100000000\n", "2:17", "do not fit into the 0 bytes"),
                ("m.mtx", banner + "2 9999999 1\n", "2:3", "columns 9999999 is not within 0..4194304"),
                ("m.mtx", banner.replace("general", "skew-symmetric") + "2 2 1\n1 1\n", "3:3", "its diagonal is zero"),
                ("m.smtx", "99999999999, 2, 1\n0 1 1\n2\n", "1:1", "rows 99999999999 is not within 0..4194304"),
                ("m.smtx", "2, 2, 1\n0 1 1\n2\n", "3:1", "column index 2 is not within 0..1"),
                ("m.smtx", "2, 2, 2\n0 2 2\n1 1\n", "3:3", "column 1 twice in row 0")]:
            with self.subTest(text=text):
                self.write(name, text)
                text = self.refused("inspect", name)
                self.assertEqual([found for found, _ in places(text)], [f"{name}:{place}"], text)
                self.assertIn(part, text)

    def test_binary_has_the_byte(self):
        lying = struct.pack("<Q", 1 << 62) + b"{}"
        hole = safetensors({"w": ("U8", [2, 2], b"\1\1\1\1")}) + b"?"
        squeezed = npz({"w": npy("|b1", (1, 1), b"\1")}, zipfile.ZIP_DEFLATED)
        wrong = npz({"kv_num_blocks": npy("|u1", (1,), b"\3"), "kv_indices": npy("|u1", (1, 2), b"\0\1")})
        for name, content, part in [
                ("m.npy", b"", "byte 0: does not begin"), ("m.npy", npy("<f4", (2, 2), b"1234"), "need 16 bytes, the file has 4"),
                ("m.npy", npy("<f4", (1 << 40, 1 << 40), b""), "the shape is larger than any file"),
                ("m.npy", npy("|O", (1,), b"1"), 'type "|O" is not read'), ("m.npz", b"PK", "byte 0: is no zip archive"),
                ("m.npz", squeezed, 'array "w" is compressed'), ("m.npz", wrong, "row 0 counts 3 blocks, of 2"),
                ("m.safetensors", lying, "byte 0: a header of 4611686018427387904 bytes"),
                ("m.safetensors", hole, "1 bytes that belong to no tensor"),
                ("m.safetensors", safetensors({"w": ("F4", [2, 2], b"12")}), "of type F4, which is not read")]:
            with self.subTest(part=part):
                self.write(name, content)
                text = self.refused("inspect", name)
                self.assertTrue(text.startswith(f"{name}: error: byte "), text)
                self.assertEqual(text.count("error:"), 1, text)
                self.assertIn(part, text)

    def test_files_that_are_no_masks(self):
        self.assertIn("no such file", self.refused("inspect", "none.npy"))
        self.assertIn("known: .smtx, .mtx, .npy, .npz, .safetensors", self.refused("inspect", self.write("m.csv", "1,2\n")))
        (self.folder / "d.npy").mkdir()
        self.assertIn("is a directory", self.refused("inspect", "d.npy"))
        os.mkfifo(self.folder / "p.npy")
        self.assertIn("is not a regular file", self.refused("inspect", "p.npy"))
        self.write("m.npy", npy("|b1", (1, 1), b"\1"))
        self.assertIn("cannot write", self.refused("inspect", "m.npy", "--svg", "no/such/m.svg"))
        self.assertIn("no such", self.refused("inspect", "m.npy", "--substrate", "nowhere.yaml"))


class Pictures(ProgramTest):
    def test_a_picture_is_well_formed_small_and_the_same_every_time(self):
        row = bytes((column * 7 + column * column // 3) % 5 == 0 for column in range(1500))
        self.write("m.npy", npy("|b1", (1500, 1500), b"".join(row[i:] + row[:i] for i in range(1500))))
        for machine in ([], ["--substrate", "h100"]):
            self.accepted("inspect", "m.npy", *machine, "--svg", "one.svg")
            self.accepted("inspect", "m.npy", *machine, "--svg", "two.svg")
            one = (self.folder / "one.svg").read_bytes()
            self.assertEqual(one, (self.folder / "two.svg").read_bytes())
            self.assertLess(len(one), 500_000)
            words = [element.text for element in xml.etree.ElementTree.fromstring(one).iter() if element.text]
            self.assertIn("m.npy", words)
            self.assertIn("1500 x 1500 weights", " ".join(words))


class Published(ProgramTest):
    def test_every_mask_of_the_collection_is_read(self):
        data = os.environ.get("SPARSESIM_DATA")
        if not data:
            self.skipTest("SPARSESIM_DATA names no folder with dlmc/*.smtx")
        masks = sorted(pathlib.Path(data, "dlmc").rglob("*.smtx"))
        self.assertTrue(masks)
        begin = time.monotonic()
        for mask in masks:
            rows, columns, stored = (int(word) for word in mask.read_text().split("\n", 1)[0].split(","))
            found = json.loads(self.accepted("inspect", str(mask), "--substrate", "a100", "--format", "json"))
            self.assertEqual((found["rows"], found["columns"], found["stored"]), (rows, columns, stored), mask)
            for granule in found["granules"]:
                self.assertGreaterEqual(granule["fill"] * granule["occupied"], 0)
                self.assertLessEqual(granule["occupied"], granule["number"])
        self.assertLess((time.monotonic() - begin) / len(masks), 2)


if __name__ == "__main__":
    unittest.main()
