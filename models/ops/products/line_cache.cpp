#include "models/ops/products/line_cache.h"

#include "sim/core/counts.h"

namespace sparsesim {

LineCache::LineCache(std::int64_t lines, std::int64_t capacity) : entries_(at(lines) + 1), capacity_(capacity) {
  entries_.back() = {head(), head()};
}

bool LineCache::read(std::int64_t line) {
  const auto number = static_cast<std::uint32_t>(line);
  const bool found = entries_[number].kept;
  if (found) unlink(number);
  insert(number, false);
  return found;
}

void LineCache::produce(std::int64_t line) { insert(static_cast<std::uint32_t>(line), true); }

bool LineCache::consume(std::int64_t line) {
  const auto number = static_cast<std::uint32_t>(line);
  const bool found = entries_[number].kept;
  if (found) unlink(number);
  return found;
}

void LineCache::insert(std::uint32_t line, bool produced) {
  if (capacity_ <= 0) {
    spilled_ += produced;
    return;
  }
  if (held_ >= capacity_) {
    const std::uint32_t oldest = entries_.back().younger;
    spilled_ += entries_[oldest].produced;
    unlink(oldest);
  }
  Entry& entry = entries_[line];
  const std::uint32_t youngest = entries_.back().older;
  entry = {youngest, head(), true, produced};
  entries_[youngest].younger = line;
  entries_.back().older = line;
  ++held_;
}

void LineCache::unlink(std::uint32_t line) {
  Entry& entry = entries_[line];
  entries_[entry.older].younger = entry.younger;
  entries_[entry.younger].older = entry.older;
  entry.kept = false;
  --held_;
}

}  // namespace sparsesim
