#pragma once
// Results files for tests: a folder that goes away, rows that are easy to tell apart.

#include <fmt/format.h>
#include <stdlib.h>  // mkdtemp

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "sim/sweep/store.h"

namespace sparsesim::sweep {

/// In memory where the system has such a folder: nothing waits for a disk.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const std::filesystem::path memory = "/dev/shm";
    const auto base = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::string name = (base / "sparsesim-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) names.insert(entry.path().filename().string());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline SweepRow sweep_row(const std::string& hash = "00000000000000aa", const std::string& title = "by rows") {
  return {hash, title, {"substrate", "workload.ops.a.m"}, 100};
}

/// Times that tell the point: 100 + i microseconds densely, 50 + i sparsely.
inline PointRow point_row(int i) {
  PointRow point;
  point.hash = fmt::format("{:016x}", i);
  point.substrate = "a100";
  point.workload = "pruned";
  point.seed = 7;
  point.dense_us = 100.0 + i;
  point.sparse_us = 50.0 + i;
  point.realised_speedup = point.dense_us / point.sparse_us;
  point.ideal_speedup = 4;
  point.quick_estimate = 1.5;
  point.coverage = 0.5;
  point.bound_dense = "tensor";
  point.bound_sparse = "dram";
  point.fallback = i % 2 == 1;
  point.lost = {{"metadata", 1.25}, {"fabric", 1}};
  point.ops = {{"a", "spmm", "csr", 2, point.dense_us, point.sparse_us, ""},
               {"b", "gemm", "", 1, 0, 0, i % 2 == 1 ? "no kernel" : ""}};
  return point;
}

inline MemberRow member_row(int i) { return {i, fmt::format("{:016x}", i), {"a100", std::to_string(i)}}; }

/// Writes places first, first + step ... below end of a sweep, with their points.
inline void fill(Store& store, const SweepRow& sweep, int first, int end, int step = 1) {
  const std::int64_t number = store.add_sweep(sweep);
  for (int i = first; i < end; i += step) {
    const PointRow point = point_row(i);
    store.add(number, member_row(i), &point);
  }
}

inline std::vector<std::pair<MemberRow, PointRow>> all_of(Store& store, std::int64_t sweep) {
  std::vector<std::pair<MemberRow, PointRow>> rows;
  store.for_each(sweep, [&](const MemberRow& member, const PointRow& point) { rows.emplace_back(member, point); });
  return rows;
}

/// What the StoreError of f() says; empty where there is none.
template <class F>
std::string store_error_of(F&& f) {
  try {
    f();
  } catch (const StoreError& error) {
    return error.what();
  }
  return "";
}

}  // namespace sparsesim::sweep
