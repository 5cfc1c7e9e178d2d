// Matrix Market files (.mtx).

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/sparsity/formats/mask_formats.h"
#include "models/sparsity/formats/number_line.h"

namespace sparsesim {
namespace {

enum class Layout { coordinate, array };
enum class Field { pattern, real, integer };
enum class Symmetry { general, symmetric, skew_symmetric };

struct Banner {
  Layout layout{};
  Field field{};
  Symmetry symmetry{};
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

class MatrixMarketReader {
 public:
  MatrixMarketReader(std::string_view text, const std::string& file, config::Diagnostics& diagnostics)
      : text_(text), file_(file), diagnostics_(diagnostics) {}

  Mask read() {
    if (!read_banner() || !read_sizes()) return {};
    const bool good = banner_.layout == Layout::coordinate ? read_coordinates() : read_values();
    if (!good || !nothing_left()) return {};
    Mask mask = mask_of_places(rows_, columns_, places_);
    if (mask.indices.size() != places_.size()) find_repeated();
    return diagnostics_.empty() ? std::move(mask) : Mask{};
  }

 private:
  void mistake(std::size_t offset, const std::string& message, const std::string& hint = {}) {
    diagnostics_.add({file_, number_, static_cast<int>(offset) + 1}, message, hint, line_);
  }
  void take() {
    line_ = take_line(text_);
    ++number_;
  }
  /// The next line that is neither empty nor a comment. False at the end of the file.
  bool take_content() {
    while (!text_.empty()) {
      take();
      if (line_.find_first_not_of(" \t") != std::string_view::npos && line_[0] != '%') return true;
    }
    line_ = {};
    ++number_;
    return false;
  }
  NumberLine numbers() { return {line_, number_, file_, diagnostics_}; }

  /// The next word of the banner as an index into `known`; -1 after a mistake.
  template <std::size_t count>
  int word(std::size_t& at, const std::array<std::string_view, count>& known, const char* what) {
    at = std::min(line_.find_first_not_of(" \t", at), line_.size());
    const std::size_t end = std::min(line_.find_first_of(" \t", at), line_.size());
    const std::string_view found = line_.substr(at, end - at);
    const auto same_letter = [](char a, char b) { return lower(a) == lower(b); };
    for (std::size_t i = 0; i < count; ++i) {
      if (!std::equal(found.begin(), found.end(), known[i].begin(), known[i].end(), same_letter)) continue;
      at = end;
      return static_cast<int>(i);
    }
    std::string names;
    for (const std::string_view name : known) names += (names.empty() ? "" : ", ") + std::string(name);
    mistake(at, fmt::format("{} \"{}\" is not read", what, found), "known: " + names);
    return -1;
  }

  bool read_banner() {
    static constexpr std::array<std::string_view, 1> kStart = {"%%MatrixMarket"}, kObject = {"matrix"};
    static constexpr std::array<std::string_view, 2> kLayouts = {"coordinate", "array"};
    static constexpr std::array<std::string_view, 3> kFields = {"pattern", "real", "integer"};
    static constexpr std::array<std::string_view, 3> kSymmetries = {"general", "symmetric", "skew-symmetric"};
    take();
    std::size_t at = 0;
    if (word(at, kStart, "the first word") < 0 || word(at, kObject, "object") < 0) return false;
    const int layout = word(at, kLayouts, "layout");
    const int field = layout < 0 ? -1 : word(at, kFields, "field");
    const std::size_t field_end = at;
    const int symmetry = field < 0 ? -1 : word(at, kSymmetries, "symmetry");
    if (symmetry < 0) return false;
    banner_ = {Layout{layout}, Field{field}, Symmetry{symmetry}};
    if (banner_.layout == Layout::array && banner_.field == Field::pattern) {
      mistake(field_end - std::string_view("pattern").size(), "an array has values: its field is real or integer");
      return false;
    }
    return true;
  }

  bool read_sizes() {
    take_content();
    NumberLine line = numbers();
    rows_ = line.next(0, kMaskSideMost, "number of rows");
    columns_ = rows_ < 0 ? -1 : line.next(0, kMaskSideMost, "number of columns");
    if (columns_ < 0) return false;
    if (mirrored() && rows_ != columns_) {
      line.mistake(fmt::format("a symmetric matrix is square, not {} x {}", rows_, columns_));
      return false;
    }
    if (banner_.layout == Layout::coordinate)
      entries_ = line.next(0, kMaskStoredMost, "number of entries");
    else
      entries_ = banner_.symmetry == Symmetry::general     ? rows_ * columns_
                 : banner_.symmetry == Symmetry::symmetric ? rows_ * (rows_ + 1) / 2
                                                           : rows_ * (rows_ - 1) / 2;
    if (entries_ < 0) return false;
    line.finish("more numbers than the size of a matrix has");
    // "1 1" and its line end; a value and its line end.
    const std::int64_t least = banner_.layout == Layout::array ? 2 : banner_.field == Field::pattern ? 4 : 6;
    if (entries_ > (static_cast<std::int64_t>(text_.size()) + 1) / least) {
      line.mistake(fmt::format("{} entries do not fit into the {} bytes that follow", entries_, text_.size()));
      return false;
    }
    const std::int64_t stored = banner_.layout == Layout::coordinate ? entries_ * (mirrored() ? 2 : 1) : 0;
    if (const auto problem = mask_size_problem(rows_, columns_, stored); !problem.empty()) {
      line.mistake(problem);
      return false;
    }
    return diagnostics_.empty();
  }

