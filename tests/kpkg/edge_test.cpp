#include "derivations/lang/errors.hpp"
#include "kpkg/cli/edge.hpp"
#include "kpkg/cli/exit_status.hpp"
#include "store/posix/user_error.hpp"
#include <catch2/catch.hpp>
#include <iostream>
#include <sstream>

using namespace kpkg;
using store::UserError;
using store::UserErrorCode;

namespace {

// Standard error while it lives.
class CapturedErrors {
public:
  CapturedErrors() : previous_(std::cerr.rdbuf(text_.rdbuf())) {}
  ~CapturedErrors() { std::cerr.rdbuf(previous_); }
  CapturedErrors(const CapturedErrors&) = delete;
  CapturedErrors& operator=(const CapturedErrors&) = delete;
  [[nodiscard]] std::string text() const { return text_.str(); }

private:
  std::ostringstream text_;
  std::streambuf* previous_;
};

template <class Error> int status_of(const Error& error) {
  Context context;
  const CapturedErrors captured;
  return run_to_exit_status(context, [&] { throw error; });
}

} // namespace

TEST_CASE("every code of an error has the status that README promises") {
  CHECK(status_of(UserError(UserErrorCode::failed, "m")) == 1);
  CHECK(status_of(UserError(UserErrorCode::usage, "m")) == 2);
  CHECK(status_of(UserError(UserErrorCode::evaluation, "m")) == 3);
  CHECK(status_of(UserError(UserErrorCode::build, "m")) == 4);
  CHECK(status_of(UserError(UserErrorCode::refused, "m")) == 5);
  CHECK(status_of(UserError(UserErrorCode::invalid_module, "m")) == 6);
  CHECK(status_of(UserError(UserErrorCode::not_started, "m")) == 125);
  CHECK(status_of(UserError(UserErrorCode::trapped, "m")) == 134);
  CHECK(status_of(lang::EvalError(lang::ErrorKind::type, "m")) == 3);
  CHECK(status_of(std::runtime_error("m")) == 1);
}

TEST_CASE("a guest's status passes whole") {
  for (const int status : {0, 1, 7, 97, 125, 134, 200, 255}) {
    Context context;
    CHECK(run_to_exit_status(context, [&] { context.guest_status = status; }) == status);
  }
}

TEST_CASE("an error's JSON is JSON, whatever bytes its message has") {
  Context context;
  context.json = true;
  const CapturedErrors captured;
  (void)run_to_exit_status(context, [] { throw UserError(UserErrorCode::refused, "bad \xff name", "hint \xc3"); });
  const Json error = Json::parse(captured.text()).at("error");
  CHECK(error.at("kind") == "refused");
  CHECK(error.at("message") == "bad \uFFFD name");
}

TEST_CASE("control characters in a message do not reach the terminal") {
  Context context;
  const CapturedErrors captured;
  (void)run_to_exit_status(context, [] { throw UserError("\033[2Jname"); });
  (void)run_to_exit_status(context, [] { throw lang::EvalError(lang::ErrorKind::thrown, "\033]0;title\a"); });
  CHECK(captured.text().find('\033') == std::string::npos);
  CHECK(captured.text().find("\\x1b[2Jname") != std::string::npos);
}
