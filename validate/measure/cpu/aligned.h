#pragma once
// Memory for operands: in huge pages, so that a matrix costs cache misses and no page walks, and on line boundaries.

#include <cstddef>
#include <cstring>
#include <utility>

namespace sparsesim::measure {

/// Zeroed memory on a 64-byte boundary, packed into huge pages where the system grants them. Not for several threads at
/// once. Errors: std::bad_alloc.
void* take_memory(std::size_t bytes);
void give_memory_back(void* memory, std::size_t bytes) noexcept;

/// An array of plain numbers, zero at first. Copies are deep.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) : data_(static_cast<T*>(take_memory(count * sizeof(T)))), size_(count) {}
  Buffer(const Buffer& other) : Buffer(other.size_) {
    if (size_) std::memcpy(data_, other.data_, size_ * sizeof(T));
  }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { give_memory_back(data_, size_ * sizeof(T)); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sparsesim::measure
