#pragma once
// How single cells of an atlas are found. Private to this folder.

#include "models/explore/atlas/atlas.h"
#include "models/explore/atlas/questions.h"

namespace sparsesim::atlas {

/// A question with the type of number still open.
using OpenQuestion = std::function<Question(const std::string& dtype)>;

struct Answer {
  sweep::PointRow row;  // with an error where the machine runs it in no type
  Question question;
  std::string dtype;
  /// Why there is no sparse run; empty where there is one.
  std::string reason() const;
};
/// The first of the machine's types that it runs densely.
Answer ask(Points& points, const Machine& machine, const OpenQuestion& question, bool waterfall = false);

Known known_of(const Machine& machine, const Evidence& evidence, std::string_view op, std::string_view pattern);

/// What is asked of a pattern of weights besides its break-even.
struct WeightDepth {
  bool whole = false;     // also the zeros for twice the speed, and where the promise went
  bool interval = false;  // also the range of the break-even, at some hundred times the cost
};
WeightCell weight_cell(Points& points, const Machine& machine, const Evidence& evidence, const WeightPattern& pattern,
                       std::int64_t rows, WeightDepth depth);
Cell kind_cell(Points& points, const Machine& machine, const Evidence& evidence, const KindQuestion& question);
UnitCell unit_cell(Points& points, const Machine& machine, const Evidence& evidence, const UnitQuestion& question);
Cell node_cell(Points& points, const Machine& machine, const Evidence& evidence, const NodeQuestion& question);
std::optional<Step> generation_step(Points& points, const Machine& before, const Machine& after, const Probe& probe);

}  // namespace sparsesim::atlas
