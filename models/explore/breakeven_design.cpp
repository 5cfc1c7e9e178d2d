// How the question of a break-even is read from a command line.

#include <fmt/format.h>

#include <algorithm>

#include "models/explore/breakeven.h"

namespace sparsesim {
namespace {

class BreakevenReader {
 public:
  BreakevenDesign read(const BreakevenRequest& request) {
    if (!request.substrate.empty()) add_values("substrate", request.substrate, {"--substrate", 0, 0});
    if (!request.workload.empty()) add_values("workload", request.workload, {"--workload", 0, 0});
    for (const std::string& text : request.set) add_option("--set", text);
    if (!request.also.empty() && add_option("--also", request.also)) design_.also = design_.parameters.size() - 1;
    add_over(request.over);
    diagnostics_.throw_if_any();
    for (const std::string path : {"substrate", "workload"})
      if (!known(path)) diagnostics_.add({"--" + path, 0, 0}, fmt::format("no {} is given", path));
    for (std::size_t i = 0; i < design_.parameters.size(); ++i)
      if (i != design_.over && i != design_.also) require_one(design_.parameters[i]);
    diagnostics_.throw_if_any();
    return std::move(design_);
  }

 private:
  bool known(const std::string& path) const {
    return std::any_of(design_.parameters.begin(), design_.parameters.end(),
                       [&](const sweep::Parameter& parameter) { return parameter.path == path; });
  }

  /// "PATH=VALUES" in two; an empty path after a mistake.
  std::pair<std::string, std::string> split_option(const config::Position& place, const std::string& text) {
    const auto equals = text.find('=');
    const std::string path = text.substr(0, equals);
    if (equals == std::string::npos || path.empty())
      diagnostics_.add(place, "expected PATH=VALUES", "as in workload.ops.linear.sparsity=0.5:0.99");
    else if (known(path))
      diagnostics_.add(place, fmt::format("{} is given twice", path));
    else if (sweep::require_parameter(path, place, diagnostics_))
      return {path, text.substr(equals + 1)};
    return {};
  }

  void add_values(const std::string& path, const std::string& values, const config::Position& place) {
    const config::Node node = config::load_text(sweep::inline_values(values), place.file, diagnostics_);
    design_.parameters.push_back({path, sweep::read_values(node, path, false, diagnostics_), place});
  }

  bool add_option(const std::string& option, const std::string& text) {
    const config::Position place{fmt::format("{} {}", option, text), 0, 0};
    const auto [path, values] = split_option(place, text);
    if (!path.empty()) add_values(path, values, place);
    return !path.empty();
  }

  void add_over(const std::string& text) {
    const config::Position place{"--over " + text, 0, 0};
    const auto [path, values] = split_option(place, text);
    if (path.empty()) return;
    design_.axis = Axis::read(values, path, place, diagnostics_);
    design_.over = design_.parameters.size();
    design_.parameters.push_back({path, {}, place});
    if (diagnostics_.empty()) design_.parameters.back().values.list = design_.axis.values();
  }

  void require_one(const sweep::Parameter& parameter) {
    if (parameter.values.list.size() > 1)
      diagnostics_.add(parameter.place, fmt::format("{} must have one value here", parameter.path),
                       "several go to --over or --also");
  }

  config::Diagnostics diagnostics_;
  BreakevenDesign design_;
};

}  // namespace

void check_values(const BreakevenDesign& design, Study& study) {
  std::vector<std::vector<std::string>> values;
  for (const sweep::Parameter& parameter : design.parameters) values.push_back(parameter.values.list);
  check_values(study, values);
}

BreakevenDesign BreakevenDesign::read(const BreakevenRequest& request) { return BreakevenReader().read(request); }

std::vector<std::string> BreakevenDesign::series() const {
  return also ? parameters[*also].values.list : std::vector<std::string>{""};
}

std::vector<std::string> BreakevenDesign::setting(const std::string& series, std::int64_t position) const {
  std::vector<std::string> setting;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    setting.push_back(i == over ? axis.at(position) : i == also ? series : parameters[i].values.list.front());
  return setting;
}

}  // namespace sparsesim
