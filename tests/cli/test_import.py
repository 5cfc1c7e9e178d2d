"""`sparsesim import`: workloads from the files of a checkpoint, and what whole models refuse."""
import json
import pathlib
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ROOT, ProgramTest, places

CONFIGS = ROOT / "tests/models/whole/configs"
TINY = {"model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4,
        "num_hidden_layers": 3, "vocab_size": 1000, "torch_dtype": "float16"}


def safetensors(tensors: dict[str, tuple[int, int, object]]) -> bytes:
    """Tensors of 16 bits; `zero(row, column)` says which of their values are zero."""
    header, data = {}, bytearray()
    for name, (rows, columns, zero) in tensors.items():
        begin = len(data)
        for row in range(rows):
            for column in range(columns):
                data += b"\0\0" if zero(row, column) else b"\0\x3c"
        header[name] = {"dtype": "F16", "shape": [rows, columns], "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


class Import(ProgramTest):
    def config(self, name="config.json", **changes) -> str:
        return self.write(name, json.dumps({**TINY, **changes}, indent=2))

    def run_json(self, workload: str, substrate="a100-x8") -> dict:
        return json.loads(self.accepted("run", "--substrate", substrate, "--workload", workload, "--format", "json"))

    def test_each_kind_of_checkpoint_becomes_a_workload_that_runs(self):
        for path in sorted(CONFIGS.glob("*.json")):
            self.accepted("import", str(path), "--output", "w.yaml")
            result = self.run_json("w.yaml", "h100-x8")
            self.assertEqual(result["workload"], path.stem)
            self.assertGreater(result["memory"]["weights_bytes"], 1e8)

    def test_options_say_what_passes_through_and_who_shares_it(self):
        self.config()
        text = self.accepted("import", ".", "--phase", "decode", "--batch", "8", "--keys", "300", "--tensor", "2", "--name", "tiny")
        self.write("w.yaml", text)
        self.assertIn("pass: {phase: decode, batch: 8, keys: 300}", text)
        result = self.run_json("w.yaml")
        self.assertEqual((result["workload"], result["memory"]["devices"]), ("tiny", 2))
        # Keys and values of 3 layers: 4 heads of 64 on two devices, 2 bytes each.
        self.assertEqual(result["memory"]["kv_bytes"], 8 * 300 * 3 * 2 * 2 * 64 * 2)
        self.assertIn("import", self.accepted("help", "import"))
        for words, message in {("--tensor", "3"): "3 devices cannot divide 4 heads",
                               ("--expert", "2"): "the model has no experts",
                               ("--phase", "decode", "--seq", "8"): "--keys",
                               ("--output", "no/such/w.yaml"): "cannot write"}.items():
            self.assertIn(message, self.refused("import", "config.json", *words))
        self.config("bert.json", model_type="bert")
        self.assertIn("is an encoder", self.refused("import", "bert.json", "--phase", "decode"))

    def test_a_workload_may_come_through_a_pipe(self):
        self.config()
        text = self.accepted("import", "config.json")
        self.write("w.yaml", text)
        piped = json.loads(self.accepted(*self.run_words("-"), "--format", "json", input=text.encode()))
        self.assertEqual(piped["sparse_us"], self.run_json("w.yaml", "a100")["sparse_us"])
        message = self.refused(*self.run_words("-"), input=b"ops:\n  - {op: gemn}\n")
        self.assertEqual(places(message)[0][0], "<stdin>:2:10", message)
        self.assertIn("one file", self.refused(*self.run_words("-", "-"), input=b""))
        self.assertIn("more than", self.refused(*self.run_words("-"), input=b"#" * (20 << 20)))

    def test_real_weights_give_the_recipe_and_the_masks_of_a_run(self):
        tensors = {}
        for layer in range(3):
            at = f"model.layers.{layer}."
            for name in "qkvo":
                tensors[f"{at}self_attn.{name}_proj.weight"] = (256, 256, lambda r, c: False)
            for name in ("gate", "up"):
                tensors[f"{at}mlp.{name}_proj.weight"] = (512, 256, lambda r, c: (c + r) % 4 < 2)
            tensors[f"{at}mlp.down_proj.weight"] = (256, 512, lambda r, c: r < 64 or (r * r + c * c * 7) % 10 < 9)
        self.config("model/config.json")
        self.write("model/model.safetensors", safetensors(tensors))
        self.accepted("import", "model", "--weights", "model", "--output", "w.yaml")
        text = (self.folder / "w.yaml").read_text()
        self.assertIn('{modules: [mlp.gate_up], layers: "0-2", pattern: "2:4"}', text)
        self.assertIn("model/model.safetensors:model.layers.1.mlp.down_proj.weight", text)
        self.assertIn("rows or columns of weights are zero", text)
        result = self.run_json("w.yaml")
        ops = {op["name"]: op for op in result["ops"]}
        stored = sum(r >= 64 and (r * r + c * c * 7) % 10 == 9 for r in range(256) for c in range(512))
        self.assertAlmostEqual(ops["layer 1: mlp.down"]["declared_sparsity"], 1 - stored / (256 * 512), places=9)
        self.assertEqual(ops["mlp.gate_up"]["repeat"], 3)
        first = result["provenance"]["inputs_hash"]
        tensors["model.layers.2.mlp.down_proj.weight"] = (256, 512, lambda r, c: (r + c * 3) % 10 < 9)
        self.write("model/model.safetensors", safetensors(tensors))
        self.assertNotEqual(self.run_json("w.yaml")["provenance"]["inputs_hash"], first)
        self.assertIn("masks are of whole products", self.refused("import", "model", "--weights", "model", "--tensor", "2"))

    def test_bad_checkpoints_are_named(self):
        self.config("model/config.json")
        cases = {("none.json",): "no such file", ("model", "--weights", "none"): "no such file",
                 ("model", "--weights", "model"): "neither model.safetensors nor",
                 ("model", "--recipe", "none.yaml"): "no such file"}
        for words, message in cases.items():
            self.assertIn(message, self.refused("import", *words))
        self.config("qwen.json", model_type="qwen9")
        [(place, message)] = places(self.refused("import", "qwen.json"))
        self.assertEqual((place, message), ("qwen.json:2:17", 'model_type cannot be "qwen9"'))
        self.assertIn("deepseek_v3", self.refused("import", "qwen.json"))
        self.write("index.json", '{"weight_map": {"a": "../../etc/passwd"}}')
        self.assertIn("no file beside the index", self.refused("import", "model", "--weights", "index.json"))
        self.write("w.safetensors", safetensors({"model.layers.0.mlp.down_proj.weight": (4, 4, lambda r, c: False)}))
        self.assertIn("says [256, 512]", self.refused("import", "model", "--weights", "w.safetensors"))
        self.write("other.safetensors", safetensors({"a": (4, 4, lambda r, c: False)}))
        self.assertIn("no tensor of a llama layer", self.refused("import", "model", "--weights", "other.safetensors"))

    def test_an_older_workload_stays_where_the_import_fails(self):
        self.write("w.yaml", "name: old\n")
        self.config(hidden_size="many")
        self.refused("import", "config.json", "--output", "w.yaml")
        self.assertEqual((self.folder / "w.yaml").read_text(), "name: old\n")


MODEL = "model: {layers: 4, hidden: 256, intermediate: 512, heads: 4, vocabulary: 100%s}\n"


class Models(ProgramTest):
    def mistakes(self, text: str) -> list[tuple[str, str]]:
        return places(self.refused(*self.run_words(self.write("w.yaml", text))))

    def test_all_mistakes_of_a_model_stand_where_they_are(self):
        found = self.mistakes("model: {layers: 4, hidden: 255, heads: 4, kv_heads: 3, gatted: true, dtype: fp4}\n"
                              "parallel: {tensor: 3, expert: 2}\n"
                              "pass: {phase: decoding, batch: 0}\n")
        self.assertEqual([place for place, message in found],
                         ["w.yaml:1:1", "w.yaml:1:1", "w.yaml:1:53", "w.yaml:1:56", "w.yaml:1:77", "w.yaml:2:20", "w.yaml:2:20",
                          "w.yaml:2:31", "w.yaml:3:15", "w.yaml:3:32"])
        messages = "\n".join(message for place, message in found)
        for part in ['missing key "intermediate"', 'missing key "head_dim"', "heads (4) must be a multiple of kv_heads (3)",
                     'unknown key "gatted"', "the model has no experts", "3 devices cannot divide 4 heads"]:
            self.assertIn(part, messages)

    def test_rules_that_fit_no_part_are_refused(self):
        experts = ", experts: {count: 8, top_k: 2, intermediate: 64, dense_layers: 1}"
        cases = {
            "{mpl: 2:4}": ("", 'no part of a layer is called "mpl"'),
            "{mlp: 2:5.5}": ("", 'pattern cannot be "2:5.5"'),
            "{mlp: unstructured}": ("", 'missing key "sparsity"'),
            "{mlp: unstructured x}": ("", "sparsity must be"),
            "[{modules: [mlp], layers: 0-4, pattern: 2:4}]": ("", "there is no layer 4"),
            "[{modules: [mlp], layers: 3-1, pattern: 2:4}]": ("", "layers are a number"),
            "[{modules: [mlp], pattern: channels, sparsity: 1}]": ("", "no channels would be left"),
            "[{modules: [mlp.down], pattern: channels, sparsity: 0.5}]": ("", "from mlp as a whole"),
            "[{modules: [mlp], pattern: window, window: 8}]": ("", "of attention.scores alone"),
            "[{modules: [attention.scores], pattern: 2:4}]": ("", "has no weights"),
            "[{modules: [mlp.down], pattern: block, sparsity: 0.5, block: [3, 3]}]": ("", "do not divide"),
            "[{modules: [mlp.down], pattern: unstructured, masks: [none.npy]}]": ("", "no such file"),
            "[{modules: [mlp.down], pattern: 2:4, masks: [a, b]}]": ("", "2 masks for a product of 1 tensor"),
            "{mlp: 2:4} ": (experts, "layer 1 has experts"),
            "{all: removed}": ("", "removes the attention of every layer"),
            "[{modules: [mlp.down], pattern: removed}]": ("", "all, attention or mlp"),
            "[{modules: [mlp], pattern: channels, keep: 8, sparsity: 0.5}]": ("", "not both"),
            "[{modules: [mlp], pattern: channels, keep: 100000}]": ("", "cannot be kept"),
            "[{modules: [experts], pattern: experts, keep: 4}]": ("", "none of these layers has experts"),
            "[{modules: [experts], pattern: experts, keep: 1}]": (experts, "a token chooses 2 experts, of 1"),
            "[{modules: [experts], pattern: 2:4}]": (experts, "sparse grouped products"),
            "7": ("", "recipe is a list of rules, or a map"),
        }
        for recipe, (more, message) in cases.items():
            with self.subTest(recipe=recipe):
                found = self.mistakes(MODEL % more + f"recipe: {recipe}\n")
                self.assertIn(message, "\n".join(text for place, text in found))
                self.assertTrue(all(place.startswith("w.yaml:2:") for place, text in found), found)
        accepted = self.write("w.yaml", MODEL % experts + "recipe: [{modules: [mlp], layers: 0, pattern: 2:4}]\n")
        self.accepted(*self.run_words(accepted))

    def test_what_is_left_must_suit_the_devices(self):
        found = self.mistakes("model: {layers: 4, hidden: 4096, intermediate: 11008, heads: 32, kv_heads: 8}\nrecipe:\n"
                              "- {modules: mlp, layers: '0,2', pattern: channels, keep: 8193}\n"
                              "- {modules: attention, pattern: heads, keep: 20}\n- {modules: all, layers: 0-1, pattern: removed}\n"
                              "parallel: {tensor: 8, pipeline: 4}\n")
        self.assertEqual(found, [("w.yaml:3:3", "8 devices cannot divide 8193 channels that are kept"),
                                 ("w.yaml:4:3", "8 devices cannot divide 20 heads that are kept"),
                                 ("w.yaml:5:3", "4 stages for the 2 layers that are left")])

    def test_ops_and_a_model_exclude_each_other(self):
        [(place, message)] = self.mistakes(MODEL % "" + "ops: [{op: gemm, m: 1, n: 1, k: 1}]\n")
        self.assertEqual((place, message), ("w.yaml:2:1", "give ops, or a model, not both"))

    def test_a_model_larger_than_the_machine_says_so(self):
        self.write("w.yaml", (ROOT / "workloads/mixtral-8x7b.yaml").read_text().replace("parallel: {tensor: 8}\n", ""))
        text = self.accepted("run", "--substrate", "a100", "--workload", "w.yaml")
        self.assertIn("DOES NOT FIT in 85.90 GB", text)
        self.assertIn("; does not fit: 93.94 GB of 24.00 GB per device", self.accepted(*self.run_words("w.yaml", "rtx-4090")))
        self.write("w.yaml", MODEL % "" + "parallel: {data: 9}\npass: {phase: decode}\n")
        done = self.call(*self.run_words("w.yaml", "a100-x8"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("spread over 9 devices, a100-sxm4-80gb-x8 has 8", done.stderr)

    def test_sweeps_and_dumps_reach_into_a_model(self):
        self.write("w.yaml", MODEL % "" + "recipe: {mlp: 2:4, attention.qkv: unstructured 0.5}\nname: m\n")
        dump = self.accepted("run", "--substrate", "a100-x8", "--workload", "w.yaml", "--dump-config").split("# workload\n")[1]
        self.write("d.yaml", dump)
        again = self.accepted("run", "--substrate", "a100-x8", "--workload", "d.yaml", "--dump-config").split("# workload\n")[1]
        self.assertEqual(again, dump)
        words = ["sweep", "--substrate", "a100-x8", "--workload", "w.yaml", "--quiet", "--vary"]
        self.assertIn("6 points simulated", self.accepted(*words, "workload.parallel.tensor=1,2,4", "--vary", "workload.recipe.mlp=2:4,dense"))
        self.assertIn("3 devices cannot divide 4 heads", self.refused(*words, "workload.parallel.tensor=3"))
        self.assertIn('unknown key "tensr"', self.refused(*words, "workload.parallel.tensr=1"))
        self.assertIn("no op of", self.refused(*words, "workload.ops.mlp.m=1"))
        self.assertIn("no op with a name", self.refused(*words, "workload.ops.*.m=1"))
        self.assertIn("is no whole model", self.refused("sweep", "--substrate", "a100", "--workload", "pruned-linear", "--vary", "workload.pass.batch=1,2"))


if __name__ == "__main__":
    unittest.main()
