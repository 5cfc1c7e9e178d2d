#include "models/evaluate/inspect/mask_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/evaluate/inspect/inspection_kinds.h"
#include "models/evaluate/inspect/mask_cells.h"
#include "models/evaluate/inspect/svg.h"
#include "sim/core/counts.h"

namespace sparsesim {
namespace {

constexpr double kWidth = 1080, kMargin = 40, kPanel = 480, kTop = 118, kLegend = 58, kBar = 24;
constexpr double kKindsHeight = 296;   // of the speedups and what follows
constexpr std::int64_t kCells = 120;   // of the whole mask, along a side
constexpr std::int64_t kWindow = 128;  // places of the part, along a side
constexpr const char *kInk = "#1f2933", *kSoft = "#66727f", *kHair = "#c9d1d9", *kStored = "#1f4e8c";
constexpr const char *kPaid = "#fbe3cf", *kFree = "#e0f2e0", *kFreeTile = "#b5dab5", *kBarFill = "#7aa6d6",
                     *kBytes = "#e0a458", *kTile = "#3d4852";
/// From next to nothing to full.
constexpr std::array<const char*, 8> kRamp = {"#e8f0f9", "#cfe0f2", "#adcbe9", "#84b0dc",
                                              "#5a92cb", "#3a74b3", "#245893", "#163d6b"};

/// The largest box with the shape of rows x columns within a panel; long strips are widened so that they can be seen.
Box fitted(double x, double y, std::int64_t rows, std::int64_t columns) {
  constexpr double kNarrowest = 0.12;
  const double longer = real(std::max(rows, columns));
  const auto side = [&](std::int64_t count) { return kPanel * std::max(kNarrowest, real(count) / longer); };
  return {x, y, side(columns), side(rows)};
}

class Picture {
 public:
  Picture(const Mask& mask, const Inspection& inspection)
      : mask_(mask),
        is_(inspection),
        part_(typical_part(mask, kWindow)),
        svg_(kWidth,
             kTop + kPanel + kLegend + 90 +
                 std::max(kKindsHeight, kBar * static_cast<double>(inspection.granules.size())),
             inspection.file) {}

  std::string draw() {
    const std::string machine = is_.substrate.empty() ? "" : fmt::format(", as {} on {}", is_.dtype, is_.substrate);
    const std::size_t slash = is_.file.rfind('/');
    svg_.text(kMargin, 44, 22, is_.file.substr(slash == std::string::npos ? 0 : slash + 1), kInk, "font-weight='bold'");
    svg_.text(kMargin, 68, 14,
              fmt::format("{} x {} weights, {} zeros{}", is_.rows, is_.columns, percent_text(is_.sparsity()), machine),
              kSoft);
    draw_whole();
    draw_part();
    draw_bars();
    draw_kinds();
    return std::move(svg_).str();
  }

 private:
  /// Granule lines by name, in places of the file: nothing where the machine has none or it is finer than a place.
  std::optional<Granule> granule(std::string_view name, Granule instead) const {
    for (const GranuleLine& line : is_.granules)
      if (line.name == name) return larger_than_a_place(line.granule);
    return is_.substrate.empty() ? larger_than_a_place(instead) : std::nullopt;
  }
  std::optional<Granule> larger_than_a_place(Granule weights) const {
    const auto places = in_places(weights, {is_.block_rows, is_.block_columns});
    return places && places->rows * places->columns > 1 ? places : std::nullopt;
  }

  void draw_whole() {
    const DensityMap map = density_map(mask_, kCells, kRamp.size());
    const Box box = fitted(kMargin, kTop, map.rows * map.tall, map.columns * map.wide);
    svg_.heading(kMargin, kTop - 14, "The whole mask",
                 fmt::format("one cell is {} x {} weights", map.tall * is_.block_rows, map.wide * is_.block_columns));
    for (std::size_t level = 0; level < kRamp.size(); ++level)
      svg_.cells(box, map.rows, map.columns, map.runs[level], kRamp[level]);
    frame(box);
    whole_ = {box, real(map.rows * map.tall), real(map.columns * map.wide)};
    double x = kMargin;
    const double y = kTop + kPanel + 16;
    svg_.text(x, y + 11, 12, "stored: 0 %", kSoft);
    x += 54;
    for (const char* colour : kRamp) svg_.rect({x += 20, y, 20, 13}, colour);
    svg_.text(x + 28, y + 11, 12, percent_text(map.most), kSoft);
  }

