#pragma once
// The SQLite file below a Store: opened with distrust, its tables checked, its errors in one line. Private to this
// folder.

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "sim/sweep/store.h"
#include "sim/sweep/store_lock.h"

namespace sparsesim::sweep {

class StoreDatabase {
 public:
  /// Opens `path`; Mode::write takes the lock, makes the file and its tables where there are none.
  /// Errors: StoreError.
  StoreDatabase(const std::string& path, Store::Mode mode);
  ~StoreDatabase();

  SQLite::Database& sqlite() { return *database_; }
  const std::string& path() const { return path_; }

  /// Calls f() and turns what SQLite throws into StoreError.
  template <class F>
  auto guarded(F&& f) const -> decltype(f()) {
    try {
      return f();
    } catch (const SQLite::Exception& error) {
      fail(error);
    }
  }
  /// Throws the StoreError that tells of damage: what() ends in `reason`.
  [[noreturn]] void damaged(const std::string& reason) const;

 private:
  [[noreturn]] void fail(const SQLite::Exception& error) const;
  void open(Store::Mode mode);
  void distrust();
  void check_tables(Store::Mode mode);
  void make_tables();

  std::string path_;  // as the user wrote it
  std::string file_;  // absolute, links resolved
  std::unique_ptr<WriterLock> lock_;
  std::unique_ptr<SQLite::Database> database_;
};

}  // namespace sparsesim::sweep
