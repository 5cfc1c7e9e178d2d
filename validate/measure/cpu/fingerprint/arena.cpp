#include "validate/measure/cpu/fingerprint/arena.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <new>
#include <string>

namespace sparsesim::measure {
namespace {

constexpr std::size_t kHuge = std::size_t{2} << 20;

}  // namespace

Arena::Arena(std::size_t bytes) : bytes_((bytes + kHuge - 1) / kHuge * kHuge), mapped_bytes_(bytes_ + kHuge) {
  void* mapped = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  mapped_ = static_cast<char*>(mapped);
  const auto address = reinterpret_cast<std::uintptr_t>(mapped_);
  data_ = mapped_ + ((address + kHuge - 1) / kHuge * kHuge - address);
#ifdef MADV_HUGEPAGE
  madvise(data_, bytes_, MADV_HUGEPAGE);
#endif
  std::memset(data_, 1, bytes_);
}

Arena::~Arena() { munmap(mapped_, mapped_bytes_); }

double Arena::huge_share() const {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  double huge_kib = 0;
  while (std::getline(maps, line)) {
    const std::size_t dash = line.find('-'), space = line.find(' ');
    if (dash != std::string::npos && dash < space && line.find(':') > space) {
      const std::uintptr_t begin = std::stoull(line.substr(0, dash), nullptr, 16);
      const std::uintptr_t end = std::stoull(line.substr(dash + 1, space - dash - 1), nullptr, 16);
      const auto here = reinterpret_cast<std::uintptr_t>(data_);
      inside = begin < here + bytes_ && here < end;
    } else if (inside && line.rfind("AnonHugePages:", 0) == 0) {
      huge_kib += std::stod(line.substr(14));
    }
  }
  return huge_kib * 1024 / static_cast<double>(bytes_);
}

}  // namespace sparsesim::measure
