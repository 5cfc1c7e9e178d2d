#pragma once
// Results of sweeps in one SQLite file (docs/sweep.md describes the tables). The only user of SQLite.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sparsesim::sweep {

/// The file cannot be used or written: what() is one line with the file's name and the reason (in use by another sweep,
/// disk full, no such database, of a newer schema, damaged).
struct StoreError : std::runtime_error {
  StoreError(const std::string& message, bool is_bad_input) : std::runtime_error(message), bad_input(is_bad_input) {}
  /// Whether the file is at fault, not the state of the system (a full disk, another writer), which may pass.
  bool bad_input;
};

struct OpRow {
  std::string name, kind, pattern;
  std::int64_t repeat = 1;
  double dense_us = 0, sparse_us = 0;  // of all repeats
  std::string fallback;                // why it ran densely; empty where it did not
  bool operator==(const OpRow&) const = default;
};

/// What was simulated at a point. Times in microseconds.
struct PointRow {
  std::string hash;  // 16 hexadecimal digits: key of the resolved inputs
  std::string substrate, workload;
  std::uint64_t seed = 1;
  double dense_us = 0, sparse_us = 0, realised_speedup = 0, ideal_speedup = 0, quick_estimate = 0, coverage = 0;
  std::string bound_dense, bound_sparse;
  bool fallback = false;                             // some op ran densely
  std::vector<std::pair<std::string, double>> lost;  // waterfall; empty where it was not asked for
  std::string error;                                 // why there are no times; empty where there are
  std::vector<OpRow> ops;
  bool operator==(const PointRow&) const = default;
};

struct SweepRow {
  std::string hash;  // of its parameters, values, constraints and sampling
  std::string title;
  std::vector<std::string> parameters;  // paths, in the order of the values of a setting
  std::int64_t points = 0;
  bool operator==(const SweepRow&) const = default;
};

/// A place in a sweep and its point.
struct MemberRow {
  std::int64_t position = 0;
  std::string point;                 // hash
  std::vector<std::string> setting;  // values as text
  bool operator==(const MemberRow&) const = default;
};

/// One results file, open for one writer or for readers. One thread at a time.
class Store {
 public:
  enum class Mode { read, write };
  /// Opens the file; Mode::write creates it where there is none and takes FILE.lock until the Store ends. A reader sees
  /// the file as it was at its first look, whatever a writer does meanwhile.
  /// Errors (of all members): StoreError.
  Store(const std::string& path, Mode mode);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// The number of the sweep with that hash, which is written where it is new.
  std::int64_t add_sweep(const SweepRow& sweep);
  /// Whether a point is there already.
  bool has(const std::string& point);
  /// The point with that hash, if it is there.
  std::optional<PointRow> find(const std::string& point);
  /// Writes a point that belongs to no sweep, unless it is there already.
  void add(const PointRow& point);
  /// Writes a place of a sweep (over what was there) and, unless its point is there already, the point with its ops:
  /// one transaction.
  void add(std::int64_t sweep, const MemberRow& member, const PointRow* point);
  /// Keys of all points, in order.
  std::vector<std::string> points();
  /// How many points there are, of all sweeps, and how many of them have an error.
  struct Counts {
    std::int64_t points = 0, failed = 0;
  };
  Counts counts();
  /// Returns when all that was written is on the disk.
  void flush();
  /// Positions of a sweep that are there, in order.
  std::vector<std::int64_t> positions(std::int64_t sweep);

  /// Number and row of each sweep, by title.
  std::vector<std::pair<std::int64_t, SweepRow>> sweeps();
  /// Calls f for each place of a sweep in order, with its point; one at a time, so that memory stays flat. A setting
  /// has one value per parameter of the sweep: else the file is damaged.
  void for_each(std::int64_t sweep, const std::function<void(const MemberRow&, const PointRow&)>& f);

  /// Takes over all that `other` has and this has not, or nothing where that fails. Returns how many points were new.
  /// The order of several merges does not matter: of two titles of a sweep the first by alphabet stays, and two
  /// different points at one place are an error.
  std::int64_t merge(Store& other);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace sparsesim::sweep
