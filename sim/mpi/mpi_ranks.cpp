// Ranks over MPI: a module that sparsesim loads where a launcher started it (sim/cluster/launcher.h).

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <boost/mpi.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include "sim/cluster/ranks.h"

namespace boost::serialization {

template <class Archive>
void serialize(Archive& archive, sparsesim::cluster::Message& message, unsigned /*version*/) {
  archive& message.kind& message.numbers& message.text;
}

}  // namespace boost::serialization

namespace sparsesim::cluster {
namespace {

namespace mpi = boost::mpi;

/// The processors that this process may run on, as text that is equal for equal sets.
std::string set_text(const cpu_set_t& set) {
  std::string text;
  for (std::size_t i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &set)) text += fmt::format("{},", i);
  return text;
}

class MpiRanks : public Ranks {
 public:
  MpiRanks() : processors_(share_of_processors()) {}
  ~MpiRanks() override { mpi::wait_all(sent_.begin(), sent_.end()); }
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  int rank() const override { return world_.rank(); }
  int count() const override { return world_.size(); }
  int processors() const override { return processors_; }

  void send(int to, Message message) override {
    forget_arrived();
    sent_.push_back(world_.isend(to, kTag, message));
  }

  std::optional<Message> receive() override {
    forget_arrived();
    const auto there = world_.iprobe(mpi::any_source, kTag);
    if (!there) return std::nullopt;
    Message message;
    world_.recv(there->source(), kTag, message);
    message.from = there->source();
    return message;
  }

  void broadcast(std::vector<std::int64_t>& numbers) override { mpi::broadcast(world_, numbers, 0); }

 private:
  static constexpr int kTag = 1;

  /// A message is kept until MPI has taken it.
  void forget_arrived() {
    std::erase_if(sent_, [](mpi::request& request) { return request.test().has_value(); });
  }

  int share_of_processors() const {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    const std::string mine = mpi::environment::processor_name() + ":" + set_text(set);
    std::vector<std::string> all;
    mpi::all_gather(world_, mine, all);
    return std::max(1, CPU_COUNT(&set) / static_cast<int>(std::count(all.begin(), all.end(), mine)));
  }

  mpi::environment environment_{mpi::threading::funneled, false};
  mpi::communicator world_;
  int processors_;
  std::vector<mpi::request> sent_;
};

}  // namespace
}  // namespace sparsesim::cluster

/// What the program looks for. The caller owns what it gets.
extern "C" __attribute__((visibility("default"))) sparsesim::cluster::Ranks* sparsesim_join_ranks() {
  return new sparsesim::cluster::MpiRanks;
}
