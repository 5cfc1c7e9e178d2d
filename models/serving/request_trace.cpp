#include "models/serving/request_trace.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "sim/stats/csv.h"

namespace sparsesim {
namespace {

constexpr double kArrivalMost = 4e6;  // s; a run must end within 106 days
constexpr const char* kTraceHint = "columns: arrival, input, output";

struct TraceColumn {
  const char* name;
  std::array<std::string_view, 5> names;
};
constexpr std::size_t kNeededColumns = 3;  // the others may be missing, together
constexpr std::array<TraceColumn, 5> kTraceColumns{{
    {"arrival", {"arrival", "arrived_at", "timestamp", "arrival_time", "time"}},
    {"input", {"input", "contexttokens", "num_prefill_tokens", "request tokens", "input_length"}},
    {"output", {"output", "generatedtokens", "num_decode_tokens", "response tokens", "output_length"}},
    {"prefix_id", {"prefix_id", "prefix"}},
    {"prefix_tokens", {"prefix_tokens", "prefix_length"}},
}};

std::string names_text(const TraceColumn& column) {
  std::string text;
  for (const std::string_view name : column.names)
    if (!name.empty()) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Days from 1970-01-01 of a date of the Gregorian calendar.
/// Source: H. Hinnant, chrono-compatible low-level date algorithms, days_from_civil.
std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = year / 400, of_era = year % 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/// Digits at the front of `text`, taken off it together with what `after` says follows (0: nothing, the end).
std::optional<std::int64_t> take_digits(std::string_view& text, std::size_t most, std::string_view after) {
  std::int64_t value = 0;
  const char* const end = text.data() + std::min(text.size(), most);
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value < 0 || text[0] == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()));
  if (after.empty()) return value;
  if (text.empty() || after.find(text[0]) == std::string_view::npos) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

std::optional<double> seconds_of(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && at == end && std::isfinite(value) && value >= 0) return value;
  return std::nullopt;
}

/// Seconds since 1970 of "2023-11-16 18:15:46.68", a T for the blank and an offset or Z at the end allowed (and passed
/// over: all lines of a trace have the same).
std::optional<double> date_of(std::string_view text) {
  const auto year = take_digits(text, 4, "-");
  const auto month = year ? take_digits(text, 2, "-") : year;
  const auto day = month ? take_digits(text, 2, " T") : month;
  const auto hour = day ? take_digits(text, 2, ":") : day;
  const auto minute = hour ? take_digits(text, 2, ":") : hour;
  if (!minute || *month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 23 || *minute > 59) return std::nullopt;
  const std::size_t zone = text.find_first_of("+-Z");
  const auto seconds = seconds_of(text.substr(0, zone));
  if (!seconds || *seconds >= 61) return std::nullopt;
  return static_cast<double>(days_of(*year, *month, *day) * 86400 + *hour * 3600 + *minute * 60) + *seconds;
}

class TraceReader {
 public:
  TraceReader(const std::string& name, std::int64_t most, config::Diagnostics& diagnostics)
      : name_(name), most_(most), diagnostics_(diagnostics) {}

  std::vector<Request> read(std::string_view text) {
    CsvReader reader(text, [&](int line, int column, const std::string& message, const std::string& hint) {
      sound_ = false;
      diagnostics_.add({name_, line, column}, message, hint);
    });
    CsvRow row;
    if (!reader.next(row)) {
      if (sound_) diagnostics_.add({name_, 1, 1}, "no line with the names of the columns", kTraceHint);
      return {};
    }
    if (!read_header(row)) return {};
    while (static_cast<std::int64_t>(requests_.size()) < most_ && !diagnostics_.full() && reader.next(row)) add(row);
    if (requests_.empty() && diagnostics_.empty()) diagnostics_.add({name_, 1, 1}, "a trace without requests");
    return std::move(requests_);
  }

 private:
  bool mistake(const CsvField& field, const std::string& message, const std::string& hint = {}) {
    diagnostics_.add({name_, field.line, field.column}, message, hint);
    return false;
  }

