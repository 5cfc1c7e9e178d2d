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
            self.accepted("import", str(path), "--out", "w.yaml")
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
                               ("--out", "no/such/w.yaml"): "cannot write"}.items():
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
        self.accepted("import", "model", "--weights", "model", "--out", "w.yaml")
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

    def test_devices_that_split_products_have_their_parts_of_a_mask(self):
        whole = {"heads": (256, 256, lambda r, c: c >= 128 or (r + c) % 4 > 0),  # inputs: the first device has all weights
                 "left": (256, 128, lambda r, c: (r + c) % 4 > 0),
                 "rows": (512, 256, lambda r, c: r % 256 >= 128 or (r + c) % 4 > 0),  # gate and up: the first halves
                 "top": (256, 256, lambda r, c: (r % 128 + c) % 4 > 0)}
        self.write("m.safetensors", safetensors(whole))
        one = "op: spmm, m: 32, dtype: fp16, pattern: unstructured, mask:"
        self.write("part.yaml", f"ops:\n- {{name: output, {one} 'm.safetensors:left', n: 256, k: 128}}\n"
                                f"- {{name: up, {one} 'm.safetensors:top', n: 256, k: 256}}\n")
        self.write("w.yaml", "model: {layers: 1, hidden: 256, intermediate: 256, heads: 4, dtype: fp16}\nrecipe:\n"
                             "- {modules: attention.output, pattern: unstructured, masks: ['m.safetensors:heads']}\n"
                             "- {modules: mlp.gate_up, pattern: unstructured, masks: ['m.safetensors:rows']}\n"
                             "parallel: {tensor: 2}\npass: {seq: 32}\n")
        result, part = self.run_json("w.yaml"), self.run_json("part.yaml", "a100")
        ops, parts = ({op["name"]: op for op in run["ops"]} for run in (result, part))
        for whole_op, part_op in (("attention.output", "output"), ("mlp.gate_up", "up")):
            self.assertEqual(ops[whole_op]["sparse_us"], parts[part_op]["sparse_us"])  # the slowest device's
            self.assertEqual(ops[whole_op]["dense_us"], parts[part_op]["dense_us"])
            self.assertAlmostEqual(ops[whole_op]["declared_sparsity"], (parts[part_op]["declared_sparsity"] + 1) / 2)
        # The fullest device keeps every fourth weight, in 2 bytes and a number of 4 each; offsets of rows.
        dense = (256 * 3 * 128 + 128 * 256 + 2 * 256 + 256) * 2
        stored = (256 * 128 + 256 * 256) // 4
        self.assertEqual(result["memory"]["weights_bytes"], dense + 2 * stored)
        self.assertGreaterEqual(result["memory"]["metadata_bytes"], 4 * stored)

        # One key head for two devices: both have its rows. Masks of single tensors are cut as well.
        self.write("q.safetensors", safetensors({"q": (256, 256, lambda r, c: (r + c) % 2 > 0),
                                                 "kv": (64, 256, lambda r, c: (r + c) % 2 > 0)}))
        model = ("model: {layers: 1, hidden: 256, intermediate: 256, heads: 4, kv_heads: 1, head_dim: 64, dtype: fp16}\n"
                 "parallel: {tensor: %d}\npass: {seq: 32}\nrecipe:\n- {modules: attention.qkv, pattern: unstructured, "
                 "masks: ['q.safetensors:q', 'q.safetensors:kv', 'q.safetensors:kv']}\n")
        self.write("q1.yaml", model % 1)
        self.write("q2.yaml", model % 2)
        alone, shared = ({op["name"]: op for op in self.run_json(name)["ops"]} for name in ("q1.yaml", "q2.yaml"))
        self.assertEqual(shared["attention.k"]["sparse_us"], alone["attention.k"]["sparse_us"])
        self.assertLessEqual(shared["attention.q"]["sparse_us"], alone["attention.q"]["sparse_us"])
        self.write("bad.yaml", f"ops:\n- {{{one} 'q.safetensors:q', n: 100, k: 256, mask_parts: 2, mask_segments: [256]}}\n")
        self.assertIn("128 outputs, n is 100", self.refused(*self.run_words("bad.yaml")))

    def checkpoint_with_experts(self, kind: str, folder: str, names: tuple[str, str, str], zero, **config) -> str:
        """A tiny checkpoint of 4 experts in its last layer; `zero(expert, row, column)` of all their tensors."""
        tensors = {}
        for expert in range(4):
            for name in names:
                shape = (128, 64) if name == names[2] else (64, 128)
                tensors[f"model.layers.1.{folder}.{expert}.{name}.weight"] = (*shape, lambda r, c, e=expert: zero(e, r, c))
        self.write(f"{kind}/model.safetensors", safetensors({**tensors, **config.pop("others", {})}))
        self.config(f"{kind}/config.json", model_type=kind, hidden_size=128, num_hidden_layers=2, num_experts_per_tok=2, **config)
        return self.accepted("import", kind, "--weights", kind, "--phase", "decode", "--out", f"{kind}.yaml") or kind

    def test_weights_of_experts_are_read_expert_by_expert(self):
        attention = {f"model.layers.{layer}.self_attn.{x}_proj.weight": (128, 128, lambda r, c: False) for x in "qkvo" for layer in (0, 1)}
        usual = ("gate_proj", "up_proj", "down_proj")
        half = lambda e, r, c: e == 3 or (e == 2 and (r + c) % 4 < 2)  # the last is gone, the third 2:4
        self.checkpoint_with_experts("qwen3_moe", "mlp.experts", usual, half, num_experts=4, moe_intermediate_size=64,
                                     mlp_only_layers=[0], others=attention)
        text = (self.folder / "qwen3_moe.yaml").read_text()
        self.assertIn('{modules: [experts], layers: "1", pattern: experts, keep: 3}', text)
        self.assertIn("3 of 12 tensors of experts have zeros, 0 to 50 % of an expert's (2:4 in 3)", text)
        result = self.run_json("qwen3_moe.yaml")
        self.assertEqual(result["memory"]["dense_weights_bytes"] - result["memory"]["weights_bytes"], (3 * 64 + 1) * 128 * 2)
        noise = lambda e, r, c: (r * r + 3 * c) % 10 < 3 + e
        self.checkpoint_with_experts("mixtral", "block_sparse_moe.experts", ("w1", "w3", "w2"), noise, num_local_experts=4,
                                     intermediate_size=64, others={k.replace("layers.0", "layers.1"): v for k, v in attention.items()})
        text = (self.folder / "mixtral.yaml").read_text()
        self.assertIn("12 of 12 tensors of experts have zeros", text)
        self.assertIn("tensors of experts are not in the files", text)
        self.assertNotIn("recipe:", text)
        gone = lambda e, r, c: e > 0
        self.checkpoint_with_experts("qwen3_moe", "mlp.experts", usual, gone, num_experts=4, moe_intermediate_size=64,
                                     mlp_only_layers=[0], others=attention)
        self.assertIn("1 experts have weights, fewer than a token chooses", (self.folder / "qwen3_moe.yaml").read_text())

    def test_weights_of_latent_attention_are_read_by_the_names_of_their_tensors(self):
        sizes = {"q_a_proj": (32, 128), "kv_a_proj_with_mqa": (48, 128), "q_b_proj": (4 * 48, 32), "o_proj": (128, 4 * 32)}
        latent = dict(q_lora_rank=32, kv_lora_rank=32, qk_nope_head_dim=32, qk_rope_head_dim=16, v_head_dim=32, n_routed_experts=4,
                      moe_intermediate_size=64, n_shared_experts=1, first_k_dense_replace=1)
        def others(zero):
            return {f"model.layers.{layer}.self_attn.{name}.weight": (*size, zero) for name, size in sizes.items() for layer in (0, 1)}
        usual = ("gate_proj", "up_proj", "down_proj")
        self.checkpoint_with_experts("deepseek_v3", "mlp.experts", usual, lambda e, r, c: False, **latent,
                                     others=others(lambda r, c: (r + c) % 4 < 2))
        text = (self.folder / "deepseek_v3.yaml").read_text()
        for part in ("attention.qkv", "attention.output"):
            self.assertIn(f'{{modules: [{part}], layers: "0-1", pattern: "2:4"}}', text)
        self.checkpoint_with_experts("deepseek_v3", "mlp.experts", usual, lambda e, r, c: False, **latent,
                                     others=others(lambda r, c: (r * 7 + c * c * 3) % 11 < 6))
        text = (self.folder / "deepseek_v3.yaml").read_text()
        self.assertIn("kv_a_proj_with_mqa", text)
        names = {op["name"].split(": ")[-1] for op in self.run_json("deepseek_v3.yaml")["ops"]}
        self.assertLessEqual({"attention.q_down", "attention.kv_down", "attention.q_up"}, names)
        self.assertNotIn("attention.qkv_down", names)
        self.accepted("import", "deepseek_v3", "--weights", "deepseek_v3", "--tensor", "2", "--out", "two.yaml")
        self.assertEqual(self.run_json("two.yaml")["memory"]["devices"], 2)

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
        self.refused("import", "config.json", "--out", "w.yaml")
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
        self.assertIn("seq is of phase: prefill", self.refused("run", "--substrate", "a100", "--workload", "llama-2-7b",
                                                               "--set", "workload.pass.phase=decode"))
        self.accepted("run", "--substrate", "a100", "--workload", "llama-2-7b", "--set", "workload.pass.phase=decode",
                      "--set", "workload.pass.seq=absent")
        self.assertIn("no op of", self.refused(*words, "workload.ops.mlp.m=1"))
        self.assertIn("no op with a name", self.refused(*words, "workload.ops.*.m=1"))
        self.assertIn("is no whole model", self.refused("sweep", "--substrate", "a100", "--workload", "pruned-linear", "--vary", "workload.pass.batch=1,2"))


if __name__ == "__main__":
    unittest.main()
