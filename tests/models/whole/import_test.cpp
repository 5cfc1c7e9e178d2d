// Checkpoints: what their config.json, their recipes and their tensors say of a model.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "models/whole/import/pruning_recipe.h"
#include "models/whole/import/tensor_masks.h"
#include "models/whole/import/workload_text.h"
#include "models/whole/model_read.h"

namespace sparsesim {
namespace {

namespace fs = std::filesystem;

const fs::path kConfigs = fs::path(SPARSESIM_SOURCE_DIR) / "tests/models/whole/configs";

Checkpoint imported(const std::string& type) {
  config::Diagnostics diagnostics;
  const std::string path = (kConfigs / (type + ".json")).string();
  return read_checkpoint_config(config::read_text_file(path, 1 << 20, diagnostics), path);
}

std::string message_of(const std::string& json) {
  try {
    read_checkpoint_config(json, "config.json");
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

ModelRun read_back(const std::string& text) {
  config::Diagnostics diagnostics;
  config::MapReader top(config::load_text(text, "w.yaml", diagnostics), diagnostics);
  ModelRun run = read_model_run(top);
  for (const char* key : {"name", "title", "seed"}) top.optional(key);
  top.finish();
  diagnostics.throw_if_any();
  return run;
}

double billions(const Checkpoint& checkpoint) {
  ModelShape shape = checkpoint.shape;
  shape.weights = {};
  return bytes_of({shape, {}, {}}).weights / 2 / 1e9;  // 16 bits
}

TEST_CASE("every kind of checkpoint has as many parameters as was published") {
  // Model cards: Llama 2 7B, Mistral 7B v0.1, Mixtral 8x7B, Qwen2 7B, Qwen3 8B and 30B-A3B, Qwen1.5-MoE-A2.7B,
  // DeepSeek-V3 and V2-Lite, Gemma 7B (8.5 with embeddings), Phi-3-mini, BERT-large, RoBERTa-base, ViT-L/16, BLOOM 7B1,
  // Command R 35B, DistilBERT, Falcon 7B, Gemma 2 9B, Gemma 3 1B, GPT-2 XL, Pythia 6.9B, gpt-oss-120b, Granite 3.1 8B,
  // OLMo 7B, OLMo 2 7B, OLMoE 1B-7B, OPT 6.7B, Phi-2, SmolLM3 3B, StableLM 2 1.6B, StarCoder2 7B.
  const std::pair<const char*, double> published[] = {
      {"llama", 6.74},       {"mistral", 7.24},      {"mixtral", 46.7},  {"qwen2", 7.62},   {"qwen3", 8.19},
      {"qwen3_moe", 30.5},   {"qwen2_moe", 14.3},    {"gemma", 8.54},    {"phi3", 3.82},    {"deepseek_v3", 671},
      {"deepseek_v2", 15.7}, {"bert", 0.335},        {"roberta", 0.125}, {"vit", 0.304},    {"bloom", 7.07},
      {"cohere", 35.0},      {"distilbert", 0.0664}, {"falcon", 6.92},   {"gemma2", 9.24},  {"gemma3_text", 1.0},
      {"gpt2", 1.558},       {"gpt_neox", 6.86},     {"gpt_oss", 116.8}, {"granite", 8.17}, {"olmo", 6.89},
      {"olmo2", 7.30},       {"olmoe", 6.92},        {"opt", 6.66},      {"phi", 2.78},     {"smollm3", 3.08},
      {"stablelm", 1.64},    {"starcoder2", 7.17}};
  CHECK(std::size(published) == checkpoint_kinds().size());
  for (const auto& [type, count] : published) {
    CAPTURE(type);
    CHECK(billions(imported(type)) == doctest::Approx(count).epsilon(0.01));
  }
}

TEST_CASE("what is written reads back as the same model") {
  for (const CheckpointKind& kind : checkpoint_kinds()) {
    CAPTURE(kind.type);
    const Checkpoint checkpoint = imported(std::string(kind.type));
    const ModelRun run = read_back(workload_text(checkpoint, {}));
    CHECK(bytes_of(run.model).weights == bytes_of({checkpoint.shape, {}, {}}).weights);
    CHECK(run.model.shape.window == checkpoint.shape.window);
    CHECK(run.model.recipe.size() == checkpoint.recipe.size());
    CHECK(run.pass.tokens() == checkpoint.sequence);
  }
}

TEST_CASE("weights that a config calls fp8 are a byte and a scale per block") {
  const Checkpoint deepseek = imported("deepseek_v3");
  CHECK(deepseek.shape.weights.type == "fp8");
  CHECK(deepseek.shape.weights.block == 128);
  CHECK(read_back(workload_text(deepseek, {})).model.shape.weights.block == 128);
  const std::string rest = R"("model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
    "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 100})";
  const auto with = [&](const std::string& method) {
    return read_checkpoint_config("{\"quantization_config\": {" + method + "}, " + rest, "config.json").shape.weights;
  };
  CHECK(with(R"("quant_method": "fp8")").type == "fp8");
  CHECK(with(R"("quant_method": "fp8")").block == 0);
  CHECK(!with(R"("quant_method": "bitsandbytes", "load_in_4bit": true)").any());
  CHECK(message_of("{\"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [128, 64]}, " + rest)
            .find("are square") != std::string::npos);
}

TEST_CASE("weights that a config calls integers of 4 or 8 bits have a scale per group") {
  const std::string rest = R"("model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
    "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 100})";
  const auto checkpoint = [&](const std::string& method) {
    return read_checkpoint_config("{\"quantization_config\": {" + method + "}, " + rest, "config.json");
  };
  const auto is = [&](const std::string& method, const std::string& type, std::int64_t block) {
    const ScaledWeights weights = checkpoint(method).shape.weights;
    return weights.type == type && weights.block == block;
  };
  const auto group = [](const std::string& weights) {
    return R"("quant_method": "compressed-tensors", "config_groups": {"group_0": {"targets": ["Linear"], "weights": {)" +
           weights + "}}}";
  };
  CHECK(is(R"("quant_method": "gptq", "bits": 4, "group_size": 128)", "int4", 128));
  CHECK(is(R"("quant_method": "gptq", "bits": 8, "group_size": -1)", "int8", 0));
  CHECK(is(R"("quant_method": "awq", "bits": 4, "group_size": 64, "zero_point": true)", "int4", 64));
  CHECK(is(group(R"("num_bits": 4, "type": "int", "group_size": 128)"), "int4", 128));
  CHECK(is(group(R"("num_bits": 8, "type": "float", "strategy": "channel")"), "fp8", 0));
  CHECK(is(group(R"("num_bits": 8, "type": "float", "strategy": "block", "block_structure": [128, 128])"), "fp8", 128));
  CHECK(read_back(workload_text(checkpoint(group(R"("num_bits": 4, "type": "int")")), {})).model.shape.weights.type ==
        "int4");
  for (const std::string& other :  // counted in 16 bits, and said
       {std::string(R"("quant_method": "gptq", "bits": 3)"),
        R"("quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 8, "type": "int"},
          "input_activations": {"num_bits": 8, "type": "int"}}})" +
            std::string()}) {
    CAPTURE(other);
    CHECK(!checkpoint(other).shape.weights.any());
    REQUIRE(checkpoint(other).notes.size() == 2);  // the other: no torch_dtype
    CHECK(checkpoint(other).notes.back().starts_with("quantised weights ("));
  }
}

