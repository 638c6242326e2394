#include "store/local/sqlite.hpp"
#include "store/local/local_store.hpp"
#include <sqlite3.h>

namespace store {

namespace {

[[noreturn]] void fail(sqlite3* database, std::string_view doing) {
  const int code = database ? sqlite3_errcode(database) : SQLITE_NOMEM;
  std::string hint;
  if (code == SQLITE_FULL) hint = "the disk is full: free some space and try again; nothing was half done";
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) hint = "the database file is damaged";
  if (code == SQLITE_READONLY || code == SQLITE_CANTOPEN) hint = "check the permissions of the store's folder";
  throw StoreError("database: " + std::string(doing) + ": " + (database ? sqlite3_errmsg(database) : "out of memory"),
                   hint);
}

} // namespace

Database::Database(const std::filesystem::path& file, std::string_view schema, int version) {
  if (sqlite3_open_v2(file.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      nullptr) != SQLITE_OK) {
    const std::string message = handle_ ? sqlite3_errmsg(handle_) : "out of memory";
    sqlite3_close(handle_);
    throw StoreError("database: cannot open " + file.string() + ": " + message,
                     "check the permissions of the store's folder");
  }
  try {
    sqlite3_busy_timeout(handle_, 60'000);
    execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;");
    int64_t found = 0;
    {
      Statement query(*this, "PRAGMA user_version");
      if (query.step()) found = query.integer(0);
    }
    if (found == 0) {
      Transaction transaction(*this);
      {
        Statement again(*this, "PRAGMA user_version"); // another process may have been first
        if (again.step()) found = again.integer(0);
      }
      if (found == 0) execute(schema);
      transaction.commit();
      if (found == 0) found = version;
    }
    if (found != version)
      throw StoreError("database: " + file.string() + " has schema version " + std::to_string(found) +
                           ", this program knows " + std::to_string(version),
                       "use the version of this program that wrote it, or a newer one");
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() { sqlite3_close_v2(handle_); }

void Database::execute(std::string_view sql) {
  const std::string text(sql);
  if (sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(handle_, text.substr(0, text.find_first_of(" \n;")));
}

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

Statement::Statement(Database& database, std::string_view sql) : database_(database.handle()) {
  if (sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle_,
                         nullptr) != SQLITE_OK)
    fail(database_, sql);
}
Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::bind(int index, std::string_view text) {
  if (sqlite3_bind_text64(handle_, index, text.data() ? text.data() : "", text.size(), SQLITE_TRANSIENT, SQLITE_UTF8) !=
      SQLITE_OK)
    fail(database_, "bind");
  return *this;
}
Statement& Statement::bind(int index, int64_t number) {
  if (sqlite3_bind_int64(handle_, index, number) != SQLITE_OK) fail(database_, "bind");
  return *this;
}
Statement& Statement::bind_null(int index) {
  if (sqlite3_bind_null(handle_, index) != SQLITE_OK) fail(database_, "bind");
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    // Taken before the reset, which keeps the code but not always the text.
    const std::string message = sqlite3_errmsg(database_);
    sqlite3_reset(handle_);
    if (code == SQLITE_FULL || code == SQLITE_IOERR) fail(database_, "write");
    throw StoreError("database: " + message);
  }
  sqlite3_reset(handle_);
  return false;
}
void Statement::run() {
  while (step()) {
  }
}
void Statement::reset() { sqlite3_reset(handle_); }

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return data ? std::string(data, static_cast<size_t>(sqlite3_column_bytes(handle_, column))) : std::string();
}
int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }
Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}
void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

} // namespace store
