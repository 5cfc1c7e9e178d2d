#include "sim/sweep/store_database.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "sim/sweep/store_rows.h"

namespace sparsesim::sweep {
namespace {

namespace fs = std::filesystem;

constexpr int kSchema = 1;
constexpr int kApplication = 0x53505357;          // "SPSW" in the file's header: one of ours
constexpr int kBusyMilliseconds = 2000;           // what a short write of another program may take
constexpr int kMostBytesOfText = 1 << 20;         // and of a row: what a hostile file can make us hold at once
constexpr std::uintmax_t kRoomOfIndex = 1 << 20;  // bytes: 32 KiB for each 4096 pages of the log, with a margin

struct Table {
  const char* name;
  const char* sql;
};

/// Compared with what a file has to the byte: a view or a generated column in place of a table has no chance.
constexpr std::array<Table, 5> kTables{{
    {"info", "CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"},
    {"sweep",
     "CREATE TABLE sweep (sweep INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, title TEXT NOT NULL, "
     "parameters TEXT NOT NULL, points INTEGER NOT NULL) STRICT"},
    {"member",
     "CREATE TABLE member (sweep INTEGER NOT NULL, position INTEGER NOT NULL, point TEXT NOT NULL, "
     "setting TEXT NOT NULL, PRIMARY KEY (sweep, position)) STRICT, WITHOUT ROWID"},
    {"point",
     "CREATE TABLE point (point TEXT PRIMARY KEY, substrate TEXT NOT NULL, workload TEXT NOT NULL, "
     "seed INTEGER NOT NULL, dense_us REAL, sparse_us REAL, realised_speedup REAL, ideal_speedup REAL, "
     "quick_estimate REAL, coverage REAL, bound_dense TEXT NOT NULL, bound_sparse TEXT NOT NULL, "
     "fallback INTEGER NOT NULL, lost TEXT NOT NULL, error TEXT NOT NULL) STRICT, WITHOUT ROWID"},
    {"op",
     "CREATE TABLE op (point TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, "
     "pattern TEXT NOT NULL, repeat INTEGER NOT NULL, dense_us REAL NOT NULL, sparse_us REAL NOT NULL, "
     "fallback TEXT NOT NULL, PRIMARY KEY (point, position)) STRICT, WITHOUT ROWID"},
}};

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  throw StoreError(fmt::format("{}: {}", path, reason), true);
}

/// The file itself, absolute: two names of one file share a lock, and no name means anything special to SQLite.
std::string resolve(const std::string& path, Store::Mode mode) {
  if (path.find('\0') != std::string::npos) refuse("a file's name", "has a zero byte in it");
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) refuse(path, "is a folder");
  if (fs::exists(status) && !fs::is_regular_file(status)) refuse(path, "is no regular file");
  if (!fs::exists(status)) {
    if (status.type() != fs::file_type::not_found) refuse(path, fmt::format("cannot open: {}", error.message()));
    if (mode == Store::Mode::read) refuse(path, "no such file");
    const fs::path folder = fs::absolute(path).parent_path();
    if (path.empty() || !fs::is_directory(folder, error))
      refuse(path, fmt::format("no such folder: {}", folder.string()));
  }
  return fs::weakly_canonical(fs::absolute(path)).string();
}

/// On read-only media, whole: SQLite would look in vain for a place to put its log.
bool is_fixed(const std::string& file) {
  return ::access(fs::path(file).parent_path().c_str(), W_OK) != 0 && !fs::exists(file + "-wal");
}

/// Whether the disk holds the index of the log, which programs share as mapped memory: where a block of it finds no
/// room, touching it is a bus error, not an error code (blocks smaller than a page, https://www.sqlite.org/wal.html).
bool has_room_of_index(const std::string& file) {
  std::error_code error;
  const fs::space_info space = fs::space(fs::path(file).parent_path(), error);
  return error || space.available >= kRoomOfIndex;
}

std::string immutable_uri(const std::string& file) {
  std::string uri = "file:";
  for (const char c : file) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/';
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri + "?immutable=1";
}

}  // namespace

StoreDatabase::StoreDatabase(const std::string& path, Store::Mode mode) : path_(path), file_(resolve(path, mode)) {
  if (mode == Store::Mode::write) lock_ = std::make_unique<WriterLock>(file_, path_);
  guarded([&] {
    open(mode);
    distrust();
    check_tables(mode);
  });
}

