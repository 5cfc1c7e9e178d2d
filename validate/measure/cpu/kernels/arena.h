#pragma once
// Memory of operands: one mapping of 2 MB pages that arrays are laid out in one after the other.

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace sparsesim::measure {

/// Arrays start at cache lines and are followed by one line of slack, so that a kernel may read a register past an end.
class Arena {
 public:
  static constexpr std::size_t line = 64, huge_page = std::size_t{2} << 20;
  /// What take() uses up for an array of so many bytes.
  static std::size_t footprint(std::size_t bytes) { return (bytes + line - 1) / line * line + line; }

  /// bytes: the sum of the arrays' footprints. Errors: std::bad_alloc.
  explicit Arena(std::size_t bytes) : size_((bytes + 2 * huge_page) / huge_page * huge_page) {
    void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<std::byte*>(memory);
    madvise(memory_, size_, MADV_HUGEPAGE);
    const auto address = reinterpret_cast<std::uintptr_t>(memory_);
    next_ = (huge_page - address % huge_page) % huge_page;
  }
  Arena(const Arena&) = delete;
  Arena(Arena&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), size_(other.size_), next_(other.next_) {}
  Arena& operator=(Arena&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    std::swap(next_, other.next_);
    return *this;
  }
  ~Arena() {
    if (memory_) munmap(memory_, size_);
  }

  /// The next array, zeroed. Errors: std::bad_alloc where the arena is used up.
  template <class T>
  std::span<T> take(std::size_t count) {
    const std::size_t bytes = footprint(count * sizeof(T));
    if (next_ + bytes > size_) throw std::bad_alloc();
    T* array = reinterpret_cast<T*>(memory_ + next_);
    next_ += bytes;
    return {array, count};
  }

 private:
  std::byte* memory_ = nullptr;
  std::size_t size_ = 0, next_ = 0;
};

}  // namespace sparsesim::measure