  void draw_part() {
    const double x = kWidth / 2 + 20;
    const Box box = fitted(x, kTop, part_.rows, part_.columns);
    svg_.heading(x, kTop - 14, "A part, place by place",
                 fmt::format("rows {} to {}, columns {} to {}", part_.row * is_.block_rows,
                             (part_.row + part_.rows) * is_.block_rows - 1, part_.column * is_.block_columns,
                             (part_.column + part_.columns) * is_.block_columns - 1));
    const auto line = granule("cache line", {8, 8}), fine = granule("matrix step", {8, 8}),
               coarse = granule("kernel step", {32, 32});
    svg_.rect(box, line ? kPaid : kFree);
    if (line) svg_.cells(box, part_.rows, part_.columns, free_runs(mask_, part_, *line), kFree);
    if (line && coarse) svg_.cells(box, part_.rows, part_.columns, free_runs(mask_, part_, *coarse), kFreeTile);
    svg_.cells(box, part_.rows, part_.columns, stored_runs(mask_, part_), kStored);
    if (fine) grid(box, *fine, "#9aa5b1", 0.5);
    if (coarse) grid(box, *coarse, kTile, 1.6);
    frame(box);
    mark_on_whole();
    legend(x, line.has_value(), fine.has_value(), coarse.has_value());
  }

  void grid(const Box& box, Granule granule, const char* colour, double width) {
    const double right = box.x + box.width, low = box.y + box.height;
    for (std::int64_t row = ceil_div(part_.row + 1, granule.rows) * granule.rows; row < part_.row + part_.rows;
         row += granule.rows) {
      const double y = box.y + box.height * real(row - part_.row) / real(part_.rows);
      svg_.line(box.x, y, right, y, colour, width);
    }
    for (std::int64_t column = ceil_div(part_.column + 1, granule.columns) * granule.columns;
         column < part_.column + part_.columns; column += granule.columns) {
      const double x = box.x + box.width * real(column - part_.column) / real(part_.columns);
      svg_.line(x, box.y, x, low, colour, width);
    }
  }

  void mark_on_whole() {
    if (part_.rows == mask_.rows && part_.columns == mask_.columns) return;
    const Box& box = whole_.box;
    svg_.rect(
        {box.x + box.width * real(part_.column) / whole_.columns, box.y + box.height * real(part_.row) / whole_.rows,
         box.width * real(part_.columns) / whole_.columns, box.height * real(part_.rows) / whole_.rows},
        "none", "stroke='#d9480f' stroke-width='1.5'");
  }

  void legend(double x, bool line, bool fine, bool coarse) {
    const double y = kTop + kPanel + 16;
    const bool machine = !is_.substrate.empty();
    const auto entry = [&](double dx, double dy, const char* fill, const std::string& words) {
      svg_.rect({x + dx, y + dy, 13, 13}, fill, fmt::format("stroke='{}' stroke-width='0.5'", kHair));
      svg_.text(x + dx + 19, y + dy + 11, 12, words, kSoft);
    };
    entry(0, 0, kStored, "stored");
    if (line) entry(72, 0, kPaid, machine ? "zero, its line moves" : "zero in an occupied 8 x 8 block");
    if (line) entry(machine ? 212 : 280, 0, kFree, machine ? "line is free" : "free");
    if (!line) entry(72, 0, kFree, machine ? "zero, its line is free" : "zero");
    if (line && coarse) entry(machine ? 318 : 340, 0, kFreeTile, machine ? "kernel step is free" : "32 x 32 too");
    if (fine) svg_.line(x, y + 28, x + 13, y + 28, "#9aa5b1", 1);
    if (fine) svg_.text(x + 19, y + 32, 12, described("matrix step", "block", {8, 8}), kSoft);
    if (coarse) svg_.line(x + 200, y + 28, x + 213, y + 28, kTile, 2);
    if (coarse) svg_.text(x + 219, y + 32, 12, described("kernel step", "block", {32, 32}), kSoft);
  }
  std::string described(const char* name, const char* instead, Granule otherwise) const {
    for (const GranuleLine& line : is_.granules)
      if (line.name == name) return fmt::format("{} {} x {}", name, line.granule.rows, line.granule.columns);
    return fmt::format("{} {} x {}", instead, otherwise.rows, otherwise.columns);
  }

