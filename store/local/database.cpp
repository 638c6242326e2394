// The connection's settings: WAL, so that readers never wait for a writer; synchronous=NORMAL, so that a power failure
// may forget the newest registrations (their trees are then unregistered leftovers) but never corrupts; the collector
// raises it to FULL, because a forgotten deletion would leave rows without trees.
#include "store/local/database.hpp"
#include "store/posix/lock_file.hpp"
#include "store/posix/user_error.hpp"
#include <fcntl.h>
#include <sqlite3.h>

namespace store {
namespace {

constexpr int kBusyTimeoutMs = 120'000; // an adder may wait for many others

} // namespace

Database::Database(const std::filesystem::path& file, const char* schema, int64_t version) : file_(file) {
  // SQLite would make it, and the files beside it, with what the umask leaves of 0644. Where this fails, so does what
  // follows, with its reason.
  const UniqueFd made{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (sqlite3_open_v2(file.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr) !=
      SQLITE_OK) {
    const std::string reason = db_ != nullptr ? sqlite3_errmsg(db_) : "out of memory";
    sqlite3_close(db_);
    throw UserError("cannot open the database " + file.string() + ": " + reason,
                    "check the folder's owner and permissions, or set KPKG_ROOT to a folder of yours");
  }
  try {
    sqlite3_busy_timeout(db_, kBusyTimeoutMs);
    const auto version_found = [&] {
      Statement statement{*this, "PRAGMA user_version"};
      return statement.step() ? statement.integer(0) : 0;
    };
    if (version_found() == 0) {
      // Switching to WAL does not wait for other openers as other statements do: one process at a time.
      const LockFile lock{std::filesystem::path{file} += ".lock"};
      if (version_found() == 0) {
        execute("PRAGMA journal_mode = WAL");
        execute("BEGIN IMMEDIATE");
        execute(schema);
        execute("COMMIT");
      }
    }
    if (const int64_t found = version_found(); found != version) {
      throw UserError("the database " + file.string() + " has version " + std::to_string(found) +
                          ", but this program knows version " + std::to_string(version) + " only",
                      "use a newer kpkg, or another KPKG_ROOT");
    }
    execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL");
  } catch (...) {
    sqlite3_close(db_);
    throw;
  }
}

Database::~Database() { sqlite3_close_v2(db_); }

void Database::fail(std::string_view doing) const {
  const int code = sqlite3_errcode(db_) & 0xff;
  std::string hint;
  if (code == SQLITE_FULL) hint = "free some space, for example with kpkg store gc";
  if (code == SQLITE_BUSY) hint = "another process is holding the store for long; try again";
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    hint = "the database is damaged; the trees in the store folder are not";
  throw UserError("the database " + file_.string() + " failed while " + std::string{doing} + ": " + sqlite3_errmsg(db_),
                  hint);
}

void Database::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("executing");
}

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(db_); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

Statement::Statement(Database& database, const char* sql) : database_(database) {
  if (sqlite3_prepare_v3(database.raw(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) != SQLITE_OK)
    database.fail("preparing a query");
}

Statement::~Statement() { sqlite3_finalize(statement_); }

bool Statement::step() {
  switch (sqlite3_step(statement_)) {
  case SQLITE_ROW: return true;
  case SQLITE_DONE: return false;
  default: database_.fail("querying");
  }
}

void Statement::reset() { sqlite3_reset(statement_); }

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? std::string{}
                         : std::string{text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

void Statement::bind(int index, int64_t value) {
  if (sqlite3_bind_int64(statement_, index, value) != SQLITE_OK) database_.fail("binding");
}

void Statement::bind(int index, std::string_view value) {
  if (sqlite3_bind_text64(statement_, index, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
    database_.fail("binding");
}

void Statement::bind(int index, const std::optional<std::string>& value) {
  if (value) return bind(index, std::string_view{*value});
  if (sqlite3_bind_null(statement_, index) != SQLITE_OK) database_.fail("binding");
}

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  // Where SQLite has rolled back by itself (full disk), this fails, and nothing is lost by it.
  if (open_) sqlite3_exec(database_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

} // namespace store
