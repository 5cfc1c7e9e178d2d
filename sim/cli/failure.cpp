#include "sim/cli/failure.h"

#include <fmt/format.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include "models/network/topology.h"
#include "models/ops/limits.h"
#include "models/ops/op.h"
#include "sim/cli/commands.h"
#include "sim/cluster/launcher.h"
#include "sim/config/node.h"
#include "sim/core/printable.h"
#include "sim/sweep/store.h"

namespace sparsesim::cli {
namespace {

Failure ours(int code, const std::string& message) { return {code, "sparsesim: " + message}; }

}  // namespace

Failure describe_failure(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const UsageError& error) {
    return ours(kBadInput, error.what());
  } catch (const config::ConfigError& error) {
    return {kBadInput, error.what()};
  } catch (const UnsupportedError& error) {  // begins with the place of the op
    return {kSimulationError, error.what()};
  } catch (const RankError& error) {  // described where it came up
    return {error.code, error.what()};
  } catch (const cluster::JoinError& error) {
    return ours(kBadInput, error.what());
  } catch (const sweep::StoreError& error) {
    return ours(error.bad_input ? kBadInput : kSimulationError, printable(error.what()));
  } catch (const NoRoomError& error) {
    return ours(kSimulationError, error.what());
  } catch (const FabricError& error) {
    return ours(kSimulationError, error.what());
  } catch (const TooLargeError& error) {
    return ours(kBadInput, error.what());
  } catch (const std::overflow_error& error) {
    return ours(kBadInput, fmt::format("too large: {}", error.what()));
  } catch (const std::system_error& error) {  // fmt could not print
    return ours(kSimulationError, fmt::format("cannot write to standard output: {}", error.code().message()));
  } catch (const std::bad_alloc&) {
    return ours(kSimulationError, "out of memory");
  } catch (const std::exception& error) {
    return ours(kSimulationError, fmt::format("internal error: {}", error.what()));
  }
}

bool is_silent_rank(const std::vector<std::string>& arguments) {
  const auto launch = cluster::launched();
  return !arguments.empty() && arguments[0] == "sweep" && launch && launch->rank > 0;
}

}  // namespace sparsesim::cli
