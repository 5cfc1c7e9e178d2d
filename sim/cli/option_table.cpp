// The one table of subcommands and options.

#include "sim/cli/option_specs.h"

namespace sparsesim::cli {
namespace {

CommandSpec run_command() {
  return {"run",
          "simulate a workload on a machine, against its dense twin",
          "Lowers every operation of the workload to tasks, plays them on the machine, does the same with the dense "
          "twin and "
          "reports the realised speedup, what bounds it and where the rest of the ideal speedup went.",
          {required(value("substrate", ValueType::substrate, "S",
                          "machine: a file, - for standard input, or the name of a shipped one")),
           required(value("workload", ValueType::workload, "W",
                          "work: a file, - for standard input, or the name of a shipped one")),
           format_option(),
           flag("kernels", "also say which kernels of the library each operation launches, dense -> sparse"),
           output("timeline", "write the schedule as Chrome trace events, for Perfetto"),
           flag("dump-config", "print both files with every default and stop"),
           integer("seed", 0, INT64_MAX, "seed of everything drawn; default is the workload's"),
           integer("seeds", 1, 10000, "run this many seeds from there on and print the spread of the times"),
           set_option("workload.ops.ffn.tokens=4096"), quiet_option()},
          {},
          {"sparsesim run --substrate a100.yaml --workload moe64.yaml",
           "sparsesim run --substrate h100 --workload moe64 --format json --timeline moe64.json"}};
}

CommandSpec serve_command() {
  return {"serve",
          "what the users of a served model wait for, dense and sparse",
          "Requests arrive, are batched and answered: a simulation of a server's steps, each costed by simulating the "
          "kernels of the model. Prints time to first token, time per output token, throughput, memory and the rate "
          "that the machine can carry, for the model without its recipe and with it. Options replace keys of the "
          "workload's section `serving`; docs/serving.md describes both.",
          {required(value("substrate", ValueType::substrate, "S",
                          "machine: a file, - for standard input, or the name of a shipped one")),
           required(value("workload", ValueType::workload, "W",
                          "work: a file, - for standard input, or the name of a shipped one")),
           value("rate", ValueType::text, "R", "requests per second; several with commas draw a curve"),
           integer("requests", 1, 1000000, "how many"),
           integer("concurrency", 1, 1000000, "so many users who each wait for their answer, in place of a rate"),
           value("trace", ValueType::file, "FILE", "recorded requests (CSV: arrival, input, output)"),
           value("input", ValueType::text, "TOKENS", "of a prompt: N, uniform:LOW:HIGH or lognormal:MEAN:SIGMA[:MOST]"),
           value("output", ValueType::text, "TOKENS", "of an answer, in the same forms"),
           value("ttft", ValueType::text, "TIME",
                 "search the highest rate that gives 95 % of the requests their first token within this: 500 ms"),
           value("tpot", ValueType::text, "TIME", "the same of the time per output token"),
           set_option("workload.serving.max_sequences=64, workload.parallel.tensor=4"),
           value("quality", ValueType::text, "DENSE,SPARSE", "what you measured of the answers, to print beside"),
           output("points-out", "write a line per rate and side (CSV)"),
           output("requests-out", "write a line per request (CSV)"),
           format_option(),
           flag("no-interval", "skip what the guessed constants leave open: a fifth of the runs"),
           flag("dump-config", "print both files with every default and stop"),
           integer("seed", 0, INT64_MAX, "seed of everything drawn; default is the workload's"),
           integer("threads", 1, 1024, "kernels simulated at once; default is one per processor"),
           quiet_option()},
          {},
          {"sparsesim serve --substrate h100-x8 --workload llama-2-70b --rate 4",
           "sparsesim serve --substrate h100-x8 --workload llama-2-70b --rate 1,2,4,8 --set workload.recipe.mlp=2:4"}};
}

CommandSpec validate_command() {
  return {
      "validate",
      "compare predictions with measured times",
      "Simulates every measured row and its dense twin and reports the error of time and of speedup per operation, "
      "pattern "
      "and device, whether the winner was predicted, the worst rows and every fitted constant that was used.",
      {repeatable(required(value("measurements", ValueType::file, "FILE", "measured rows (CSV)"))), format_option(),
       output("rows", "write one line per row as CSV"),
       value("masks", ValueType::directory, "DIR", "where measured masks are: DIR/dlmc/PATH.smtx"),
       repeatable(value("substrates", ValueType::directory, "DIR", "look for machines here before the shipped ones")),
       output("accuracy", "write the tables as Markdown"), output("html", "write the report as one page with charts"),
       output("markdown", "write the same report as Markdown, for review"),
       output("report-json", "write what --format json prints"),
       value("baseline", ValueType::file, "FILE", "compare with the JSON of an earlier run"),
       repeatable(value("only", ValueType::text, "NAME", "rows of this op or device alone")),
       integer("threads", 1, 1024, "rows simulated at once; default is one per processor"),
       integer("seed", 0, INT64_MAX, "seed of everything drawn", "1"), quiet_option()},
      {},
      {"sparsesim validate --measurements gemm.csv moe.csv --format json",
       "sparsesim validate --measurements gemm.csv --baseline before.json --html report.html"}};
}

OptionSpec backend_option() {
  OptionSpec option = choice("backend", "B", {"cpu", "cuda"}, "processors, or GPUs with CUDA", "");
  option.required = true;
  return option;
}

CommandSpec fingerprint_command() {
  return {
      "fingerprint",
      "measure the device at hand and write it as a machine",
      "Microbenchmarks time what the device does in pieces of and what a piece costs. What they cannot measure comes "
      "from the nearest shipped machine and is marked. Exits with 3 where there is no such device.",
      {backend_option(), required(output("out", "substrate file to write (YAML)")),
       integer("threads", 1, 4096, "threads of a processor, each on a core of its own; default is 1"),
       value("name", ValueType::text, "NAME", "of the machine; default is made from the device's own"),
       flag("quick", "a few samples of each: to try it out"),
       integer("seed", 0, INT64_MAX, "seed of the data; default is 1"), quiet_option()},
      {},
      {"sparsesim fingerprint --backend cpu --out my.yaml", "sparsesim show my.yaml"}};
}

CommandSpec measure_command() {
  return {"measure",
          "time the operations of a suite on the device at hand",
          "Lets the backend check each kernel against a reference, time it and its dense twin in several visits, and "
          "write rows that `validate` can read. Rows that are in the file already are kept, so an interrupted run goes "
          "on where it was. Exits with 3 where there is no such device.",
          {backend_option(),
           required(value("suite", ValueType::text, "SUITE", "operations: a file, or the name of a shipped suite")),
           value("substrate", ValueType::substrate, "S", "the machine that simulates the rows"),
           required(output("out", "measured rows (CSV)")),
           integer("threads", 1, 4096, "threads of a processor, each on a core of its own; default is 1"),
           integer("visits", 1, 1000, "how often each kernel is visited; default is 5"),
           flag("quick", "one short visit: to try it out"),
           flag("plan-only", "write the rows without times and stop: a plan for a backend elsewhere"),
           integer("seed", 0, INT64_MAX, "seed of the data and the masks; default is 1"), quiet_option()},
          {},
          {"sparsesim measure --backend cpu --suite cpu-standard --substrate my.yaml --out results.csv"}};
}

OptionSpec share(std::string name, std::string doc, std::string fallback = {}) {
  return value(std::move(name), ValueType::text, "SHARE", std::move(doc), std::move(fallback));
}

CommandSpec estimate_command() {
  return {
      "estimate",
      "estimate a speedup from shares of zeros",
      "Prints 1 / (1 - s * a) with s the share of zeros and a the smallest share of them that a whole granule of the "
      "machine covers: the same quick estimate that `run` prints beside the simulated speedup.",
      {required(share("sparsity", "zeros of all weights or work, 0 to 1")),
       share("cache", "of the zeros, those on wholly free lines of memory", "1"),
       share("dispatch", "of the zeros, those that the executor can skip", "1"),
       share("transfer", "of the zeros, those that do not cross the fabric", "1")},
      {},
      {"sparsesim estimate --sparsity 0.87 --cache 0.31 --dispatch 0.42 --transfer 0.55"}};
}

CommandSpec inspect_command() {
  CommandSpec command = {
      "inspect",
      "say what the pattern of a mask is worth, without a run",
      "Counts how full the granules of the machine are with the mask of a file (Matrix Market, DLMC, "
      "NumPy, safetensors, block indices of attention), which patterns it is near, and bounds of the "
      "speedup that follow.",
      {value("substrate", ValueType::substrate, "S",
             "machine: a file, - for standard input, or the name of a shipped one"),
       value("tensor", ValueType::text, "NAME", "which array of the file, as FILE:NAME"),
       choice("dtype", "TYPE", {"fp32", "tf32", "bf16", "fp16", "fp8", "int8", "int4"},
              "type of the weights on the machine", "fp16"),
       value("block", ValueType::text, "RxC", "weights that one place of the file stands for", "1x1"),
       output("svg", "draw the mask with the granules on it"), format_option()},
      {},
      {}};
  command.positionals.push_back(required(value("FILE", ValueType::file, "FILE", "a mask, or FILE:TENSOR")));
  command.examples = {"sparsesim inspect layer.smtx --substrate a100 --svg layer.svg",
                      "sparsesim inspect model.safetensors:layers.0.up_proj.weight --substrate h100"};
  return command;
}

CommandSpec import_command() {
  CommandSpec command = {
      "import",
      "write a workload from the files of a checkpoint",
      "Reads the config.json of a Hugging Face checkpoint and writes the model as a workload. Its weights say which of "
      "them are zero in which layer; a recipe, of a workload or of llm-compressor, says which shall be.",
      {value("weights", ValueType::file, "PATH", "a .safetensors file, the index of several, or their folder"),
       value("recipe", ValueType::file, "FILE", "rules of a workload, or stages of llm-compressor (YAML)"),
       choice("phase", "P", {"prefill", "decode"}, "what the pass is", "prefill"),
       integer("batch", 1, 1 << 24, "sequences of the pass", "1"),
       integer("seq", 1, 1 << 24, "new tokens of each in prefill; default is the model's, at most 2048"),
       integer("keys", 1, INT64_C(1) << 31, "tokens of each that are known, the new ones included"),
       integer("tensor", 1, 1024, "devices that split every product; default is 1"),
       integer("expert", 1, 1024, "devices over which experts are spread; default is 1"),
       integer("pipeline", 1, 1024, "stages with consecutive layers; default is 1"),
       integer("data", 1, 65536, "replicas; default is 1"),
       choice("dtype", "TYPE", {"bf16", "fp16", "fp32"}, "of the run; default is the checkpoint's, float32 in 16 bits",
              ""),
       value("name", ValueType::text, "NAME", "of the workload; default is the folder's"),
       output("out", "write the workload here, not to standard output")},
      {},
      {}};
  command.positionals.push_back(required(value("CONFIG", ValueType::file, "CONFIG", "a config.json, or its folder")));
  command.examples = {"sparsesim import Llama-2-7b-hf/config.json --phase decode --batch 16 --out llama.yaml",
                      "sparsesim import pruned/ --weights pruned/ --out pruned.yaml"};
  return command;
}

CommandSpec list_command() {
  CommandSpec command = {"list", "list what can be named", "", {flag("names", "names alone, one per line")}, {}, {}};
  command.positionals.push_back(choice("KIND", "KIND",
                                       {"substrates", "workloads", "ops", "patterns", "kinds", "kernels"},
                                       "what to list; all but kinds and kernels where it is left out", ""));
  command.examples = {"sparsesim list substrates"};
  return command;
}

CommandSpec with_argument(std::string name, std::string summary, OptionSpec argument, std::string example) {
  CommandSpec command;
  command.name = std::move(name);
  command.summary = std::move(summary);
  command.positionals.push_back(std::move(argument));
  command.examples.push_back(std::move(example));
  return command;
}

std::vector<CommandSpec> make_commands() {
  std::vector<CommandSpec> table;
  table.push_back(run_command());
  table.push_back(serve_command());
  table.push_back(validate_command());
  table.push_back(fingerprint_command());
  table.push_back(measure_command());
  for (CommandSpec& command : explore_commands()) table.push_back(std::move(command));
  table.push_back(import_command());
  table.push_back(inspect_command());
  table.push_back(with_argument("show", "print the fingerprint of a machine",
                                required(value("SUBSTRATE", ValueType::substrate, "SUBSTRATE",
                                               "a file, - for standard input, or the name of a shipped one")),
                                "sparsesim show a100"));
  table.push_back(list_command());
  table.push_back(estimate_command());
  table.push_back(
      with_argument("schema", "print the JSON Schema of an input language",
                    required(choice("LANGUAGE", "LANGUAGE", {"substrate", "workload"}, "which language", "")),
                    "sparsesim schema workload"));
  table.push_back(with_argument("completion", "print a completion script for a shell",
                                required(choice("SHELL", "SHELL", {"bash", "zsh", "fish"}, "which shell", "")),
                                "source <(sparsesim completion bash)"));
  table.push_back({"man", "print the manual page (roff)", "", {}, {}, {"sparsesim man | man -l -"}});
  table.push_back({"version", "print the version", "", {}, {}, {}});
  table.push_back(
      with_argument("help", "print the help of a command",
                    value("COMMAND", ValueType::text, "COMMAND", "a command; all of them where it is left out"),
                    "sparsesim help run"));
  return table;
}

}  // namespace

const std::vector<CommandSpec>& commands() {
  static const std::vector<CommandSpec> table = make_commands();
  return table;
}

const CommandSpec* find_command(std::string_view name) {
  for (const CommandSpec& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

}  // namespace sparsesim::cli
