#pragma once
// The `sources:` map of one file: short keys that its numbers cite, and the citation behind each.

#include <map>
#include <string>

#include "sim/config/reader.h"

namespace sparsesim {

/// Keys of one file against the citations of the whole substrate. Two files may use one key for different
/// citations: the later one is then stored as "key@file".
class SourceTable {
 public:
  /// `citations` is Substrate::sources; `stem` names the file in renamed keys. With `inherit` the keys already there
  /// (those of the base file) may be cited too.
  SourceTable(std::map<std::string, std::string>& citations, std::string stem, bool inherit);

  /// Reads the map `sources`. Errors: no map, an empty citation.
  void read(const config::Node& node, config::Diagnostics& diagnostics);
  /// Reads the `source` of a number, one key or a list of keys, and returns the stored keys joined with ", ".
  /// Errors: a key that no `sources` lists.
  std::string cite(const config::Node& node, config::Diagnostics& diagnostics) const;

  /// Takes the citations of a file that was read alone, where each was stored under the key that the file uses.
  void adopt(const std::map<std::string, std::string>& alone);
  /// The keys of such a file, joined with ", ", as they are stored here.
  std::string stored(const std::string& joined) const;

 private:
  void store(const std::string& key, const std::string& citation);
  void cite_key(const config::Node& node, config::Diagnostics& diagnostics, std::string& joined) const;

  std::map<std::string, std::string>& citations_;
  std::string stem_;
  std::map<std::string, std::string> stored_;  // key as the file writes it -> key in citations_
};

}  // namespace sparsesim
