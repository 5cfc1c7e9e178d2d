// Break-even of weights: patterns by machines, one table per number of rows.

#include <fmt/format.h>

#include "models/explore/atlas/page.h"

namespace sparsesim::atlas {
namespace {

/// "62 % (55 to 70)"; an end beyond the compared shares is left open.
std::string pays_cell(const WeightCell& cell, bool interval) {
  if (!cell.runs()) return "";
  if (cell.one_share) {
    std::string text = times(cell.speedup);
    if (cell.interval) text += fmt::format("<br>{} to {}", times(cell.interval->low), times(cell.interval->high));
    return emphasis(cell.known, text);
  }
  std::string text = cell.pays ? share_text(*cell.pays) : "never";
  if (interval && (cell.pays || cell.pays_early)) {
    const auto end = [](const std::optional<double>& share) {
      return share ? fmt::format("{:.3g}", 100 * *share) : std::string("-");
    };
    text += fmt::format("<br>{} to {}", end(cell.pays_early), end(cell.pays_late));
  }
  return emphasis(cell.known, text);
}

std::string twice_cell(const WeightCell& cell) {
  if (!cell.runs()) return "";
  return emphasis(cell.known, cell.twice ? percent(*cell.twice) : fmt::format("{} at most", times(cell.speedup)));
}

std::string loss_cell(const WeightCell& cell) {
  if (!cell.runs()) return "";
  const std::string loss = largest_loss(cell);
  return emphasis(cell.known,
                  fmt::format("{} of {}{}", times(cell.speedup), times(cell.ideal), loss.empty() ? "" : "<br>" + loss));
}

/// Two tables, so that each fits a page: blocks, and all else.
template <class Text>
std::string weights_table(const Atlas& atlas, std::size_t rows, Text&& text) {
  std::string out;
  for (const bool blocks : {false, true}) {
    std::vector<std::string> heads = {"machine", "how sure"};
    for (const WeightPattern& pattern : weight_patterns())
      if ((pattern.column == "blocks") == blocks) heads.emplace_back(pattern.title);
    Table table(heads);
    add_machines(table, atlas, false, [&](const Machine&, const MachineResult& result) {
      std::vector<std::string> cells;
      for (std::size_t i = 0; i < weight_patterns().size(); ++i)
        if ((weight_patterns()[i].column == "blocks") == blocks) cells.push_back(text(result.weights[rows][i]));
      return cells;
    });
    out += table.text() + "\n";
  }
  return out;
}

std::string rows_title(std::int64_t rows) { return fmt::format("{} row{} of activations", rows, rows == 1 ? "" : "s"); }

}  // namespace

std::string weights_section(const Atlas& atlas) {
  std::string text =
      "## How many zeros weights need\n\nThe smallest share of zeros with which the projection is faster than dense, "
      "up to 95 %. Below "
      "it, where the machine's constants allow it to lie; `-` is beyond 95 %. 2:4 has one share, so its "
      "speedup stands there. 1:M "
      "keeps one weight of every M, 128:2:M two of M columns in 128 rows at once. `any`: the sparse kernel is no "
      "slower than the library's dense one even with 1 % "
      "zeros.\n\n";
  for (std::size_t r = 0; r < projection_rows().size(); ++r) {
    const bool open = r == kDecode || r == kPrefill, interval = r == kDecode;
    const std::string table =
        weights_table(atlas, r, [&](const WeightCell& cell) { return pays_cell(cell, interval); });
    const std::string title = rows_title(projection_rows()[r]);
    if (open)
      text += fmt::format("### {}\n\n{}", title, table);
    else
      text += folded(title, table);
  }
  for (const std::size_t r : {kDecode, kPrefill}) {
    text += folded(fmt::format("Zeros for twice the speed, {}", rows_title(projection_rows()[r])),
                   weights_table(atlas, r, twice_cell));
    text += folded(fmt::format("Most speedup up to 95 % zeros, of the promise, and the largest loss, {}",
                               rows_title(projection_rows()[r])),
                   weights_table(atlas, r, loss_cell));
  }
  return text +
         "```sh\nsparsesim breakeven --substrate h100 --workload llm-projection \\\n"
         "  --set workload.ops.projection.pattern=block --set workload.ops.projection.block='[32, 32]' \\\n"
         "  --set workload.ops.projection.m=16 --over workload.ops.projection.sparsity=0.01:0.95\n```\n\n";
}

}  // namespace sparsesim::atlas
