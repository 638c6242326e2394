// SQLite for the store and the registry: RAII over a connection, its prepared statements and transactions. Every
// failure is a UserError that names the database and the consequence. Not thread-safe.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace store {

class Database {
public:
  // Opens (WAL, foreign keys, busy timeout) and runs `schema` where the file is new; the schema sets
  // `PRAGMA user_version` to `version`, and a file of another version is an error.
  Database(const std::filesystem::path& file, const char* schema, int64_t version);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* sql);
  [[nodiscard]] int64_t last_insert_id() const;
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] sqlite3* raw() const { return db_; }
  [[noreturn]] void fail(std::string_view doing) const;

private:
  std::filesystem::path file_;
  sqlite3* db_ = nullptr;
};

// A prepared statement. Use: bind…, then step() until false; reset by the next bind_all() or by reset().
class Statement {
public:
  Statement(Database& database, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Resets, then binds in order: integers, texts (which must live until the last step), nullopt for NULL.
  template <class... Values> Statement& bind_all(const Values&... values) {
    reset();
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }
  [[nodiscard]] bool step(); // true: a row stands ready
  void run() {               // for statements without rows
    while (step()) {
    }
    reset();
  }
  void reset();
  [[nodiscard]] int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] bool is_null(int column) const;

private:
  void bind(int index, int64_t value);
  void bind(int index, std::string_view value);
  void bind(int index, const std::optional<std::string>& value);
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

// BEGIN IMMEDIATE … commit(); rolls back when it goes out of scope before. Only one process holds one at a time.
class Transaction {
public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

private:
  Database& database_;
  bool open_ = true;
};

} // namespace store
