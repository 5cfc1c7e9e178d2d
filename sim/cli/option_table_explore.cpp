// The commands that run many points.

#include "sim/cli/option_specs.h"

namespace sparsesim::cli {
namespace {

CommandSpec sweep_command() {
  CommandSpec command = {
      "sweep",
      "run many points: patterns, shapes, machines that do not exist",
      "Simulates every point of a grid or sample of parameters and writes each to an SQLite file as soon as it is "
      "known; "
      "what the file has is not simulated again, so that the same command goes on where it was interrupted. "
      "Under mpirun the ranks share the points. docs/sweep.md describes specifications, paths and tables, "
      "docs/cluster.md "
      "ranks.",
      {value("substrate", ValueType::substrate, "S",
             "machine, or several with commas; in place of the specification's"),
       value("workload", ValueType::workload, "W", "work, or several with commas; in place of the specification's"),
       repeatable(value("vary", ValueType::text, "PATH=VALUES",
                        "values of a parameter: A,B,C or FROM:TO:STEP or log:FROM:TO:POINTS")),
       repeatable(value("where", ValueType::text, "CONDITION", "only points for which this comparison holds")),
       output("out", "results; default is the specification's name with .sqlite"), html_option(),
       integer("threads", 1, 1024, "points simulated at once, by each rank; default is one per processor"),
       flag("waterfall", "also say where the promised speedup went, at ten times the cost"), quiet_option()},
      {value("SPEC", ValueType::file, "SPEC", "what to vary; may be left out")},
      {"sparsesim sweep layer-sweep.yaml",
       "sparsesim sweep --substrate a100,h100 --workload pruned-linear --vary "
       "workload.ops.linear.sparsity=0.5:0.95:0.05",
       "mpirun -np 64 sparsesim sweep layer-sweep.yaml"}};
  return command;
}

CommandSpec breakeven_command() {
  return {
      "breakeven",
      "the value of a parameter from which sparsity pays",
      "Finds every value of a parameter at which the predicted speedup crosses a target, by a scan and bisection on "
      "the simulator, with the range that the machine's constants allow. docs/breakeven.md describes the method.",
      {value("substrate", ValueType::substrate, "S", "machine"), value("workload", ValueType::workload, "W", "work"),
       required(value("over", ValueType::text, "PATH=VALUES",
                      "the parameter: FROM:TO or FROM:TO:log or A,B,C; paths are those of sweeps")),
       value("target", ValueType::text, "X", "the speedup that must be exceeded", "1"),
       repeatable(value("set", ValueType::text, "PATH=VALUE", "another parameter's value")),
       value("also", ValueType::text, "PATH=VALUES",
             "one break-even per value of this parameter: A,B,C or FROM:TO:STEP or log:FROM:TO:POINTS"),
       integer("points", 2, 1001, "points of the scan of a range", "17"),
       integer("threads", 1, 1024, "points simulated at once; default is one per processor"),
       flag("no-interval", "the prediction alone, at a tenth of the cost"), html_option(), format_option(),
       quiet_option()},
      {},
      {"sparsesim breakeven --substrate a100 --workload pruned-linear --over "
       "workload.ops.linear.sparsity=0.5:0.99",
       "sparsesim breakeven --substrate a100 --workload pruned-linear --over "
       "workload.ops.linear.sparsity=0.5:0.99 --also workload.ops.linear.m=1,64,4096 --format json"}};
}

CommandSpec recommend_command() {
  return {
      "recommend",
      "rank the patterns that the weights of a product could have",
      "Simulates a product of the workload with its weights in every pattern, granule and format, at equal shares of "
      "zeros, against the same dense product: what is free on this machine, what never pays and why, the zeros that "
      "a target speedup needs, and the front of speedup against kept weights. docs/recommend.md says how.",
      {required(value("substrate", ValueType::substrate, "S", "machine: a name or a file")),
       required(value("workload", ValueType::workload, "W", "work: a name or a file")),
       value("op", ValueType::text, "NAME", "a gemm or spmm of it; default is that with the most dense time"),
       value("max-sparsity", ValueType::text, "S", "most zeros to look at, as a share", "0.95"),
       value("target", ValueType::text, "X", "speedup whose zeros are searched", "2"),
       value("quality", ValueType::file, "FILE",
             "CSV with columns pattern, sparsity, quality: what you measured, shown beside the speedup"),
       set_option("workload.ops.linear.m=16"),
       integer("seed", 0, INT64_MAX, "seed of everything drawn; default is the workload's"),
       integer("threads", 1, 1024, "patterns simulated at once; default is one per processor"), html_option(),
       format_option(), quiet_option()},
      {},
      {"sparsesim recommend --substrate a100 --workload pruned-linear",
       "sparsesim recommend --substrate h100 --workload dense-llama-70b-layer --op down --target 1.5"}};
}

CommandSpec atlas_command() {
  return {
      "atlas",
      "what every machine makes of every kind of sparsity, on one page",
      "Writes a page of Markdown: which kinds of sparsity each machine serves, how many zeros, tokens or keys break "
      "even, what moved from one generation to the next and why, granules and their price; how each figure is known "
      "stands with it. All shipped machines, or those that are named, your own among them; docs/atlas.md is the "
      "page of the shipped ones and docs/atlas_method.md says how it is made.",
      {value("substrate", ValueType::substrate, "S",
             "machines, with commas between; each is compared with the one before it"),
       value("only", ValueType::text, "PARTS",
             "map, weights, units, generations, nodes, granules; with commas between"),
       output("out", "write the page here; default is standard output"),
       output("results", "SQLite file that remembers every point: the same command goes on where it was interrupted"),
       value("accuracy", ValueType::file, "FILE",
             "page of `validate --accuracy` that says what was measured; default is the one that came along"),
       integer("threads", 1, 1024, "cells simulated at once; default is one per processor"), quiet_option()},
      {},
      {"sparsesim atlas --out atlas.md --results atlas.sqlite",
       "sparsesim atlas --substrate a100,mine.yaml --only map"}};
}

CommandSpec export_command() {
  return {"export",
          "write the results of sweeps as rows for other tools",
          "One row per point of every sweep in the file, in order: title, position, a column per parameter, then what "
          "the point has. The same results give the same bytes, however they came about.",
          {choice("format", "FORMAT", {"csv", "jsonl", "html"},
                  "comma-separated values, one JSON object per line, or a page with charts", "csv"),
           choice("table", "TABLE", {"points", "ops"}, "a row per point, or per op of each point", "points"),
           output("out", "write here; default is standard output")},
          {required(value("FILE", ValueType::file, "FILE", "results of sweeps (SQLite)"))},
          {"sparsesim export layer-sweep.sqlite --out layer-sweep.csv",
           "sparsesim export layer-sweep.sqlite --format jsonl --table ops",
           "sparsesim export layer-sweep.sqlite --format html --out layer-sweep.html"}};
}

CommandSpec merge_command() {
  return {"merge",
          "join results files of sweeps",
          "Takes over every point and every sweep that the target has not; the order of the files does not matter. Two "
          "different points at one place of a sweep (of two versions, or of files that were changed between) are an "
          "error, and nothing of that file is taken.",
          // not output(): what is in the target stays, so that a part may be the target
          {required(value("out", ValueType::file, "FILE", "target; made where there is none")), quiet_option()},
          {required(repeatable(value("FILE", ValueType::file, "FILE", "results of sweeps (SQLite)")))},
          {"sparsesim merge --out all.sqlite first.sqlite second.sqlite"}};
}

}  // namespace

std::vector<CommandSpec> explore_commands() {
  return {sweep_command(), recommend_command(), breakeven_command(),
          atlas_command(), export_command(),    merge_command()};
}

}  // namespace sparsesim::cli
