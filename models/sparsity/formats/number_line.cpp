#include "models/sparsity/formats/number_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sim/config/text_check.h"

namespace sparsesim {
namespace {

bool separates(char c) { return c == ' ' || c == ',' || c == '\t'; }

}  // namespace

std::int64_t NumberLine::next(std::int64_t least, std::int64_t most, const char* what) {
  skip();
  last_ = at_;
  std::int64_t value = 0;
  if (at_ == text_.size()) {
    mistake(fmt::format("the line ends before its {}", what));
    return -1;
  }
  const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  const auto end = static_cast<std::size_t>(stop - text_.data());
  if (error == std::errc::invalid_argument || !ends_number(end)) {
    mistake(fmt::format("expected a number ({})", what));
    return -1;
  }
  if (error != std::errc() || value < least || value > most) {
    mistake(fmt::format("{} {} is not within {}..{}", what, text_.substr(at_, end - at_), least, most));
    return -1;
  }
  at_ = end;
  return value;
}

bool NumberLine::skip_real(const char* what, double& value) {
  skip();
  last_ = at_;
  const std::size_t sign = at_ < text_.size() && text_[at_] == '+' ? 1 : 0;  // from_chars takes none
  const auto [stop, error] = std::from_chars(text_.data() + at_ + sign, text_.data() + text_.size(), value);
  const auto end = static_cast<std::size_t>(stop - text_.data());
  if (error == std::errc::invalid_argument || !ends_number(end)) {
    mistake(fmt::format("expected a number ({})", what));
    return false;
  }
  if (error == std::errc::result_out_of_range) value = 1;  // too small or too large for a double, but not zero
  at_ = end;
  return true;
}

void NumberLine::mistake(const std::string& message) {
  diagnostics_.add({file_, line_, config::column_of(text_, last_)}, message, {}, text_);
}

void NumberLine::finish(const char* message) {
  if (at_end()) return;
  last_ = at_;
  mistake(message);
}

bool NumberLine::at_end() {
  skip();
  return at_ == text_.size();
}

void NumberLine::skip() {
  while (at_ < text_.size() && separates(text_[at_])) ++at_;
}

bool NumberLine::ends_number(std::size_t place) const { return place == text_.size() || separates(text_[place]); }

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace sparsesim
