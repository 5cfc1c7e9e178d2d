#pragma once
// Times many small things in turns: each visit takes samples of every item, so that each is seen at several moments.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "validate/measure/harness/substrate_file.h"

namespace sparsesim::measure {

/// One thing to time: a point of a curve.
struct Item {
  std::string curve;
  double x = 0;
  /// Runs `count` operations and returns their seconds.
  std::function<double(long count)> run;
  /// Puts data in place at the start of each visit; may be empty.
  std::function<void()> prepare;
};

/// How long to measure.
struct Effort {
  int visits = 5;
  int samples = 21;        // of an item in one visit
  double sample_s = 4e-4;  // a sample is as many operations as take this long, at least one
  double item_s = 0.2;     // of one item in one visit; longer ones get fewer samples, at least five
  double budget_s = 110;   // once it is spent, visits after the third are left out; after 1.5 of it all but the first
};

/// Collects items, samples them, and answers with quantiles of seconds per operation.
class Sampler {
 public:
  explicit Sampler(Effort effort) : effort_(effort) {}

  void add(Item item) { items_.push_back(std::move(item)); }
  /// Takes the samples. `progress` is told the share done and the curve at work.
  void run(const std::function<void(double, const std::string&)>& progress);

  /// Seconds per operation of an item: p10 of its best visit, in the range up to that of the middle visit: what
  /// disturbs a shared machine for a whole visit makes it slower, never faster. Zero if there is no such item.
  Spread at(const std::string& curve, double x = 0) const;
  bool has(const std::string& curve, double x = 0) const { return samples_.contains({curve, x}); }
  /// The points of a curve: quantiles of what `convert` makes of x and seconds.
  std::vector<CurveEntry> curve(const std::string& name,
                                const std::function<double(double x, double seconds)>& convert) const;
  /// All x of a curve, rising.
  std::vector<double> places(const std::string& name) const;

 private:
  struct Samples {
    std::vector<std::vector<double>> visits;
    long count = 0;  // operations of a sample, once calibrated
  };
  void visit(Item& item, Samples& samples);
  /// Finds the operations of a sample, by the fastest of three: a disturbed one looks long at any count.
  void calibrate(Item& item, Samples& samples);

  Effort effort_;
  std::vector<Item> items_;
  std::map<std::pair<std::string, double>, Samples> samples_;
};

}  // namespace sparsesim::measure
