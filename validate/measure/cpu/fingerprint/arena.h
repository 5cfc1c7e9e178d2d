#pragma once
// Memory in 2 MB pages for measurements: no page walks where they are not what is measured.

#include <cstddef>

namespace sparsesim::measure {

/// One stretch of memory, touched, in 2 MB pages where the system gives them.
class Arena {
 public:
  /// Errors: std::bad_alloc.
  explicit Arena(std::size_t bytes);
  ~Arena();
  Arena(const Arena&) = delete;

  char* data() const { return data_; }
  std::size_t size() const { return bytes_; }
  /// Share of it that lies in 2 MB pages.
  double huge_share() const;

 private:
  char* data_ = nullptr;
  char* mapped_ = nullptr;
  std::size_t bytes_ = 0, mapped_bytes_ = 0;
};

}  // namespace sparsesim::measure
