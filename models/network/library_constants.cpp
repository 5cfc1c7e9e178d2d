// Names of the collective library's constants, in one table.

#include <fmt/format.h>

#include <algorithm>

#include "models/network/collectives.h"
#include "sim/config/reader.h"

namespace sparsesim {
namespace {

class ConstantReader {
 public:
  explicit ConstantReader(const Fabric& fabric) : fabric_(fabric) {}

  bool has(const std::string& name) const { return fabric_.collectives.contains(name); }

  void read(const std::string& name, double& into, bool positive = false) {
    known_.push_back(name);
    const auto found = fabric_.collectives.find(name);
    if (found == fabric_.collectives.end())
      throw FabricError(fmt::format("fabric \"{}\" lacks collectives.{}", fabric_.name, name));
    into = found->second.value;
    if (!(into >= 0) || (positive && into == 0))
      throw FabricError(fmt::format("fabric \"{}\": collectives.{} must be {}", fabric_.name, name,
                                    positive ? "above 0" : "at least 0"));
  }

  void read_protocol(const std::string& name, RingProtocol& protocol, bool step = true) {
    read(name + "_base", protocol.base);
    if (step) read(name + "_step", protocol.step);
    if (step && fabric_.nodes > 1) read(name + "_network_step", protocol.network_step);
    read(name + "_efficiency", protocol.efficiency, true);
  }

  void read_choice(const std::string& name, LibraryConstants::Choice& choice, bool step = true) {
    read("choose_" + name + "_base", choice.base);
    if (step) read("choose_" + name + "_step", choice.step);
    read("choose_" + name + "_bandwidth", choice.bandwidth, true);
  }

  void refuse_others() const {
    for (const auto& [name, quantity] : fabric_.collectives) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      const std::string near = config::nearest(name, known_);
      throw FabricError(fmt::format("fabric \"{}\": unknown constant collectives.{}{}", fabric_.name, name,
                                    near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    }
  }

 private:
  const Fabric& fabric_;
  std::vector<std::string> known_;
};

}  // namespace

LibraryConstants read_library(const Fabric& fabric) {
  LibraryConstants c;
  ConstantReader reader(fabric);
  c.has_ll128 = reader.has("ll128_base");
  c.has_nvls = reader.has("nvls_base");
  reader.read_protocol("ll", c.ll);
  reader.read("ll_wide_base", c.wide_base);
  reader.read("ll_wide_step", c.wide_step);
  reader.read("ll_wide_bytes", c.wide_bytes);
  reader.read_choice("ll", c.choose_ll);
  if (c.has_ll128) {
    reader.read_protocol("ll128", c.ll128);
    reader.read_choice("ll128", c.choose_ll128);
  }
  reader.read_protocol("simple", c.simple);
  reader.read("simple_fill", c.fill);
  reader.read("simple_fill_most", c.fill_most);
  reader.read_choice("simple", c.choose_simple);
  if (c.has_nvls) {
    reader.read_protocol("nvls", c.nvls, false);
    reader.read("nvls_fill", c.nvls_fill);
    reader.read("nvls_fill_most", c.nvls_fill_most);
    reader.read_choice("nvls", c.choose_nvls, false);
  }
  if (fabric.nodes > 1) {
    reader.read("tree_share", c.tree_share, true);
    reader.read("p2p_network_base", c.p2p_network_base);
  }
  reader.read("copy", c.copy, true);
  reader.read("p2p_ll_base", c.p2p_ll_base);
  reader.read("p2p_ll_channel", c.p2p_ll_channel, true);
  reader.read("p2p_ll_most", c.p2p_ll_most);
  reader.read("p2p_simple_base", c.p2p_simple_base);
  reader.read("p2p_simple_channel", c.p2p_simple_channel, true);
  reader.read("p2p_part", c.p2p_part);
  reader.read("p2p_peer", c.p2p_peer);
  reader.read("p2p_efficiency", c.p2p_efficiency, true);
  reader.read("p2p_fill", c.p2p_fill);
  reader.read("p2p_fill_most", c.p2p_fill_most);
  reader.refuse_others();
  return c;
}

}  // namespace sparsesim
