#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "validate/measure/cpu/bytes.h"
#include "validate/measure/cpu/fingerprint/items.h"

namespace sparsesim::measure {
namespace {

template <class Work>
double timed(Work work) {
  const double start = seconds_now();
  work();
  return seconds_now() - start;
}

#ifdef SPARSESIM_HAVE_OPENMP
constexpr long kChunks = 4096;
/// A body of about 100 ns: as many chained multiplies as a short sparse row needs.
void body() { keep(multiply_chain(100)); }

double time_regions(long n, int threads) {
  return timed([&] {
    for (long i = 0; i < n; ++i) {
#pragma omp parallel num_threads(threads)
      asm volatile("");
    }
  });
}

double time_barriers(long n, int threads) {
  return timed([&] {
#pragma omp parallel num_threads(threads)
    for (long i = 0; i < n; ++i) {
#pragma omp barrier
    }
  });
}

/// Seconds of n chunks, in loops of kChunks.
template <class Loop>
double time_chunks(long n, Loop loop) {
  const long loops = (n + kChunks - 1) / kChunks;
  return timed([&] {
           for (long i = 0; i < loops; ++i) loop();
         }) *
         static_cast<double>(n) / static_cast<double>(loops * kChunks);
}

void chunks_empty(int threads) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (long i = 0; i < kChunks; ++i) asm volatile("");
}

void chunks_dynamic(int threads) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (long i = 0; i < kChunks; ++i) body();
}

void chunks_static(int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
  for (long i = 0; i < kChunks; ++i) body();
}

void add_openmp(Bench& bench, Sampler& sampler) {
  const int threads = bench.team.size();
  sampler.add({"region", 1, [](long n) { return time_regions(n, 1); }, {}});
  if (threads > 1)
    sampler.add({"region", static_cast<double>(threads), [=](long n) { return time_regions(n, threads); }, {}});
  sampler.add({"barrier", 0, [=](long n) { return time_barriers(n, threads); }, {}});
  const auto add = [&](const char* curve, void (*loop)(int)) {
    sampler.add({curve, 0, [=](long n) { return time_chunks(n, [&] { loop(threads); }); }, {}});
  };
  add("chunk_empty", chunks_empty);
  add("chunk_dynamic", chunks_dynamic);
  add("chunk_static", chunks_static);
}
#else
void add_openmp(Bench&, Sampler&) {}
#endif

/// Two cores that pass a message of some lines to and fro: a number in each line tells that it has come.
double exchange(Bench& bench, std::size_t bytes, long turns) {
  const std::size_t lines = std::max<std::size_t>(1, bytes / kLine);
  char* boxes[2] = {bench.arena.data(), bench.arena.data() + bench.arena.size() / 2};
  const auto number = [](char* line) { return std::atomic_ref<long>(*reinterpret_cast<long*>(line)); };
  for (char* box : boxes)
    for (std::size_t i = 0; i < lines; ++i) number(box + i * kLine).store(0);
  const double seconds = bench.team.run([&](int thread) {
    if (thread > 1) return;
    for (long turn = 1; turn <= turns; ++turn) {
      if (thread == 0)
        for (std::size_t i = 0; i < lines; ++i) number(boxes[0] + i * kLine).store(turn, std::memory_order_release);
      for (std::size_t i = 0; i < lines; ++i) {
        long tries = 0;
        while (number(boxes[1 - thread] + i * kLine).load(std::memory_order_acquire) != turn)
          if (++tries > 100000) std::this_thread::yield();
      }
      if (thread == 1)
        for (std::size_t i = 0; i < lines; ++i) number(boxes[1] + i * kLine).store(turn, std::memory_order_release);
    }
  });
  return seconds / 2;  // one way
}

/// Seconds that core 0 needs to read what core 1 wrote just before.
double copy_over(Bench& bench, std::size_t bytes, long count) {
  const long turns = std::max(1L, count / static_cast<long>(bytes));
  double seconds = 0;
  for (long i = 0; i < turns; ++i) {
    bench.team.run([&](int thread) {
      if (thread == 1) bench.vectors.write(bench.arena.data(), bytes);
    });
    seconds += busy_time([&] { keep(bench.vectors.read(bench.arena.data(), bytes, 1)); });
  }
  return seconds * static_cast<double>(count) / static_cast<double>(turns * static_cast<long>(bytes));
}

}  // namespace

void add_thread_items(Bench& bench, Sampler& sampler) {
  add_openmp(bench, sampler);
  sampler.add({"thread_start",
               0,
               [](long n) {
                 return timed([&] {
                   for (long i = 0; i < n; ++i) std::thread([] {}).join();
                 });
               },
               {}});
  if (bench.team.size() < 2) return;
  for (std::size_t bytes = 64; bytes <= 64 * 1024; bytes *= 4)
    sampler.add(
        {"message", static_cast<double>(bytes), [&bench, bytes](long n) { return exchange(bench, bytes, n); }, {}});
  for (const std::size_t bytes : {std::size_t{16} << 10, std::size_t{128} << 10})
    sampler.add(
        {"copy", static_cast<double>(bytes), [&bench, bytes](long n) { return copy_over(bench, bytes, n); }, {}});
}

}  // namespace sparsesim::measure
