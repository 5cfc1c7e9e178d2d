// Likely typos: optimal string alignment distance (insert, delete, replace, swap neighbours), letters of either case
// alike. Beyond a single slip, a word that is a part of another is nearer than letters say.

#include <algorithm>
#include <cctype>
#include <utility>

#include "sim/config/reader.h"

namespace sparsesim::config {
namespace {

constexpr std::size_t word_bytes_max = 64;  // a longer word is no typo of a key, and the cost is quadratic

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_back(b.size() + 1), back(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) back[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({back[j] + 1, row[j - 1] + 1, back[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], two_back[j - 2] + 1);
    }
    two_back.swap(back);
    back.swap(row);
  }
  return back[b.size()];
}

/// Whether one word is the whole beginning of the other ("vocab" of "vocabulary"), or its last part ("heads" of
/// "num_heads").
bool shares_part(std::string_view a, std::string_view b) {
  constexpr std::size_t shortest = 3;
  if (a.size() > b.size()) std::swap(a, b);
  if (a.size() < shortest || a.size() == b.size()) return false;
  const char before = b[b.size() - a.size() - 1];
  return b.starts_with(a) || (b.ends_with(a) && (before == '_' || before == '-' || before == '.'));
}

/// The one known word that shares a part with this; nothing where there are several.
template <class List>
std::string same_part(std::string_view word, const List& known) {
  std::string found;
  for (const auto& candidate : known) {
    if (!shares_part(word, candidate)) continue;
    if (!found.empty()) return {};
    found = candidate;
  }
  return found;
}

template <class List>
std::string nearest_in(std::string_view word, const List& known) {
  if (word.empty() || word.size() > word_bytes_max) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    if (candidate.size() > word_bytes_max) continue;
    const std::size_t longer = std::max(word.size(), candidate.size()),
                      shorter = std::min(word.size(), candidate.size());
    if (longer - shorter >= best_distance) continue;  // so many letters differ at least
    const std::size_t d = distance(word, candidate);
    if (d < best_distance && d < candidate.size()) {
      best_distance = d;
      best = candidate;
    }
  }
  if (best_distance <= 1) return best;
  const std::string part = same_part(word, known);
  return part.empty() ? best : part;
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string_view> known) { return nearest_in(word, known); }
std::string nearest(std::string_view word, const std::vector<std::string>& known) { return nearest_in(word, known); }

}  // namespace sparsesim::config