  bool mirrored() const { return banner_.symmetry != Symmetry::general; }
  void add(std::int64_t row, std::int64_t column) {
    places_.push_back({static_cast<std::int32_t>(row), static_cast<std::int32_t>(column)});
    if (mirrored() && row != column)
      places_.push_back({static_cast<std::int32_t>(column), static_cast<std::int32_t>(row)});
  }
  bool ended_early(std::int64_t entry) {
    mistake(0, fmt::format("the file ends after {} of {} entries", entry, entries_));
    return false;
  }

  /// Reads the place on the line; counted from 0. False after a mistake.
  bool read_place(Place& place) {
    NumberLine line = numbers();
    const std::int64_t row = line.next(1, rows_, "row");
    const std::int64_t column = row < 0 ? -1 : line.next(1, columns_, "column");
    if (column < 0) return false;
    if (column == row && banner_.symmetry == Symmetry::skew_symmetric) {
      line.mistake(fmt::format("place {0}, {0} of a skew-symmetric matrix: its diagonal is zero", row));
      return false;
    }
    if (mirrored() && column > row) {
      line.mistake(fmt::format("place {}, {} of a symmetric matrix: its lower triangle alone is listed", row, column));
      return false;
    }
    double value = 0;
    if (banner_.field != Field::pattern && !line.skip_real("value", value)) return false;
    line.finish("more numbers than an entry has");
    place = {static_cast<std::int32_t>(row - 1), static_cast<std::int32_t>(column - 1)};
    return true;
  }

  bool read_coordinates() {
    entries_begin_ = text_;
    entries_number_ = number_;
    places_.reserve(static_cast<std::size_t>(entries_ * (mirrored() ? 2 : 1)));
    for (std::int64_t entry = 0; entry < entries_; ++entry) {
      if (!take_content()) return ended_early(entry);
      Place place;
      if (!read_place(place)) return false;
      add(place.row, place.column);
    }
    return true;
  }

  /// Values stand column by column; of a symmetric matrix from the diagonal down, of a skew one from below it.
  bool read_values() {
    std::int64_t entry = 0;
    for (std::int64_t column = 0; column < columns_; ++column) {
      const std::int64_t first = !mirrored() ? 0 : banner_.symmetry == Symmetry::symmetric ? column : column + 1;
      for (std::int64_t row = first; row < rows_; ++row, ++entry) {
        if (!take_content()) return ended_early(entry);
        NumberLine line = numbers();
        double value = 0;
        if (!line.skip_real("value", value)) return false;
        line.finish("more numbers than the one value of a line");
        if (value != 0) add(row, column);
      }
      if (static_cast<std::int64_t>(places_.size()) > kMaskStoredMost) {
        mistake(0, mask_size_problem(rows_, columns_, static_cast<std::int64_t>(places_.size())));
        return false;
      }
    }
    return true;
  }

  bool nothing_left() {
    if (!take_content()) return true;
    mistake(0, fmt::format("more than the {} entries that the size line says", entries_));
    return false;
  }

  /// Reports the second of two entries for one place.
  void find_repeated() {
    std::vector<Place> sorted = places_;
    const auto key = [](const Place& place) { return std::pair(place.row, place.column); };
    std::sort(sorted.begin(), sorted.end(), [&](const Place& a, const Place& b) { return key(a) < key(b); });
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end(),
                                          [&](const Place& a, const Place& b) { return key(a) == key(b); });
    text_ = entries_begin_;
    number_ = entries_number_;
    bool seen = false;
    while (take_content()) {
      Place place;
      if (!read_place(place)) return;
      const bool found = key(place) == key(*twice) || (mirrored() && key({place.column, place.row}) == key(*twice));
      if (found && seen) return mistake(0, fmt::format("place {}, {} twice", place.row + 1, place.column + 1));
      seen = seen || found;
    }
  }

  std::string_view text_, line_, entries_begin_;
  int number_ = 0, entries_number_ = 0;  // of the line, from 1
  const std::string& file_;
  config::Diagnostics& diagnostics_;
  Banner banner_;
  std::int64_t rows_ = 0, columns_ = 0, entries_ = 0;
  std::vector<Place> places_;
};

}  // namespace

Mask read_matrix_market(std::string_view text, const std::string& file, config::Diagnostics& diagnostics) {
  return MatrixMarketReader(text, file, diagnostics).read();
}

}  // namespace sparsesim