StoreDatabase::~StoreDatabase() = default;

void StoreDatabase::open(Store::Mode mode) {
  if (mode == Store::Mode::read && is_fixed(file_)) {
    database_ = std::make_unique<SQLite::Database>(immutable_uri(file_), SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    return;
  }
  // A reader opens for writing where it may: the last one to close a file tidies up its log.
  const int flags = SQLite::OPEN_READWRITE | (mode == Store::Mode::write ? SQLite::OPEN_CREATE : 0);
  database_ = std::make_unique<SQLite::Database>(file_, flags, kBusyMilliseconds);
  if (!has_room_of_index(file_)) database_->exec("PRAGMA locking_mode = EXCLUSIVE");  // the index in our own memory
}

/// https://www.sqlite.org/security.html, "Untrusted SQLite Database Files".
void StoreDatabase::distrust() {
  ::sqlite3* handle = database_->getHandle();
  for (const int disabled :
       {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW})
    ::sqlite3_db_config(handle, disabled, 0, nullptr);
  ::sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  ::sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kMostBytesOfText);
  database_->exec("PRAGMA cell_size_check = ON");
  database_->exec("PRAGMA mmap_size = 0");
}

void StoreDatabase::check_tables(Store::Mode mode) {
  const bool writes = mode == Store::Mode::write;
  const bool empty = database_->execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  const int application = database_->execAndGet("PRAGMA application_id").getInt();
  if (!empty && application != kApplication) refuse(path_, "a database of another program, not of sweeps");
  if (empty && !writes) refuse(path_, "an empty database: no sweep has written to it");
  const int schema = database_->execAndGet("PRAGMA user_version").getInt();
  if (!empty && schema > kSchema)
    refuse(path_, fmt::format("written by a newer sparsesim (schema {}, this one knows {})", schema, kSchema));
  if (writes) {
    database_->exec("PRAGMA journal_mode = WAL");
    database_->exec("PRAGMA synchronous = NORMAL");
    if (empty) make_tables();
  } else {
    database_->exec("PRAGMA query_only = ON");
    database_->exec("BEGIN");  // all that a reader sees is of one moment
  }
  SQLite::Statement find(*database_, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?");
  for (const Table& table : kTables)
    if (!start(find, table.name).executeStep() || find.getColumn(0).getString() != table.sql)
      damaged(fmt::format("table \"{}\" is not there as it was made", table.name));
}

void StoreDatabase::make_tables() {
  SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
  database_->exec(fmt::format("PRAGMA application_id = {}", kApplication));
  database_->exec(fmt::format("PRAGMA user_version = {}", kSchema));
  for (const Table& table : kTables) database_->exec(table.sql);
  SQLite::Statement insert(*database_, "INSERT INTO info VALUES (?, ?)");
  start(insert, "schema", std::to_string(kSchema)).exec();
  start(insert, "version", SPARSESIM_VERSION).exec();
  transaction.commit();
}

void StoreDatabase::damaged(const std::string& reason) const { refuse(path_, "damaged: " + reason); }

void StoreDatabase::fail(const SQLite::Exception& error) const {
  const int system_code = database_ ? ::sqlite3_system_errno(database_->getHandle()) : 0;
  const std::string system_reason = system_code != 0 ? std::strerror(system_code) : error.what();
  const auto give_up = [&](const std::string& reason) {
    return StoreError(fmt::format("{}: {}", path_, reason), false);
  };
  switch (error.getErrorCode()) {
    case SQLITE_FULL:
      throw give_up("the disk is full");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      throw give_up("another program is writing to it");
    case SQLITE_NOMEM:
      throw give_up("out of memory");
    case SQLITE_IOERR:
      throw give_up(fmt::format("cannot read or write: {}", system_reason));
    case SQLITE_CANTOPEN:
      refuse(path_, fmt::format("cannot open it or its log beside it: {}", system_reason));
    case SQLITE_PERM:
    case SQLITE_READONLY:
      refuse(path_, "cannot be written: it or its folder is read-only");
    case SQLITE_NOTADB:
      refuse(path_, "no database of sweeps");
    case SQLITE_TOOBIG:
      damaged(fmt::format("a text of more than {} bytes", kMostBytesOfText));
    default:
      damaged(error.what());
  }
}

}  // namespace sparsesim::sweep