TEST_CASE("kept keys and values that a config calls fp8 are") {
  const std::string rest = R"("model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
    "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 100})";
  const auto kept = [&](const std::string& scheme) {
    const auto text = R"({"quantization_config": {"quant_method": "compressed-tensors", "kv_cache_scheme": )" + scheme;
    return read_checkpoint_config(text + "}, " + rest, "config.json");
  };
  const Checkpoint narrow = kept(R"({"num_bits": 8, "type": "float"})");
  CHECK(narrow.shape.kv_dtype == "fp8");
  CHECK(read_back(workload_text(narrow, {})).model.shape.kv_dtype == "fp8");
  CHECK(kept("null").shape.kv_dtype.empty());
  CHECK(kept(R"({"num_bits": 8, "type": "int"})").shape.kv_dtype.empty());
}

TEST_CASE("layers that see all keys take turns with layers under a window") {
  const auto seen = [](const std::string& type) {
    std::string text;
    for (const RecipeRule& rule : imported(type).recipe)
      text += fmt::format("{}-{}:{} ", rule.first, rule.last, rule.window);
    return text;
  };
  CHECK(seen("gemma2").starts_with("0-0:4096 2-2:4096 4-4:4096 "));
  CHECK(imported("gemma2").recipe.size() == 21);
  CHECK(seen("gemma3_text") == "0-4:512 6-10:512 12-16:512 18-22:512 24-25:512 ");
  CHECK(seen("gpt_oss").starts_with("0-0:128 2-2:128 "));  // as its layer_types say
  CHECK(workload_text(imported("gemma3_text"), {}).find("layers: \"0-4, 6-10, 12-16, 18-22, 24-25\"") !=
        std::string::npos);
  CHECK(message_of(R"({"model_type": "gemma2", "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 3,
    "vocab_size": 1, "intermediate_size": 1, "sliding_window": 8, "layer_types": ["full_attention"]})")
            .find("1 types for 3 layers") != std::string::npos);
  CHECK(message_of(R"({"model_type": "gemma2", "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1,
    "vocab_size": 1, "intermediate_size": 1, "sliding_window": 8, "layer_types": ["chunked_attention"]})")
            .find("\"chunked_attention\" is neither") != std::string::npos);
}

