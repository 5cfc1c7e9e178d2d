#pragma once
// Who waits for what: consulted only when a simulation runs dry.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sparsesim {

/// Outstanding waits. Opening and closing one costs a few instructions and allocates only when more waits are open than
/// ever before.
class WaitRegistry {
 public:
  using Token = std::uint32_t;

  /// Notes that `id` (a model identity, as in Event) waits for `what`, a text that outlives the wait (a literal, a
  /// component's name). Returns what close() wants.
  Token open(std::uint32_t id, std::string_view what);
  /// Errors: SimulationError when the wait is not open.
  void close(Token token);
  std::int64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// "id 3 waits for reply from bank; id 7 waits for ..." with the first `most` waits in order of opening slot.
  std::string describe(int most = 8) const;
  void reset() {
    waits_.clear();
    free_.clear();
    count_ = 0;
  }

 private:
  struct Wait {
    std::uint32_t id;
    bool open;
    std::string_view what;
  };
  std::vector<Wait> waits_;
  std::vector<Token> free_;
  std::int64_t count_ = 0;
};

}  // namespace sparsesim
