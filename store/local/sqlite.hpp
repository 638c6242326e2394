// SQLite with owners: a connection, prepared statements, transactions. Errors are StoreErrors that name the statement's
// purpose as SQLite states it, with a hint where the disk is full or the file is damaged.
// One connection per thread.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace store {

class Database {
public:
  // Opens or creates; WAL, synchronous=NORMAL, foreign keys on, busy time-out 60 s. `schema` is run when the file is
  // new (user_version 0) and must set `PRAGMA user_version`; a file of another version is an error.
  Database(const std::filesystem::path& file, std::string_view schema, int version);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(std::string_view sql); // one or several statements without parameters
  [[nodiscard]] int64_t last_insert_id() const;
  [[nodiscard]] sqlite3* handle() { return handle_; }

private:
  sqlite3* handle_ = nullptr;
};

// statement.bind(1, "x").bind(2, 3); while (statement.step()) statement.text(0); a new bind after the end resets it.
class Statement {
public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int index, std::string_view text); // copied
  Statement& bind(int index, int64_t number);
  Statement& bind_null(int index);
  bool step(); // true: a row; false: the end (the statement is then reset)
  void run();  // steps to the end
  void reset();

  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] int64_t integer(int column) const;
  [[nodiscard]] bool is_null(int column) const;

private:
  sqlite3_stmt* handle_ = nullptr;
  sqlite3* database_ = nullptr;
};

// BEGIN IMMEDIATE … COMMIT; rolled back unless commit() was reached.
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
