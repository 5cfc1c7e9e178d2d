#pragma once
// Results of sweeps as rows for other tools.

#include <functional>
#include <string>
#include <string_view>

#include "sim/sweep/store.h"

namespace sparsesim::sweep {

enum class ExportFormat { csv, jsonl };
enum class ExportTable { points, ops };

/// Hands lines, ends included, to `write`: one per point (or op of a point) of every sweep in a file, sweeps by title,
/// points by position; CSV has a line of column names first.
///
/// Columns: `sweep` (its title), `position`, one per parameter of any sweep (its path), `point`, then what the table of
/// that name has; `substrate_name` and `workload_name` are what the files call themselves, as `substrate` and
/// `workload` may be parameters; `lost.TERM` per term of the waterfall. What a point has not is empty, in JSON null.
/// The bytes follow from what is in the file, not from the order in which it got there.
/// `hash` chooses a sweep; empty: all. Errors: StoreError.
void export_rows(Store& store, ExportTable table, ExportFormat format,
                 const std::function<void(const std::string&)>& write, std::string_view hash = {});

}  // namespace sparsesim::sweep