  void draw_bars() {
    const double top = kTop + kPanel + kLegend + 40, left = kMargin + 190, length = 210;
    svg_.heading(kMargin, top - 14, "Granules with a stored weight", "the mark is a random mask of the same density");
    double y = top;
    for (const GranuleLine& line : is_.granules) {
      svg_.text(left - 10, y + 15, 12, fmt::format("{} {} x {}", line.name, line.granule.rows, line.granule.columns),
                kInk, "text-anchor='end'");
      svg_.rect({left, y + 4, length, 14}, "#f1f4f7");
      svg_.rect({left, y + 4, length * line.share(), 14}, kBarFill);
      const double mark = left + length * line.share_at_random;
      svg_.line(mark, y + 2, mark, y + 20, "#d9480f", 1.5);
      svg_.text(left + length + 8, y + 15, 12, percent_text(line.share()), kInk);
      y += kBar;
    }
  }

  /// Kinds that the mask is of and that gain something, the best first.
  std::vector<const KindLine*> gaining() const {
    constexpr double kGain = 1.01;
    constexpr std::size_t kShown = 6;
    std::vector<const KindLine*> kinds;
    for (const KindLine& kind : is_.kinds)
      if (kind.dropped == 0 && std::max(kind.compute, kind.memory) > kGain) kinds.push_back(&kind);
    const auto better = [](const KindLine* a, const KindLine* b) {
      return a->compute * a->memory > b->compute * b->memory;
    };
    std::stable_sort(kinds.begin(), kinds.end(), better);
    kinds.resize(std::min(kinds.size(), kShown));
    return kinds;
  }

  void draw_kinds() {
    constexpr double kLabels = 190, kLength = 200, kRow = 32, kThick = 10;
    const double x = kWidth / 2 + 20, left = x + kLabels;
    double y = kTop + kPanel + kLegend + 40;
    const auto kinds = gaining();
    svg_.heading(x, y - 14, "Speedup at most, used as", kinds.empty() ? "" : "a run is slower");
    double most = 1;
    for (const KindLine* kind : kinds) most = std::max({most, kind->compute, kind->memory});
    const auto bar = [&](double top, double value, const char* colour) {
      svg_.rect({left, top, kLength * value / most, kThick}, colour);
      svg_.text(left + kLength * value / most + 6, top + kThick, 11, fmt::format("{:.2f}x", value), kInk);
    };
    for (const KindLine* kind : kinds) {
      svg_.text(left - 10, y + 17, 12, kind->kind, kInk, "text-anchor='end'");
      bar(y + 3, kind->compute, kBarFill);
      bar(y + 4 + kThick, kind->memory, kBytes);
      y += kRow;
    }
    if (kinds.empty()) svg_.text(x, (y += kBar) - 9, 13, "no kind that the mask is of beats dense", kInk);
    if (!kinds.empty()) {
      svg_.rect({left, y + 8, 13, kThick}, kBarFill);
      svg_.text(left + 19, y + 17, 12, "arithmetic binds", kSoft);
      svg_.rect({left + 130, y + 8, 13, kThick}, kBytes);
      svg_.text(left + 149, y + 17, 12, "bytes of the weights bind", kSoft);
      y += kRow;
    }
    if (is_.quick_estimate)
      svg_.text(x, (y += kBar) - 9, 12,
                fmt::format("Dense layout, skipping free lines and kernel steps: {:.2f}x", *is_.quick_estimate), kInk);
    auto near = is_.near();
    constexpr std::size_t kNear = 2;  // as many lines fit below the bars
    near.resize(std::min(near.size(), kNear));
    for (const KindLine* kind : near)
      svg_.text(x, (y += kBar) - 9, 12,
                fmt::format("Near: {}, {:.2f}x and {:.2f}x if {} of the weights go", kind->kind, kind->compute,
                            kind->memory, percent_text(kind->dropped)),
                kInk);
  }

  void frame(const Box& box) { svg_.rect(box, "none", fmt::format("stroke='{}' stroke-width='1'", kTile)); }

  struct Whole {
    Box box;
    double rows = 1, columns = 1;
  };
  const Mask& mask_;
  const Inspection& is_;
  Part part_;
  Svg svg_;
  Whole whole_;
};

}  // namespace

std::string picture_of(const Mask& mask, const Inspection& inspection) { return Picture(mask, inspection).draw(); }

}  // namespace sparsesim
