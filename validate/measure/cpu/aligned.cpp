#include "validate/measure/cpu/aligned.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "validate/measure/cpu/bytes.h"

namespace sparsesim::measure {
namespace {

constexpr std::size_t kHugePage = 2 * kMiB;
/// Small pieces share blocks of this size, which begin at a multiple of it: so a piece finds its block by its address.
constexpr std::size_t kBlock = 32 * kMiB;

struct Block {
  std::size_t used = kLine;  // the first line is this header
  std::size_t pieces = 0;
};
static_assert(sizeof(Block) <= kLine);

Block* g_current = nullptr;  // the block that pieces are cut from; allocation has no other state

bool has_own_mapping(std::size_t bytes) { return bytes > kBlock / 2; }

/// Fresh zeroed pages at a multiple of `alignment`; what sticks out on both sides is handed back.
void* map_aligned(std::size_t bytes, std::size_t alignment) {
  const std::size_t whole = bytes + alignment;
  void* mapped = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* first = static_cast<char*>(mapped);
  const auto address = reinterpret_cast<std::uintptr_t>(first);
  auto* begin = first + (round_up<std::uintptr_t>(address, alignment) - address);
  if (begin > first) munmap(first, static_cast<std::size_t>(begin - first));
  if (begin + bytes < first + whole) munmap(begin + bytes, static_cast<std::size_t>(first + whole - begin) - bytes);
  madvise(begin, bytes, MADV_HUGEPAGE);
  return begin;
}

void unmap_if_free(Block* block) {
  if (block != nullptr && block->pieces == 0) munmap(block, kBlock);
}

}  // namespace

void* take_memory(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
  if (has_own_mapping(bytes)) return map_aligned(round_up(bytes, kHugePage), kHugePage);
  const std::size_t size = round_up(bytes, kLine);
  if (g_current == nullptr || g_current->used + size > kBlock) {
    unmap_if_free(std::exchange(g_current, nullptr));
    g_current = new (map_aligned(kBlock, kBlock)) Block;
  }
  char* piece = reinterpret_cast<char*>(g_current) + g_current->used;
  g_current->used += size;
  ++g_current->pieces;
  return piece;
}

void give_memory_back(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  if (has_own_mapping(bytes)) {
    munmap(memory, round_up(bytes, kHugePage));
    return;
  }
  auto* block =
      reinterpret_cast<Block*>(static_cast<char*>(memory) - reinterpret_cast<std::uintptr_t>(memory) % kBlock);
  --block->pieces;
  if (block != g_current) unmap_if_free(block);
}

}  // namespace sparsesim::measure
