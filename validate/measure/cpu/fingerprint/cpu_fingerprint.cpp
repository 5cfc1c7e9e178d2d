#include "validate/measure/cpu/fingerprint/cpu_fingerprint.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <stdexcept>

#include "validate/measure/cpu/bytes.h"
#include "validate/measure/cpu/fingerprint/findings.h"
#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {
namespace {

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string clock_state(const Sampler& sampler) {
  const std::string governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  char text[160];
  std::snprintf(text, sizeof text, "%.2f GHz scalar, %.2f GHz under vector load, %.2f GHz on zeros; governor %s",
                1e-9 / sampler.at("clock_scalar").value, 1e-9 / sampler.at("clock_vector").value,
                1e-9 / sampler.at("clock_zeros").value,
                governor.empty() ? "not shown to this system" : governor.c_str());
  return text;
}

/// The shipped machine whose instruction set this processor has: what is not measured comes from there.
std::string nearest_base(const CpuContext& context) {
  if (context.amx_bf16) return "xeon-sapphire-rapids-2c";
  return context.avx512 ? "epyc-turin-2c" : "epyc-milan-2c";
}

/// Small letters, digits and dashes of the processor's name.
std::string made_name(const CpuContext& context) {
  std::string out;
  for (const char c : context.model) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out + "-" + std::to_string(context.threads) + "c";
}

/// Four times the last cache, as a power of two, as far as memory allows.
std::size_t largest_set(const CpuContext& context, bool quick) {
  const auto free_bytes =
      static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t wanted = (quick ? 2 : 4) * context.last_cache_bytes;
  std::size_t size = 64 * kMiB;
  while (size < wanted && size < 512 * kMiB && size * 4 < free_bytes) size *= 2;
  return quick ? size : std::max(size, std::min<std::size_t>(256 * kMiB, free_bytes / 4 / kMiB * kMiB));
}

void show_progress(bool quiet, double share, const std::string& what) {
  if (quiet || isatty(STDERR_FILENO) == 0) return;
  std::fprintf(stderr, "\rfingerprint %3.0f %% %-24s%s", 100 * share, what.c_str(), share >= 1 ? "\r\n" : "");
  std::fflush(stderr);
}

void describe(const CpuContext& context, const Arena& arena, const Sampler& sampler, SubstrateFile& file) {
  utsname system{};
  uname(&system);
  for (const auto& [what, version] : library_versions()) file.version(what, version);
  file.version("kernel", std::string(system.sysname) + " " + system.release);
  char pages[64];
  std::snprintf(pages, sizeof pages, "%.0f %% of the memory in 2 MB pages", 100 * arena.huge_share());
  file.version("pages", pages);
  file.head("cpu", context.model + ", " + std::to_string(context.threads) + (context.threads == 1 ? " core" : " cores"),
            today(), clock_state(sampler));
  if (!context.avx512) file.missing("AVX-512", "not in this processor");
  if (!context.amx_bf16) file.missing("AMX", "not in this processor, or not allowed");
  file.missing("power", "no counters in reach");
}

}  // namespace

void cpu_fingerprint(const FingerprintRequest& request) {
  const CpuContext context = make_cpu_context(request.threads);
  const VectorLoops* vectors = context.avx512 ? avx512_loops() : nullptr;
  if (vectors == nullptr && context.avx2) vectors = avx2_loops();
  if (vectors == nullptr) throw NotHere("the fingerprint's loops need AVX2");
  const std::size_t largest = largest_set(context, request.quick);
  Arena arena(largest);
  Team team(context.threads);
  Bench bench{context, *vectors, arena, team, request.quick, largest};
  Effort effort;
  if (request.quick) effort = {3, 3, 2e-4, 0.01, 8};
  Sampler sampler(effort);
  add_compute_items(bench, sampler);
  add_thread_items(bench, sampler);
  add_library_items(bench, sampler);
  add_memory_items(bench, sampler);
  sampler.run([&](double share, const std::string& what) { show_progress(request.quiet, share, what); });

  const std::string name = request.name.empty() ? made_name(context) : request.name;
  SubstrateFile file(name, context.model + " as measured", nearest_base(context));
  report(bench, sampler, file);
  describe(context, arena, sampler, file);
  std::ofstream out(request.out);
  out << file.text();
  out.close();
  if (!out) throw std::runtime_error("cannot write " + request.out);
}

}  // namespace sparsesim::measure
