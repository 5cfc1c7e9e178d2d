// Every value of a sweep is tried once before it runs.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "models/explore/study.h"

namespace sparsesim {
namespace {

bool same_place(const config::Position& a, const config::Position& b) {
  return a.file == b.file && a.line == b.line && a.column == b.column;
}

class ValueCheck {
 public:
  ValueCheck(Study& study, const std::vector<std::vector<std::string>>& values, const AcceptSetting& accepts,
             config::Diagnostics& diagnostics)
      : study_(study), values_(values), accepts_(accepts), diagnostics_(diagnostics) {
    for (const auto& list : values) base_.push_back(list.empty() ? "" : list.front());
  }

  void check() {
    const bool clean = diagnostics_.empty();
    for (std::size_t p = 0; p < values_.size(); ++p) check(p);
    if (clean && diagnostics_.empty() && failure_ && !sound_) std::rethrow_exception(failure_);
  }

 private:
  std::vector<config::Mistake> mistakes_of(const std::vector<std::string>& setting) {
    try {
      study_.resolve(setting);
      sound_ = true;
    } catch (const config::ConfigError& error) {
      if (!failure_) failure_ = std::current_exception();
      return error.mistakes();
    }
    return {};
  }

  bool stands_at(const config::Mistake& mistake, std::size_t p, const std::string& value) const {
    const sweep::Parameter& parameter = study_.parameters()[p];
    return same_place(mistake.position, parameter.place) || same_place(mistake.position, parameter.place_of(value));
  }

  /// Each value of a parameter; the others are tried with its first that is right.
  void check(std::size_t p) {
    const sweep::Parameter& parameter = study_.parameters()[p];
    std::set<std::string> said;  // what is wrong with the path is so for each value
    bool found = false;
    for (const std::string& value : values_[p]) {
      std::vector<std::string> setting = base_;
      setting[p] = value;
      if (accepts_ && !accepts_(setting)) continue;
      const std::size_t known = said.size();
      bool innocent = true;
      for (const config::Mistake& mistake : mistakes_of(setting)) {
        const bool here = stands_at(mistake, p, value);
        const bool needed = !here && value == config::kAbsent && is_needed(p, setting, mistake);
        if (!here && !needed) continue;
        innocent = false;
        const std::string label = fmt::format("{} = {}: ", parameter.path, value);
        const std::string what = here ? mistake.message : label + mistake.message;
        if (said.insert(what.starts_with(label) ? what.substr(label.size()) : what).second)
          diagnostics_.add(here ? mistake.position : parameter.place, what, mistake.hint);
      }
      if (innocent && !found) base_[p] = value;
      found = found || innocent;
      if (diagnostics_.full() || (!found && said.size() == known)) return;  // the next values have nothing new to say
    }
  }

  /// Whether the mistake is that the absent key is missing, whatever value another parameter has.
  bool is_needed(std::size_t p, const std::vector<std::string>& setting, const config::Mistake& mistake) {
    constexpr std::size_t kTried = 16;  // values of a parameter
    const std::string& path = study_.parameters()[p].path;
    if (!path.starts_with("workload.ops.")) return false;
    if (!mistake.message.starts_with(fmt::format("missing key \"{}\"", path.substr(path.rfind('.') + 1)))) return false;
    for (std::size_t other = 0; other < values_.size(); ++other)
      for (std::size_t i = 0; other != p && i < std::min(values_[other].size(), kTried); ++i) {
        std::vector<std::string> changed = setting;
        changed[other] = values_[other][i];
        const std::vector<config::Mistake> mistakes = mistakes_of(changed);
        const auto found = [&](const auto& is) { return std::any_of(mistakes.begin(), mistakes.end(), is); };
        if (!found([&](const config::Mistake& m) { return m.message == mistake.message; }) &&
            !found([&](const config::Mistake& m) { return stands_at(m, other, values_[other][i]); }))
          return false;
      }
    return true;
  }

  Study& study_;
  const std::vector<std::vector<std::string>>& values_;
  const AcceptSetting& accepts_;
  config::Diagnostics& diagnostics_;
  std::vector<std::string> base_;
  std::exception_ptr failure_;
  bool sound_ = false;  // some point is
};

}  // namespace

void check_values(Study& study, const std::vector<std::vector<std::string>>& values, const AcceptSetting& accepts) {
  config::Diagnostics diagnostics;
  ValueCheck(study, values, accepts, diagnostics).check();
  diagnostics.throw_if_any();
}

void check_values(const sweep::Design& design, Study& study, config::Diagnostics& diagnostics) {
  std::vector<std::vector<std::string>> values;
  int inputs = 0;
  for (const sweep::Parameter& parameter : design.parameters()) {
    const sweep::Values& known = parameter.values;
    values.push_back(known.range ? std::vector{known.range->at(0), known.range->at(1)} : known.list);
    inputs += (parameter.path == "substrate" || parameter.path == "workload") && !values.back().empty();
  }
  if (inputs < 2) return;  // nothing to try values on
  ValueCheck(
      study, values, [&](const auto& setting) { return design.accepts(setting); }, diagnostics)
      .check();
}

void check_values(const sweep::Design& design, Study& study) {
  config::Diagnostics diagnostics;
  check_values(design, study, diagnostics);
  diagnostics.throw_if_any();
}

}  // namespace sparsesim
