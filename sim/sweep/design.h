#pragma once
// Which points a sweep has: parameters, their values, constraints, samples (docs/sweep.md).

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/sweep/expression.h"
#include "sim/sweep/values.h"

namespace sparsesim::sweep {

/// Most points of a product, and most samples.
inline constexpr std::int64_t kPointsMost = std::int64_t{1} << 28;

struct Parameter {
  std::string path;  // "substrate.memory.l2.capacity"
  Values values;
  config::Position place;
  /// Where a value stands: in a file at its item of a list, else where the parameter does.
  const config::Position& place_of(const std::string& value) const;
};

/// Whether a path is "substrate", "workload" or begins with one of them and a dot. Errors: reported at `place`.
bool require_parameter(const std::string& path, const config::Position& place, config::Diagnostics& diagnostics);

enum class Sampling { grid, random, sobol };

/// What a user writes, on a command line or in a file.
struct Request {
  std::string file;                 // of the specification; empty for none
  std::string substrate, workload;  // in place of those of the file; empty: not given
  std::vector<std::string> vary;    // "PATH=VALUES", after those of the file
  std::vector<std::string> where;
};

/// The points of a sweep, made one at a time: a sweep of any size takes the memory of its lists.
class Design {
 public:
  /// Errors: config::ConfigError with every mistake of the file and of the options.
  static Design read(const Request& request);
  /// The same with the mistakes reported. After some the design is only good for finding more: parameters that have one
  /// are without values.
  static Design read(const Request& request, config::Diagnostics& diagnostics);

  const std::string& title() const { return title_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::vector<std::string> paths() const;
  /// Points of the product, or samples; those that fail a condition included.
  std::int64_t size() const { return size_; }
  /// The values at a position, one per parameter, or nothing where a condition fails. 0 <= position < size().
  std::optional<std::vector<std::string>> setting(std::int64_t position) const;
  /// Whether values pass the conditions.
  bool accepts(const std::vector<std::string>& setting) const;
  /// How many positions pass the conditions. Takes time in proportion to size() where there are any.
  std::int64_t count() const;
  /// Text that differs where any point does: paths, values, conditions, sampling.
  std::string fingerprint() const;

 private:
  friend class DesignReader;
  std::vector<std::string> grid_setting(std::int64_t position) const;
  std::vector<std::string> sampled_setting(std::int64_t position) const;

  std::string title_;
  std::vector<Parameter> parameters_;
  std::vector<std::string> condition_texts_;
  std::vector<Condition> conditions_;
  Sampling sampling_ = Sampling::grid;
  std::int64_t size_ = 1;
  std::uint64_t seed_ = 1;
};

/// A value in [0, 1) per dimension at a position of a sequence. Sobol: at most 3667 dimensions (Boost.Random's table).
std::vector<double> sample(Sampling method, std::size_t dimensions, std::uint64_t seed, std::int64_t position);

}  // namespace sparsesim::sweep
