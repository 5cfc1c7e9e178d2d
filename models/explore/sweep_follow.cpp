// The other ranks of a sweep: each asks for positions and writes what it simulates to a file of its own.

#include <algorithm>
#include <thread>

#include "models/explore/sweep_messages.h"
#include "models/explore/sweep_ranks.h"
#include "sim/sweep/rank_files.h"

namespace sparsesim {
namespace {

using cluster::Message;

constexpr double kReportEvery = 5;  // times the work at hand, while there is nothing to ask for

class Follower {
 public:
  Follower(cluster::Ranks& ranks, const SweepOptions& options) : ranks_(ranks), options_(options) {}

  /// Whether there is something to do.
  bool begin() {
    const Message message = wait();
    if (word_of(message) == Word::bye) return false;
    points_ = message.numbers.at(0);
    ranks_.broadcast(known_);
    std::sort(known_.begin(), known_.end());
    return true;
  }

  void work(const SweepInputs& inputs, const std::string& file, RankReport& last) {
    sweep::Store store(file, sweep::Store::Mode::write);
    last.has_file = true;
    PointRunner runner(inputs.design, inputs.study, store, points_);
    runner.set_elsewhere([&](const std::string& point) {
      return std::binary_search(known_.begin(), known_.end(), number_of_key(point));
    });
    Crew crew([&](std::int64_t position) { return runner.visit(position); }, threads_of(ranks_, options_),
              work_at_hand(ranks_));
    ranks_.send(0, message_of(Word::ready, {inputs_key(inputs.design, inputs.study), crew.threads()}));
    const auto cannot_write = [&] {
      const auto failure = crew.failure();
      return failure && failure->position < 0;
    };
    while (!ended_ && !cannot_write()) {
      turn(crew);
      crew.wait(pause_.next(!asked_));
    }
    crew.halt();
    last.crew = crew.report();
    if (const auto failure = crew.failure()) {
      last.position = failure->position;
      std::rethrow_exception(failure->error);
    }
  }

  void finish(const RankReport& last) {
    ranks_.send(0, report_message(Word::done, last));
    while (!dismissed_ && word_of(wait()) != Word::bye) continue;
  }

 private:
  void turn(Crew& crew) {
    while (const auto message = ranks_.receive()) {
      pause_.something_happened();
      asked_ = false;
      if (word_of(*message) == Word::work) crew.give(runs_of(*message));
      dismissed_ = word_of(*message) == Word::bye;
      ended_ = ended_ || dismissed_ || word_of(*message) == Word::end;
    }
    if (ended_) return;
    if (options_.stop && *options_.stop && !std::exchange(told_stop_, true)) ranks_.send(0, message_of(Word::stopping));
    const std::int64_t wanted = asked_ ? 0 : crew.wanted();
    const bool idle = crew.idle();
    if (wanted == 0 && !idle && std::chrono::steady_clock::now() - reported_ < report_every_) return;
    RankReport report{crew.report(), wanted, false, 0, -1, {}};
    if (wanted == 0 && report.crew.empty()) return;
    asked_ = asked_ || wanted > 0;
    reported_ = std::chrono::steady_clock::now();
    pause_.something_happened();
    ranks_.send(0, report_message(Word::ask, report));
  }

  Message wait() {
    while (true) {
      if (auto message = ranks_.receive()) return *std::move(message);
      std::this_thread::sleep_for(pause_.next());
    }
  }

  cluster::Ranks& ranks_;
  const SweepOptions& options_;
  std::int64_t points_ = 0;
  std::vector<std::int64_t> known_;  // keys of points that the first rank has
  const std::chrono::duration<double> report_every_{kReportEvery * work_at_hand(ranks_)};
  Pause pause_;
  std::chrono::steady_clock::time_point reported_;
  bool asked_ = false, told_stop_ = false, ended_ = false, dismissed_ = false;
};

}  // namespace

void follow_sweep(const PrepareSweep& prepare, const std::string& file, cluster::Ranks& ranks,
                  const SweepOptions& options, const DescribeFailure& describe) {
  Follower follower(ranks, options);
  if (!follower.begin()) return;
  RankReport last;
  try {
    prepare([&](const SweepInputs& inputs) { follower.work(inputs, sweep::rank_file(file, ranks.rank()), last); });
  } catch (...) {
    const Failure failure = describe(std::current_exception());
    last.exit_code = failure.code;
    last.text = failure.text;
  }
  follower.finish(last);
}

}  // namespace sparsesim
