#include "sim/sweep/store.h"

#include <fmt/format.h>

#include "sim/sweep/store_database.h"
#include "sim/sweep/store_rows.h"

namespace sparsesim::sweep {

/// Prepared once for all points.
struct StoreStatements {
  explicit StoreStatements(SQLite::Database& opened) : database(opened) {}
  SQLite::Statement prepare(const char* sql) const { return {database, sql}; }

  SQLite::Database& database;
  SQLite::Statement find_sweep = prepare("SELECT sweep, parameters FROM sweep WHERE hash = ?");
  SQLite::Statement add_sweep = prepare("INSERT INTO sweep (hash, title, parameters, points) VALUES (?, ?, ?, ?)");
  SQLite::Statement join_titles = prepare("UPDATE sweep SET title = min(title, ?) WHERE hash = ?");
  SQLite::Statement has_point = prepare("SELECT 1 FROM point WHERE point = ?");
  SQLite::Statement add_point = prepare("INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  SQLite::Statement add_op = prepare("INSERT INTO op VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  SQLite::Statement find_ops = prepare(
      "SELECT name, kind, pattern, repeat, dense_us, sparse_us, fallback FROM op WHERE point = ? ORDER BY position");
  SQLite::Statement find_member = prepare("SELECT point FROM member WHERE sweep = ? AND position = ?");
  SQLite::Statement add_member = prepare("INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?)");
};

struct Store::Implementation {
  Implementation(const std::string& path, Mode mode) : database(path, mode) {}

  bool has(const std::string& point);
  bool insert(const PointRow& point);  // whether it is new
  void insert(std::int64_t sweep, const MemberRow& member);
  std::int64_t insert(const SweepRow& sweep);
  void insert_unless_other(std::int64_t sweep, const MemberRow& member, const std::string& title);
  PointRow point(const SQLite::Statement& row, int at);
  std::vector<std::pair<std::int64_t, SweepRow>> sweeps();
  void for_each_point(const std::function<void(const PointRow&)>& f);
  template <class F>
  void for_each_member(const char* columns, std::int64_t sweep, F&& f);

