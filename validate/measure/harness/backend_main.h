#pragma once
// The command line that all backends share.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "validate/measure/harness/backend.h"

namespace sparsesim::measure {

/// What `fingerprint` was asked for.
struct FingerprintRequest {
  std::string out;         // substrate file to write
  std::string name;        // of the machine; empty: from the processor's or the device's own name
  std::string substrates;  // folder of the shipped machines, from which the base comes; empty: none is needed
  int threads = 1;
  bool quick = false;  // fewer samples: for tests
  bool quiet = false;
  std::uint64_t seed = 1;
};

/// A backend as a program. Each function may throw NotHere where there is no device (exit code 3).
struct BackendProgram {
  std::string name;                                                    // "sparsesim-cpu"
  std::function<std::unique_ptr<Backend>(int threads)> open;           // threads: 0 where the user named none
  std::function<void(const FingerprintRequest& request)> fingerprint;  // null: not offered
  std::function<std::string()> list;                                   // what the device can measure, for people
};

/// Runs `measure`, `fingerprint`, `list` or `help`.
///
///   NAME measure --plan P --out R [--threads N] [--device NAME] [--visits N] [--seed N] [--quick] [--quiet]
///   NAME fingerprint --out F [--threads N] [--name NAME] [--substrates DIR] [--seed N] [--quick] [--quiet]
///   NAME list
///
/// Exit codes: 0 done; 1 a kernel gave a wrong result or a file could not be written; 2 bad command line or plan;
/// 3 no device; 130 interrupted, finished rows are kept.
int backend_main(int argc, char** argv, const BackendProgram& program);

}  // namespace sparsesim::measure
