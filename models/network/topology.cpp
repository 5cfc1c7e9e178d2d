#include "models/network/topology.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/visitors.hpp>
#include <limits>
#include <map>
#include <span>

namespace sparsesim {
namespace {

using Bgl = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, boost::no_property,
                                  boost::property<boost::edge_index_t, int>>;

constexpr int kUnreached = std::numeric_limits<int>::max();

/// Follows edges against their direction, so that one search gives every node's distance to a target.
class DistanceTo : public boost::default_bfs_visitor {
 public:
  explicit DistanceTo(std::vector<int>& hops) : hops_(&hops) {}
  template <class Edge, class G>
  void tree_edge(const Edge& edge, const G& graph) const {
    (*hops_)[target(edge, graph)] = (*hops_)[source(edge, graph)] + 1;
  }

 private:
  std::vector<int>* hops_;
};

}  // namespace

/// Ways to one target: the links out of each node that lead one hop nearer, in order of link number.
struct Ways {
  std::vector<int> hops;           // [nodes]
  std::vector<std::size_t> first;  // [nodes + 1] into links
  std::vector<int> links;
};

struct Topology::Graph {
  Bgl bgl;
  int devices = 0, switches = 0;
  std::vector<LinkEdge> links;
  mutable std::vector<Ways> ways;  // [nodes], filled on first use

  const Ways& ways_to(int target) const {
    ways.resize(boost::num_vertices(bgl));
    Ways& result = ways[static_cast<std::size_t>(target)];
    if (result.hops.empty()) result = find_ways(target);
    return result;
  }

  // Every cable has both directions, so hops from the target equal hops to it.
  Ways find_ways(int target) const {
    const std::size_t nodes = boost::num_vertices(bgl);
    Ways found{std::vector<int>(nodes, kUnreached), std::vector<std::size_t>(nodes + 1, 0), {}};
    found.hops[static_cast<std::size_t>(target)] = 0;
    boost::breadth_first_search(bgl, static_cast<std::size_t>(target), boost::visitor(DistanceTo(found.hops)));
    const auto nearer = [&](const LinkEdge& link) {
      const int to = found.hops[static_cast<std::size_t>(link.to)];
      return to != kUnreached && found.hops[static_cast<std::size_t>(link.from)] == to + 1;
    };
    for (const LinkEdge& link : links) found.first[static_cast<std::size_t>(link.from) + 1] += nearer(link);
    for (std::size_t n = 0; n < nodes; ++n) found.first[n + 1] += found.first[n];
    found.links.resize(found.first.back());
    std::vector<std::size_t> next(found.first.begin(), found.first.end() - 1);
    for (std::size_t l = 0; l < links.size(); ++l)
      if (nearer(links[l])) found.links[next[static_cast<std::size_t>(links[l].from)]++] = static_cast<int>(l);
    return found;
  }
};

Topology::Topology(int devices, int switches) : graph_(std::make_unique<Graph>()) {
  if (devices < 1 || switches < 0) throw std::invalid_argument("a topology needs a device");
  graph_->devices = devices;
  graph_->switches = switches;
  graph_->bgl = Bgl(static_cast<std::size_t>(devices) + static_cast<std::size_t>(switches));
}
Topology::~Topology() = default;
Topology::Topology(Topology&&) noexcept = default;
Topology& Topology::operator=(Topology&&) noexcept = default;

int Topology::devices() const { return graph_->devices; }
int Topology::switches() const { return graph_->switches; }
const std::vector<LinkEdge>& Topology::links() const { return graph_->links; }

std::string Topology::node_name(int node) const {
  return node < devices() ? "device" + std::to_string(node) : "switch" + std::to_string(node - devices());
}

void Topology::add_cable(int a, int b, Bandwidth bandwidth, Time latency) {
  const int nodes = devices() + switches();
  if (a < 0 || b < 0 || a >= nodes || b >= nodes || a == b)
    throw std::invalid_argument("a cable ends outside the graph");
  if (!(bandwidth.bytes_per_second > 0)) throw std::invalid_argument("a cable needs a bandwidth");
  for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
    const auto [edge, fresh] = boost::edge(static_cast<std::size_t>(from), static_cast<std::size_t>(to), graph_->bgl);
    if (fresh) {  // a parallel cable widens the trunk
      LinkEdge& trunk = graph_->links[static_cast<std::size_t>(boost::get(boost::edge_index, graph_->bgl, edge))];
      trunk.bandwidth.bytes_per_second += bandwidth.bytes_per_second;
      continue;
    }
    boost::add_edge(static_cast<std::size_t>(from), static_cast<std::size_t>(to),
                    static_cast<int>(graph_->links.size()), graph_->bgl);
    graph_->links.push_back({from, to, bandwidth, latency});
  }
  graph_->ways.clear();
}

Time Topology::append_route(int from, int to, std::vector<LinkUse>& uses) const {
  if (from == to) return {};
  const Ways& ways = graph_->ways_to(to);
  if (ways.hops[static_cast<std::size_t>(from)] == kUnreached)
    throw FabricError("the fabric is not connected: no route from " + node_name(from) + " to " + node_name(to));
  Time latency;
  int node = from;
  while (node != to) {  // as long as there is one way only
    const std::size_t begin = ways.first[static_cast<std::size_t>(node)];
    if (ways.first[static_cast<std::size_t>(node) + 1] - begin > 1) break;
    const LinkEdge& link = links()[static_cast<std::size_t>(ways.links[begin])];
    uses.push_back({ways.links[begin], 1.0});
    latency += link.latency;
    node = link.to;
  }
  if (node == to) return latency;
  struct Part {
    double share = 0;  // of the message
    Time at;           // latest arrival
  };
  std::map<int, Part> here{{node, {1.0, latency}}};  // by node, all at one distance
  while (here.begin()->first != to) {
    std::map<int, Part> next;
    for (const auto& [at, part] : here) {
      const std::span onward(ways.links.data() + ways.first[static_cast<std::size_t>(at)],
                             ways.links.data() + ways.first[static_cast<std::size_t>(at) + 1]);
      double width = 0;
      for (int link : onward) width += links()[static_cast<std::size_t>(link)].bandwidth.bytes_per_second;
      for (int number : onward) {
        const LinkEdge& link = links()[static_cast<std::size_t>(number)];
        const double share = part.share * (link.bandwidth.bytes_per_second / width);
        uses.push_back({number, share});
        Part& there = next[link.to];
        there.share += share;
        there.at = std::max(there.at, part.at + link.latency);
      }
    }
    here = std::move(next);
  }
  return here.begin()->second.at;
}

std::vector<LinkUse> Topology::route(int from, int to) const {
  std::vector<LinkUse> uses;
  append_route(from, to, uses);
  return uses;
}

void Topology::check_connected() const {
  const std::vector<int>& hops = graph_->ways_to(0).hops;
  for (int device = 0; device < devices(); ++device) {
    if (hops[static_cast<std::size_t>(device)] == kUnreached)
      throw FabricError("the fabric is not connected: no route from device0 to " + node_name(device));
  }
}

}  // namespace sparsesim
