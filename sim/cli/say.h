#pragma once
// What is said on standard error.

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

namespace sparsesim::cli {

/// Prints to standard error. Where that cannot be written (full, closed), the text is lost and nothing else: unlike
/// fmt::print, which throws.
template <typename... T>
void say(fmt::format_string<T...> format, T&&... arguments) {
  const std::string text = fmt::format(format, std::forward<T>(arguments)...);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace sparsesim::cli
