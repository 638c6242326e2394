// The script runner itself: that what must fail fails, since a runner that passes everything would hide every bug.
#include <new>

#include <catch2/catch.hpp>

#include "runtime/text/text.hpp"

using namespace runtime;

namespace {

ScriptResult run(std::string_view script) {
  Engine engine;
  auto result = run_script(engine, script);
  INFO(script);
  if (!result) FAIL(result.error().describe());
  CHECK(result->failures.size() == result->assertions - result->passed);
  return *std::move(result);
}

std::string first_failure(std::string_view script) {
  const ScriptResult result = run(script);
  return result.failures.empty() ? "none" : result.failures[0].message;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

constexpr std::string_view kModule = R"wast((module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "nan") (result f32) (f32.const nan:0x200000))
  (func (export "zero") (result f64) (f64.const -0))
  (func (export "trap") (unreachable))
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func $again (export "again") (call $again))
  (func (export "same") (param externref) (result externref) (local.get 0))
  (global (export "g") i64 (i64.const -5))
))wast";

std::string with_module(std::string_view commands) { return std::string(kModule) + std::string(commands); }

} // namespace

TEST_CASE("assertions that hold are counted as passed") {
  const ScriptResult result = run(with_module(R"wast(
    (assert_return (invoke "add" (i32.const 1) (i32.const -3)) (i32.const -2))
    (assert_return (get "g") (i64.const -5))
    (assert_return (invoke "zero") (f64.const -0))
    (assert_return (invoke "add" (i32.const 1) (i32.const 1)) (either (i32.const 1) (i32.const 2)))
    (assert_return (invoke "same" (ref.extern 7)) (ref.extern 7))
    (assert_return (invoke "same" (ref.null extern)) (ref.null extern))
    (assert_trap (invoke "trap") "unreachable")
    (assert_trap (invoke "divide" (i32.const 0)) "integer divide by zero")
    (assert_exhaustion (invoke "again") "call stack exhausted")
    (assert_invalid (module (func (result i32))) "type mismatch")
    (assert_malformed (module quote "(func i32.nonsense)") "unknown operator")
    (assert_malformed (module binary "") "unexpected end")
    (assert_unlinkable (module (import "no" "where" (func))) "unknown import")
    (assert_trap (module (func $f unreachable) (start $f)) "unreachable")
    (invoke "add" (i32.const 1) (i32.const 1))
  )wast"));
  CHECK(result.assertions == 16);
  for (const ScriptFailure& failure : result.failures) FAIL(failure.line << ": " << failure.message);
}

TEST_CASE("a wrong result fails and is shown") {
  CHECK(
      contains(first_failure(with_module("(assert_return (invoke \"add\" (i32.const 1) (i32.const 1)) (i32.const 3))")),
               "expected (i32 0x3) but got (i32 0x2)"));
  for (const char* wrong : {
           R"wast((assert_return (invoke "zero") (f64.const 0)))wast",
           R"wast((assert_return (invoke "nan") (f32.const nan:canonical)))wast",
           R"wast((assert_return (invoke "nan") (f32.const nan:arithmetic)))wast",
           R"wast((assert_return (invoke "nan")))wast",
           R"wast((assert_return (invoke "add" (i32.const 1) (i32.const 1)) (i64.const 2)))wast",
           R"wast((assert_return (invoke "same" (ref.extern 7)) (ref.extern 8)))wast",
           R"wast((assert_return (invoke "same" (ref.extern 7)) (ref.null)))wast",
           R"wast((assert_return (invoke "same" (ref.null extern)) (ref.extern)))wast",
           R"wast((assert_return (invoke "trap")))wast",
           R"wast((assert_return (invoke "absent")))wast",
           R"wast((assert_return (invoke "add" (i32.const 1)) (i32.const 1)))wast",
       })
    CHECK(first_failure(with_module(wrong)) != "none");
}

TEST_CASE("an error of another kind than asserted fails") {
  for (const char* wrong : {
           R"wast((assert_trap (invoke "divide" (i32.const 1)) "integer divide by zero"))wast",
           R"wast((assert_trap (invoke "divide" (i32.const 0)) "unreachable"))wast",
           R"wast((assert_trap (invoke "absent") "unreachable"))wast",
           R"wast((assert_exhaustion (invoke "trap") "call stack exhausted"))wast",
           R"wast((assert_malformed (module quote "(func (result i32))") "type mismatch"))wast",
           R"wast((assert_invalid (module quote "(func i32.nonsense)") "unknown operator"))wast",
           R"wast((assert_invalid (module) "type mismatch"))wast",
           R"wast((assert_malformed (module quote "(func)") "unexpected token"))wast",
           R"wast((assert_unlinkable (module (func $f unreachable) (start $f)) "unknown import"))wast",
           R"wast((assert_unlinkable (module) "unknown import"))wast",
           R"wast((module (import "no" "where" (func))))wast",
           R"wast((assert_nonsense (invoke "trap")))wast",
       })
    CHECK(first_failure(with_module(wrong)) != "none");
}

TEST_CASE("after a module that fails, actions do not reach the one before") {
  const ScriptResult result = run(with_module(R"wast(
    (module (func (result i32)))
    (assert_return (invoke "add" (i32.const 1) (i32.const 1)) (i32.const 2))
  )wast"));
  CHECK(result.assertions == 3);
  CHECK(result.passed == 1);
  CHECK(result.failures[1].message == "there is no instance");
}

TEST_CASE("instances are linked by the name they are registered under") {
  const ScriptResult result = run(R"wast(
    (module $A (global (export "g") (mut i32) (i32.const 1)))
    (register "a" $A)
    (module $B (import "a" "g" (global $g (mut i32))) (func (export "set") (global.set $g (i32.const 9))))
    (invoke $B "set")
    (assert_return (get $A "g") (i32.const 9))
    (module definition $D (global $n (mut i32) (i32.const 0))
      (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
    (module instance $I $D)
    (module instance $J $D)
    (assert_return (invoke $I "next") (i32.const 1))
    (assert_return (invoke $I "next") (i32.const 2))
    (assert_return (invoke $J "next") (i32.const 1))
  )wast");
  CHECK(result.assertions == 11);
  for (const ScriptFailure& failure : result.failures) FAIL(failure.line << ": " << failure.message);
}

TEST_CASE("failures name the line of the command") {
  const ScriptResult result = run("(module\n (func))\n\n;; comment\n(assert_return (invoke \"x\"))");
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].line == 5);
}

TEST_CASE("spectest prints what it is called with") {
  Engine engine;
  std::string printed;
  auto result = run_script(engine, R"wast((module
      (import "spectest" "print_i32" (func $p (param i32)))
      (import "spectest" "global_f32" (global $g f32))
      (func (export "f") (call $p (i32.const 255)))
      (func (export "g") (result f32) (global.get $g)))
    (invoke "f")
    (assert_return (invoke "g") (f32.const 666.6)))wast",
                           [&](std::string_view text) { printed += text; });
  REQUIRE(result);
  CHECK(result->passed == 3);
  CHECK(contains(printed, "0xff"));
}

TEST_CASE("a script that is no sequence of commands is an error, not a failed assertion") {
  Engine engine;
  for (const char* script : {"(module", "module", ")", "(\"a\")", "(assert_return (invoke \"f\")))", "\x80"})
    CHECK_FALSE(run_script(engine, script));
}