  bool read_header(const CsvRow& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string name = lower(row[i].text);
      for (std::size_t c = 0; c < kTraceColumns.size(); ++c) {
        const auto& names = kTraceColumns[c].names;
        if (name.empty() || std::find(names.begin(), names.end(), name) == names.end()) continue;
        if (columns_[c]) return mistake(row[i], fmt::format("a second column for \"{}\"", kTraceColumns[c].name));
        columns_[c] = i;
      }
    }
    bool all = true;
    const std::size_t needed = columns_[3] || columns_[4] ? kTraceColumns.size() : kNeededColumns;
    for (std::size_t c = 0; c < needed; ++c)
      if (!columns_[c])
        all = mistake(row.front(), fmt::format("no column \"{}\"", kTraceColumns[c].name),
                      fmt::format("it may be called {}", names_text(kTraceColumns[c])));
    return all;
  }

  void add(const CsvRow& row) {
    for (const auto& column : columns_)
      if (column && *column >= row.size()) {
        mistake(row.front(), fmt::format("{} fields, but column {} is needed", row.size(), *column + 1));
        return;
      }
    const CsvField& arrival = row[*columns_[0]];
    auto seconds = seconds_of(arrival.text);
    if (!seconds) seconds = date_of(arrival.text);
    if (!seconds)
      mistake(arrival, fmt::format("\"{}\" is neither seconds nor a date and time", arrival.text.substr(0, 80)));
    const auto input = tokens(row[*columns_[1]], 1), output = tokens(row[*columns_[2]], 0);
    if (!seconds || !input || !output) return;
    const auto prefix = columns_[3] ? prefix_of(row, *input) : Prefix{};
    if (!prefix) return;
    if (!first_) first_ = last_ = *seconds;
    if (*seconds < last_) {
      mistake(arrival, "this request came before the one above it: a trace is in order of arrival");
      return;
    }
    if (*seconds - *first_ > kArrivalMost) {
      mistake(arrival, fmt::format("more than {:.0f} days after the first request", kArrivalMost / 86400));
      return;
    }
    last_ = *seconds;
    if (*output == 0) return;
    generated_ += *output;
    if (generated_ > kGeneratedTokensMost) {
      if (!told_)
        mistake(row[*columns_[2]], fmt::format("more than {} output tokens up to here", kGeneratedTokensMost));
      told_ = true;
      return;
    }
    requests_.push_back({Time::from_seconds(*seconds - *first_), *input, *output, *prefix});
  }

  std::optional<Prefix> prefix_of(const CsvRow& row, std::int64_t input) {
    const CsvField &name = row[*columns_[3]], &length = row[*columns_[4]];
    if (name.text.empty() && length.text.empty()) return Prefix{};
    const auto id = number(name);
    if (!id) mistake(name, fmt::format("\"{}\" is no number of a prefix, 0 or more", name.text.substr(0, 80)));
    const auto shared = tokens(length, 0);
    if (!id || !shared) return std::nullopt;
    if (*shared <= input) return Prefix{*id, *shared};
    mistake(length, fmt::format("a prefix of {} tokens in a prompt of {}", *shared, input));
    return std::nullopt;
  }

  /// A whole number of 0 or more.
  static std::optional<std::int64_t> number(const CsvField& field) {
    std::int64_t value = 0;
    const char* const end = field.text.data() + field.text.size();
    const auto [at, error] = std::from_chars(field.text.data(), end, value);
    if (error == std::errc() && at == end && value >= 0) return value;
    return std::nullopt;
  }

  std::optional<std::int64_t> tokens(const CsvField& field, std::int64_t low) {
    const auto value = number(field);
    if (value && *value >= low && *value <= kRequestTokensMost) return value;
    mistake(field,
            fmt::format("\"{}\" is no number of tokens, {} to {}", field.text.substr(0, 80), low, kRequestTokensMost));
    return std::nullopt;
  }

  const std::string& name_;
  const std::int64_t most_;
  config::Diagnostics& diagnostics_;
  std::array<std::optional<std::size_t>, kTraceColumns.size()> columns_;
  std::vector<Request> requests_;
  std::optional<double> first_;  // s
  double last_ = 0;
  std::int64_t generated_ = 0;
  bool sound_ = true, told_ = false;
};

}  // namespace

std::vector<Request> parse_request_trace(std::string_view text, const std::string& name, std::int64_t most,
                                         config::Diagnostics& diagnostics) {
  return TraceReader(name, most, diagnostics).read(text);
}

std::vector<Request> read_request_trace(const std::string& path, std::int64_t most) {
  config::Diagnostics diagnostics;
  const std::string text = config::read_text_file(path, kRequestTraceBytesMost, diagnostics);
  std::vector<Request> requests = parse_request_trace(text, path, most, diagnostics);
  diagnostics.throw_if_any();
  return requests;
}

}  // namespace sparsesim