TEST_CASE("keys that were renamed are read under either name") {
  const std::string rest = R"("vocab_size": 1000, "torch_dtype": "float16"})";
  const auto bloom = [&](const std::string& sizes) {
    return billions(read_checkpoint_config(R"({"model_type": "bloom", )" + sizes + rest, "config.json"));
  };
  const double renamed = bloom(R"("n_layer": 2, "n_embed": 64, "num_attention_heads": 4, )");
  CHECK(renamed == bloom(R"("num_hidden_layers": 2, "hidden_size": 64, "n_head": 4, )"));
  CHECK(renamed == doctest::Approx((2 * 12 * 64 * 64 + 1000 * 64) / 1e9));
}

TEST_CASE("mistakes of config.json are all named, with their places") {
  CHECK(message_of(R"({"model_type": "lama"})").find("did you mean \"llama\"?") != std::string::npos);
  CHECK(message_of("{}").find("missing key \"model_type\"") != std::string::npos);
  CHECK(message_of("[1, 2]").find("must be a map") != std::string::npos);
  CHECK(message_of("{\"model_type\": ").find("config.json:1:") != std::string::npos);
  const std::string several = message_of(
      "{\"model_type\": \"llama\",\n \"hidden_size\": 0, \"num_attention_heads\": 32,"
      "\n\t\"num_hidden_layers\": \"two\", \"vocab_size\": 100}");
  CHECK(several.find("config.json:2:17: error: hidden_size must be an integer") != std::string::npos);
  CHECK(several.find("config.json:3:23: error: num_hidden_layers must be an integer") != std::string::npos);
  CHECK(several.find("missing key \"intermediate_size\"") != std::string::npos);
  CHECK(message_of(R"({"model_type": "llama", "hidden_size": 100, "num_attention_heads": 3, "num_hidden_layers": 1,
    "vocab_size": 1, "intermediate_size": 1})")
            .find("3 heads do not divide the hidden size of 100") != std::string::npos);
  CHECK(several.find("heads do not divide") == std::string::npos);  // of a size that was refused
  CHECK(message_of(R"({"model_type": "llama", "hidden_size": 64, "num_attention_heads": 32, "num_key_value_heads": 5,
    "num_hidden_layers": 1, "vocab_size": 1, "intermediate_size": 1})")
            .find("error: 32 heads cannot share 5 of keys and values evenly") != std::string::npos);
  const std::string image = message_of(
      "{\"model_type\": \"vit\",\n \"image_size\": 16777216,\n \"patch_size\": 16777216,\n \"num_channels\": "
      "16777216}");
  CHECK(image.find("config.json:2:16: error: image_size must be an integer, 1 to 65536") != std::string::npos);
  CHECK(image.find("config.json:3:16: error: patch_size must be an integer, 1 to 65536") != std::string::npos);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  CHECK(message_of(deep).find("error") != std::string::npos);
}

std::string rules_of(const Checkpoint& checkpoint) {
  std::string text;
  for (const RecipeRule& rule : checkpoint.recipe)
    text += fmt::format("{} {}-{} {} {};", fmt::join(rule.modules, "+"), rule.first, rule.last, rule.pattern,
                        rule.sparsity);
  return text;
}

