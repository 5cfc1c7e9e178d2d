// The first rank of a sweep: deals positions out, works itself, merges.

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "models/explore/sweep_messages.h"
#include "models/explore/sweep_ranks.h"
#include "sim/sweep/rank_files.h"

namespace sparsesim {
namespace {

using cluster::Message;
using Clock = std::chrono::steady_clock;

constexpr int kOtherInputs = 2;  // bad input
constexpr const char* kOtherInputsText =
    "sparsesim: rank {} reads another specification, machine or workload than rank 0, or is of another version";

/// Processor time of this thread, in seconds.
double processor_seconds() {
  std::timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

class Lead {
 public:
  Lead(const sweep::Design& design, Study& study, sweep::Store& store, cluster::Ranks& ranks,
       const SweepOptions& options, LeadCost& cost)
      : store_(store),
        ranks_(ranks),
        options_(options),
        cost_(cost),
        before_(store.counts()),
        points_(design.count()),
        inputs_(inputs_key(design, study)),
        runner_(design, study, store, points_),
        dealer_(runner_.there(), std::int64_t{ranks.count()} * threads_of(ranks, options)),
        crew_([&](std::int64_t position) { return runner_.visit(position); }, threads_of(ranks, options),
              work_at_hand(ranks)) {
    cost_.ranks = ranks.count();
    cost_.threads = crew_.threads();
  }

  SweepOutcome run(const std::string& file) {
    begin();
    while (busy_ranks_ > 0 || !ended_) {
      try {
        turn();
      } catch (...) {
        note({-1, std::current_exception()});
      }
      crew_.wait(pause_.next());
    }
    merge(file);
    if (failure_.error) std::rethrow_exception(failure_.error);
    return outcome();
  }

 private:
  void begin() {
    std::vector<std::int64_t> known;
    for (const std::string& point : store_.points()) known.push_back(number_of_key(point));
    for (int rank = 1; rank < ranks_.count(); ++rank) send(rank, message_of(Word::begin, {points_}));
    ranks_.broadcast(known);
  }

  /// One look at everything that may have happened.
  void turn() {
    const double began = processor_seconds();
    const std::int64_t before = cost_.messages;
    while (const auto message = ranks_.receive()) hear(*message);
    if (options_.stop && *options_.stop) end();
    if (!ended_) {
      book(0, crew_.report());
      if (const std::int64_t wanted = crew_.wanted(); wanted > 0) hungry_[0] = wanted;
      if (const auto failure = crew_.failure()) note(*failure);
      serve();
      if (dealer_.finished()) end();
    }
    if (cost_.messages > before) cost_.message_seconds += processor_seconds() - began, pause_.something_happened();
    if (options_.progress) options_.progress(dealer_.visited(), dealer_.size());
  }

  void hear(const Message& message) {
    ++cost_.messages;
    cost_.bytes += message.bytes();
    switch (word_of(message)) {
      case Word::ready:
        cost_.threads += static_cast<int>(message.numbers.at(1));
        if (message.numbers.at(0) != inputs_)
          note({-1, std::make_exception_ptr(RankError(kOtherInputs, fmt::format(kOtherInputsText, message.from)))});
        break;
      case Word::ask: {
        const RankReport report = report_of(message);
        book(message.from, report.crew);
        if (report.wanted > 0) hungry_[message.from] = report.wanted;
        break;
      }
      case Word::stopping:
        end();
        break;
      case Word::done:
        hear_done(message.from, report_of(message));
        break;
      default:
        throw std::logic_error(fmt::format("rank {} said {}", message.from, message.kind));
    }
  }

  void hear_done(int rank, const RankReport& report) {
    --busy_ranks_;
    if (report.has_file) files_.push_back(rank);
    book(rank, report.crew);
    if (report.exit_code == 0) return;
    // What a point brings about is the same on every rank.
    const std::string where = report.position < 0 ? fmt::format(" (rank {})", rank) : "";
    note({report.position, std::make_exception_ptr(RankError(report.exit_code, report.text + where))});
  }

  /// What a rank did.
  void book(int rank, const CrewReport& report) {
    dealer_.take_back(report.spare);
    dealer_.count_visited(report.visited);
    left_out_ += report.left_out;
    for (const auto& [position, point] : report.elsewhere)
      if (!runner_.write_known(position, point))
        throw std::logic_error(fmt::format("rank {} knows a point that is not there", rank));
  }

  void serve() {
    for (auto hungry = hungry_.begin(); hungry != hungry_.end();) {
      const Runs runs = dealer_.deal(hungry->second);
      if (runs.empty()) return;
      if (hungry->first == 0)
        crew_.give(runs);
      else
        send(hungry->first, work_message(runs));
      hungry = hungry_.erase(hungry);
    }
  }

  void end() {
    if (std::exchange(ended_, true)) return;
    for (int rank = 1; rank < ranks_.count(); ++rank) send(rank, message_of(Word::end));
    crew_.halt();
    book(0, crew_.report());
    if (const auto failure = crew_.failure()) note(*failure);
  }

  /// Keeps the error at the lowest position; one that is not of a position ends the sweep.
  void note(const CrewFailure& failure) {
    if (!failure_.error || failure.position < failure_.position) failure_ = failure;
    if (failure.position < 0) end();
  }

  void send(int rank, Message message) {
    ++cost_.messages;
    cost_.bytes += message.bytes();
    ranks_.send(rank, std::move(message));
  }

  void merge(const std::string& file) {
    const auto began = Clock::now();
    try {
      std::sort(files_.begin(), files_.end());
      std::vector<std::string> files;
      for (const int rank : files_) files.push_back(sweep::rank_file(file, rank));
      sweep::take_over(store_, files);
    } catch (...) {
      if (!failure_.error) throw;  // that came first
    }
    cost_.merge_seconds = seconds_since(began);
  }

  /// Points that two ranks came to both count once, as in a sweep without ranks.
  SweepOutcome outcome() {
    const sweep::Store::Counts after = store_.counts();
    SweepOutcome outcome;
    outcome.simulated = after.points - before_.points;
    outcome.failed = after.failed - before_.failed;
    outcome.left_out = left_out_;
    outcome.known = dealer_.visited() - left_out_ - outcome.simulated;
    outcome.finished = dealer_.finished();
    return outcome;
  }

  sweep::Store& store_;
  cluster::Ranks& ranks_;
  const SweepOptions& options_;
  LeadCost& cost_;
  const sweep::Store::Counts before_;
  const std::int64_t points_;
  const std::int64_t inputs_;
  PointRunner runner_;
  Dealer dealer_;
  Crew crew_;
  Pause pause_;
  std::map<int, std::int64_t> hungry_;  // ranks that wait for positions, and for how many
  std::vector<int> files_;              // ranks that wrote one
  int busy_ranks_ = ranks_.count() - 1;
  bool ended_ = false;
  std::int64_t left_out_ = 0;
  CrewFailure failure_;
};

}  // namespace

SweepOutcome lead_sweep(const sweep::Design& design, Study& study, sweep::Store& store, const std::string& file,
                        cluster::Ranks& ranks, const SweepOptions& options, LeadCost& cost) {
  return Lead(design, study, store, ranks, options, cost).run(file);
}

Dismissal::~Dismissal() {
  for (int rank = 1; ranks_ && rank < ranks_->count(); ++rank) ranks_->send(rank, message_of(Word::bye));
}

}  // namespace sparsesim
