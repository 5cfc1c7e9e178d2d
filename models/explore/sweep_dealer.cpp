#include "models/explore/sweep_dealer.h"

#include <algorithm>

#include "sim/core/counts.h"

namespace sparsesim {

std::int64_t size(const Runs& runs) {
  std::int64_t sum = 0;
  for (const Run& run : runs) sum += run.size();
  return sum;
}

Dealer::Dealer(std::vector<bool> there, std::int64_t threads) : there_(std::move(there)), threads_(threads) {
  visited_ = std::count(there_.begin(), there_.end(), true);
  left_ = size() - visited_;
}

std::int64_t Dealer::next() {
  --left_;
  if (!back_.empty()) {
    const std::int64_t position = back_.back().begin++;
    if (back_.back().size() == 0) back_.pop_back();
    return position;
  }
  while (there_[at(next_)]) ++next_;
  return next_++;
}

Runs Dealer::deal(std::int64_t wanted) {
  const std::int64_t most = std::min({wanted, std::max<std::int64_t>(left_ / (2 * threads_), 1), left_});
  Runs runs;
  for (std::int64_t i = 0; i < most; ++i) {
    const std::int64_t position = next();
    if (!runs.empty() && runs.back().end == position)
      ++runs.back().end;
    else
      runs.push_back({position, position + 1});
  }
  return runs;
}

void Dealer::take_back(const Runs& runs) {
  for (const Run& run : runs) {
    back_.push_back(run);
    left_ += run.size();
  }
}

}  // namespace sparsesim