/// A file of a test's own.
class ImportFolder {
 public:
  ImportFolder() : path_(fs::temp_directory_path() / fmt::format("sparsesim-import-{}", ::getpid())) {
    fs::create_directories(path_);
  }
  ~ImportFolder() { fs::remove_all(path_); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

TEST_CASE("recipes of llm-compressor name tensors by expressions") {
  const ImportFolder folder;
  const auto with = [&](const std::string& yaml) {
    Checkpoint checkpoint = imported("llama");
    read_recipe_file(folder.write("recipe.yaml", yaml), checkpoint);
    return checkpoint;
  };
  const std::string sparse = "s:\n  m:\n    SparseGPTModifier:\n      mask_structure: \"2:4\"\n      sparsity: 0.5\n";
  CHECK(rules_of(with(sparse + "      targets: [\"re:.*down_proj$\"]\n")) == "mlp.down 0-31 2:4 0;");
  CHECK(rules_of(with(sparse + "      targets: [Linear]\n      ignore: [\"re:.*lm_head\", \"re:.*self_attn.*\"]\n")) ==
        "mlp.gate_up 0-31 2:4 0;mlp.down 0-31 2:4 0;");
  CHECK(rules_of(with(sparse + "      targets: [\"re:model.layers.(1|2|7).mlp.down_proj.weight\"]\n")) ==
        "mlp.down 1-2 2:4 0;mlp.down 7-7 2:4 0;");
  const Checkpoint part = with(sparse + "      targets: [\"re:.*q_proj\"]\n    GPTQModifier: {bits: 4}\n");
  CHECK(part.recipe.empty());
  CHECK(part.notes.size() == 2);
  const Checkpoint narrow = with(sparse + "    GPTQModifier: {scheme: W4A16, targets: [Linear], ignore: [lm_head]}\n");
  CHECK((narrow.shape.weights.type == "int4" && narrow.shape.weights.block == 128 && narrow.notes.empty()));
  CHECK(rules_of(with("m:\n  WandaPruningModifier: {sparsity: 0.6, mask_structure: 0:0, targets: [o_proj]}\n")) ==
        "attention.output 0-31 unstructured 0.6;");
  CHECK_THROWS_AS(with(sparse + "      targets: [\"re:(\"]\n"), config::ConfigError);
  CHECK_THROWS_AS(with("a: 1\n"), config::ConfigError);
  // Takes exponential time where matching goes back and forth.
  CHECK(with(sparse + "      targets: [\"re:(((.*)*)*)*x\"]\n").recipe.empty());
}

TEST_CASE("config.json itself may say that weights are 2:4") {
  const std::string config =
      R"({"model_type": "llama", "hidden_size": 256, "num_attention_heads": 2, "num_hidden_layers": 2,
    "vocab_size": 100, "intermediate_size": 512, "torch_dtype": "float16", "compression_config": {"quant_method":
    "compressed-tensors", "sparsity_config": {"format": "sparse-24-bitmask", "global_sparsity": 0.48,
    "sparsity_structure": "2:4", "targets": ["Linear"], "ignore": ["lm_head"]}}})";
  CHECK(rules_of(read_checkpoint_config(config, "config.json")) ==
        "attention.qkv 0-1 2:4 0;attention.output 0-1 2:4 0;mlp.gate_up 0-1 2:4 0;mlp.down 0-1 2:4 0;");
}

/// A safetensors file of 16-bit tensors; `zero` says which places of each are.
struct TensorSpec {
  std::string name;
  std::int64_t rows, columns;
  bool (*zero)(std::int64_t row, std::int64_t column);
};
std::string safetensors(const std::vector<TensorSpec>& tensors) {
  std::string header = "{", data;
  for (const TensorSpec& t : tensors) {
    const std::size_t begin = data.size();
    for (std::int64_t r = 0; r < t.rows; ++r)
      for (std::int64_t c = 0; c < t.columns; ++c)
        data += t.zero(r, c) ? std::string(2, '\0') : std::string("\x01\x3c");
    header += fmt::format("{}\"{}\": {{\"dtype\": \"F16\", \"shape\": [{}, {}], \"data_offsets\": [{}, {}]}}",
                          header.size() > 1 ? ", " : "", t.name, t.rows, t.columns, begin, data.size());
  }
  header += "}";
  std::string length(8, '\0');
  for (int i = 0; i < 8; ++i) length[static_cast<std::size_t>(i)] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  return length + header + data;
}

