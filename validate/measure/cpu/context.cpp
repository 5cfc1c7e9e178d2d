#include "validate/measure/cpu/context.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#ifdef SPARSESIM_HAVE_OPENBLAS
#include <cblas.h>
#endif
#ifdef SPARSESIM_HAVE_OPENMP
#include <omp.h>
#endif

namespace sparsesim::measure {
namespace {

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set)) cores.push_back(core);
  if (cores.empty()) cores.push_back(0);
  // From the last down: systems give interrupts and everybody's first process to the first core.
  std::reverse(cores.begin(), cores.end());
  return cores;
}

void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set);
}

void pin_threads(int threads, const std::vector<int>& cores) {
  pin_to(cores[0]);
#ifdef SPARSESIM_HAVE_OPENBLAS
  openblas_set_num_threads(threads);
#endif
#ifdef SPARSESIM_HAVE_OPENMP
  omp_set_dynamic(0);
  omp_set_num_threads(threads);
#pragma omp parallel num_threads(threads)
  pin_to(cores[static_cast<std::size_t>(omp_get_thread_num())]);
#else
  if (threads > 1) throw std::invalid_argument("this program was built without OpenMP: --threads 1 alone");
#endif
}

/// "32768K" as bytes.
std::size_t cache_size(const std::string& text) {
  if (text.empty()) return 0;
  const std::size_t number = std::stoul(text);
  return text.back() == 'K' ? number << 10 : text.back() == 'M' ? number << 20 : number;
}

std::size_t largest_cache(int core) {
  std::size_t largest = 0;
  for (int index = 0; index < 8; ++index) {
    std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(core) + "/cache/index" + std::to_string(index) +
                     "/size");
    std::string text;
    if (in >> text) largest = std::max(largest, cache_size(text));
  }
  constexpr std::size_t kUnknown = std::size_t{32} << 20;  // as large as a server core's share usually is
  return largest ? largest : kUnknown;
}

std::string model_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("model name", 0) == 0 && line.find(':') + 2 < line.size()) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

#if defined(__x86_64__)
/// The system saves tile registers for those alone that asked (Linux, arch_prctl(2)).
bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

void ask_processor(CpuContext& context) {
  __builtin_cpu_init();
  context.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  context.avx512 = context.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  context.avx512_bf16 = context.avx512 && __builtin_cpu_supports("avx512bf16");
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!context.avx512_bf16 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
  const bool bf16 = d >> 22 & 1, tiles = d >> 24 & 1, int8 = d >> 25 & 1;  // Intel SDM vol. 2A, CPUID leaf 7
  if (!tiles || !may_use_tiles()) return;
  context.amx_bf16 = bf16;
  context.amx_int8 = int8;
}
#else
void ask_processor(CpuContext&) {}
#endif

}  // namespace

CpuContext make_cpu_context(int threads) {
  const std::vector<int> cores = allowed_cores();
  CpuContext context;
  context.threads = std::max(threads, 1);
  if (static_cast<std::size_t>(context.threads) > cores.size())
    throw std::invalid_argument("--threads " + std::to_string(threads) + ": this process may use " +
                                std::to_string(cores.size()) + (cores.size() == 1 ? " core" : " cores"));
  pin_threads(context.threads, cores);
  context.last_cache_bytes = largest_cache(cores[0]);
  context.memory_bytes =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  context.model = model_name();
  ask_processor(context);
  return context;
}

}  // namespace sparsesim::measure