  StoreDatabase database;
  StoreStatements statements = database.guarded([&] { return StoreStatements(database.sqlite()); });
};

// A statement that stopped at a row is reset at once: it would hold on to the state of the file that it saw.

bool Store::Implementation::has(const std::string& point) {
  const bool found = start(statements.has_point, point).executeStep();
  statements.has_point.tryReset();
  return found;
}

bool Store::Implementation::insert(const PointRow& point) {
  if (has(point.hash)) return false;
  bind_point(statements.add_point, point).exec();
  std::int64_t position = 0;
  for (const OpRow& op : point.ops)
    start(statements.add_op, point.hash, position++, op.name, op.kind, op.pattern, op.repeat, op.dense_us, op.sparse_us,
          op.fallback)
        .exec();
  return true;
}

void Store::Implementation::insert(std::int64_t sweep, const MemberRow& member) {
  start(statements.add_member, sweep, member.position, member.point, json_of(member.setting)).exec();
}

std::int64_t Store::Implementation::insert(const SweepRow& sweep) {
  const std::string parameters = json_of(sweep.parameters);
  if (SQLite::Statement& found = start(statements.find_sweep, sweep.hash); found.executeStep()) {
    const std::int64_t number = found.getColumn(0).getInt64();
    const bool same = found.getColumn(1).getString() == parameters;
    found.tryReset();
    if (!same) database.damaged(fmt::format("sweep \"{}\" has other parameters there", sweep.title));
    return number;
  }
  start(statements.add_sweep, sweep.hash, sweep.title, parameters, sweep.points).exec();
  return database.sqlite().getLastInsertRowid();
}

/// A place that two files fill with different points has no answer that does not depend on their order.
void Store::Implementation::insert_unless_other(std::int64_t sweep, const MemberRow& member, const std::string& title) {
  SQLite::Statement& found = start(statements.find_member, sweep, member.position);
  if (!found.executeStep()) return insert(sweep, member);
  const bool same = found.getColumn(0).getString() == member.point;
  found.tryReset();
  if (!same)
    throw StoreError(fmt::format("{}: position {} of sweep \"{}\" was simulated from other files or by another version",
                                 database.path(), member.position, title),
                     true);
}

PointRow Store::Implementation::point(const SQLite::Statement& row, int at) {
  std::optional<PointRow> point = read_point(row, at);
  if (!point) database.damaged("a waterfall that is none");
  SQLite::Statement& op = start(statements.find_ops, point->hash);
  while (op.executeStep())
    point->ops.push_back({op.getColumn(0).getString(), op.getColumn(1).getString(), op.getColumn(2).getString(),
                          op.getColumn(3).getInt64(), op.getColumn(4).getDouble(), op.getColumn(5).getDouble(),
                          op.getColumn(6).getString()});
  op.tryReset();
  return *std::move(point);
}

void Store::Implementation::for_each_point(const std::function<void(const PointRow&)>& f) {
  SQLite::Statement row(database.sqlite(), "SELECT * FROM point ORDER BY point");
  while (row.executeStep()) f(point(row, 0));
}

std::vector<std::pair<std::int64_t, SweepRow>> Store::Implementation::sweeps() {
  SQLite::Statement row(database.sqlite(),
                        "SELECT sweep, hash, title, parameters, points FROM sweep ORDER BY title, hash");
  std::vector<std::pair<std::int64_t, SweepRow>> sweeps;
  while (row.executeStep()) {
    const std::optional<Texts> parameters = texts_of(row.getColumn(3).getString());
    if (!parameters) database.damaged("parameters that are no list of texts");
    sweeps.push_back(
        {row.getColumn(0).getInt64(),
         {row.getColumn(1).getString(), row.getColumn(2).getString(), *parameters, row.getColumn(4).getInt64()}});
  }
  return sweeps;
}

/// `columns` of the point follow those of the member.
template <class F>
void Store::Implementation::for_each_member(const char* columns, std::int64_t sweep, F&& f) {
  SweepRow whole;
  for (auto& [number, row] : sweeps())
    if (number == sweep) whole = std::move(row);
  SQLite::Statement row(database.sqlite(),
                        fmt::format("SELECT m.position, m.point, m.setting, {} FROM member m LEFT JOIN point p "
                                    "ON p.point = m.point WHERE m.sweep = ? ORDER BY m.position",
                                    columns));
  start(row, sweep);
  while (row.executeStep()) {
    const std::optional<Texts> setting = texts_of(row.getColumn(2).getString());
    if (!setting) database.damaged("a setting that is no list of texts");
    if (setting->size() != whole.parameters.size())
      database.damaged(fmt::format("position {} of sweep \"{}\" has {} values for {} parameters",
                                   row.getColumn(0).getInt64(), whole.title, setting->size(), whole.parameters.size()));
    if (row.getColumn(3).isNull()) database.damaged("a place of a sweep without its point");
    f(MemberRow{row.getColumn(0).getInt64(), row.getColumn(1).getString(), *setting}, row);
  }
}

Store::Store(const std::string& path, Mode mode) : implementation_(std::make_unique<Implementation>(path, mode)) {}

Store::~Store() = default;

std::int64_t Store::add_sweep(const SweepRow& sweep) {
  return implementation_->database.guarded([&] { return implementation_->insert(sweep); });
}

bool Store::has(const std::string& point) {
  return implementation_->database.guarded([&] { return implementation_->has(point); });
}

std::optional<PointRow> Store::find(const std::string& point) {
  return implementation_->database.guarded([&]() -> std::optional<PointRow> {
    SQLite::Statement row(implementation_->database.sqlite(), "SELECT * FROM point WHERE point = ?");
    if (!start(row, point).executeStep()) return std::nullopt;
    return implementation_->point(row, 0);
  });
}

void Store::add(const PointRow& point) {
  implementation_->database.guarded([&] {
    SQLite::Transaction transaction(implementation_->database.sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    implementation_->insert(point);
    transaction.commit();
  });
}

void Store::add(std::int64_t sweep, const MemberRow& member, const PointRow* point) {
  implementation_->database.guarded([&] {
    SQLite::Transaction transaction(implementation_->database.sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    if (point) implementation_->insert(*point);
    implementation_->insert(sweep, member);
    transaction.commit();
  });
}

std::vector<std::string> Store::points() {
  return implementation_->database.guarded([&] {
    SQLite::Statement row(implementation_->database.sqlite(), "SELECT point FROM point ORDER BY point");
    std::vector<std::string> points;
    while (row.executeStep()) points.push_back(row.getColumn(0).getString());
    return points;
  });
}

Store::Counts Store::counts() {
  return implementation_->database.guarded([&] {
    SQLite::Statement row(implementation_->database.sqlite(),
                          "SELECT count(*), coalesce(sum(error <> ''), 0) FROM point");
    row.executeStep();
    return Counts{row.getColumn(0).getInt64(), row.getColumn(1).getInt64()};
  });
}

void Store::flush() {
  implementation_->database.guarded(
      [&] { implementation_->database.sqlite().exec("PRAGMA wal_checkpoint(TRUNCATE)"); });
}

std::vector<std::int64_t> Store::positions(std::int64_t sweep) {
  return implementation_->database.guarded([&] {
    SQLite::Statement row(implementation_->database.sqlite(),
                          "SELECT position FROM member WHERE sweep = ? ORDER BY position");
    std::vector<std::int64_t> positions;
    start(row, sweep);
    while (row.executeStep()) positions.push_back(row.getColumn(0).getInt64());
    return positions;
  });
}

std::vector<std::pair<std::int64_t, SweepRow>> Store::sweeps() {
  return implementation_->database.guarded([&] { return implementation_->sweeps(); });
}

void Store::for_each(std::int64_t sweep, const std::function<void(const MemberRow&, const PointRow&)>& f) {
  implementation_->database.guarded([&] {
    implementation_->for_each_member("p.*", sweep, [&](const MemberRow& member, const SQLite::Statement& row) {
      f(member, implementation_->point(row, 3));
    });
  });
}

std::int64_t Store::merge(Store& other) {
  return implementation_->database.guarded([&] {
    SQLite::Transaction transaction(implementation_->database.sqlite(), SQLite::TransactionBehavior::IMMEDIATE);
    std::int64_t added = 0;
    other.implementation_->for_each_point([&](const PointRow& point) { added += implementation_->insert(point); });
    for (const auto& [theirs, sweep] : other.sweeps()) {
      const std::int64_t ours = implementation_->insert(sweep);
      start(implementation_->statements.join_titles, sweep.title, sweep.hash).exec();
      other.implementation_->for_each_member("p.point", theirs,
                                             [&, &title = sweep.title](const MemberRow& member, const auto&) {
                                               implementation_->insert_unless_other(ours, member, title);
                                             });
    }
    transaction.commit();
    return added;
  });
}

}  // namespace sparsesim::sweep