TEST_CASE("tensors have the names of their family") {
  const ImportFolder folder;
  const auto none = [](std::int64_t, std::int64_t) { return false; };
  const auto two_of_four = [](std::int64_t, std::int64_t column) { return column % 4 < 2; };
  const auto rules = [&](const std::string& type, const std::vector<TensorSpec>& tensors) {
    Checkpoint checkpoint = imported(type);
    checkpoint.shape.layers = 1;
    checkpoint.shape.hidden = checkpoint.shape.heads * 8;
    checkpoint.shape.head_dim = 8;
    checkpoint.shape.intermediate = 64;
    read_weight_patterns(folder.write(type + ".safetensors", safetensors(tensors)), folder.path(), checkpoint);
    CHECK(std::none_of(checkpoint.notes.begin(), checkpoint.notes.end(),
                       [](const std::string& note) { return note.find("no tensors") != std::string::npos; }));
    return rules_of(checkpoint);
  };
  const std::string opt = "model.decoder.layers.0.", bloom = "transformer.h.0.";  // both have 32 heads here
  CHECK(rules("opt", {{opt + "self_attn.q_proj.weight", 256, 256, none},
                      {opt + "self_attn.k_proj.weight", 256, 256, none},
                      {opt + "self_attn.v_proj.weight", 256, 256, none},
                      {opt + "self_attn.out_proj.weight", 256, 256, none},
                      {opt + "fc1.weight", 64, 256, two_of_four},
                      {opt + "fc2.weight", 256, 64, none}}) == "mlp.gate_up 0-0 2:4 0;");
  CHECK(rules("bloom", {{bloom + "self_attention.query_key_value.weight", 768, 256, two_of_four},
                        {bloom + "self_attention.dense.weight", 256, 256, none},
                        {bloom + "mlp.dense_h_to_4h.weight", 64, 256, none},
                        {bloom + "mlp.dense_4h_to_h.weight", 256, 64, none}}) == "attention.qkv 0-0 2:4 0;");
}

TEST_CASE("tensors say which layers have which pattern") {
  const auto none = [](std::int64_t, std::int64_t) { return false; };
  const auto two_of_four = [](std::int64_t r, std::int64_t c) { return (c + r) % 4 < 2; };
  const auto scattered = [](std::int64_t r, std::int64_t c) {  // bits of a product are as good as drawn
    return (static_cast<std::uint32_t>(r * 64 + c + 1) * 0x9E3779B1u >> 13) * 0x85EBCA6Bu % 10 < 7;
  };
  double gone = 2.0 * 2 * 64 * 128 * 0.5;  // bytes of zeros in both layers
  for (int i = 0; i < 128 * 64; ++i) gone += scattered(i / 64, i % 64) ? 2.0 * 2 * 2 : 0;
  std::vector<TensorSpec> tensors;
  for (const std::string layer : {"0", "1"}) {
    const std::string at = "model.layers." + layer + ".";
    for (const char* name : {"q", "k", "v", "o"})
      tensors.push_back({at + "self_attn." + name + "_proj.weight", 64, 64, none});
    tensors.push_back({at + "mlp.gate_proj.weight", 128, 64, scattered});
    tensors.push_back({at + "mlp.up_proj.weight", 128, 64, scattered});
    tensors.push_back({at + "mlp.down_proj.weight", 64, 128, two_of_four});
  }
  const ImportFolder folder;
  folder.write("model-1.safetensors", safetensors({tensors.begin(), tensors.begin() + 7}));
  folder.write("model-2.safetensors", safetensors({tensors.begin() + 7, tensors.end()}));
  folder.write("model.safetensors.index.json",
               R"({"metadata": {}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})");
  Checkpoint checkpoint = imported("llama");
  checkpoint.shape.layers = 2;
  checkpoint.shape.hidden = 64;
  checkpoint.shape.heads = checkpoint.shape.kv_heads = 2;
  checkpoint.shape.head_dim = 32;
  checkpoint.shape.intermediate = 128;
  read_weight_patterns(folder.path(), folder.path(), checkpoint);
  CHECK(rules_of(checkpoint) == "mlp.gate_up 0-0 unstructured 0;mlp.gate_up 1-1 unstructured 0;mlp.down 0-1 2:4 0;");
  CHECK(checkpoint.recipe[1].masks ==
        std::vector<std::string>{"model-2.safetensors:model.layers.1.mlp.gate_proj.weight",
                                 "model-2.safetensors:model.layers.1.mlp.up_proj.weight"});
  // The masks are those that a run meets: bytes are of the places that are stored.
  const std::string text = workload_text(checkpoint, {});
  config::Diagnostics diagnostics;
  config::MapReader top(config::load_text(text, folder.path() + "/w.yaml", diagnostics), diagnostics);
  const Model model = read_model_run(top).model;
  diagnostics.throw_if_any();
  const double dense = 2.0 * 2 * (4 * 64 * 64 + 3 * 64 * 128), rest = 2.0 * (2 * 32000 * 64 + 5 * 64);
  CHECK(bytes_of(model).weights == dense - gone + rest);

  checkpoint.shape.intermediate = 256;
  CHECK_THROWS_WITH_AS(read_weight_patterns(folder.path(), folder.path(), checkpoint),
                       doctest::Contains("has the shape [128, 64], config.json says [256, 64]"), config::ConfigError);
}

}  // namespace
}  // namespace sparsesim
