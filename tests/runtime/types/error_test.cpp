#include <new>

#include <catch2/catch.hpp>

#include "runtime/types/error.hpp"
#include <string>

using namespace runtime;

TEST_CASE("an error tells its stage, its place and its reason") {
  const Error error{.kind = ErrorKind::invalid, .message = "type mismatch: expected i32 but found f64", .offset = 61};
  CHECK(error.describe() == "invalid at byte 61: type mismatch: expected i32 but found f64");
  const Error nowhere{.kind = ErrorKind::unlinkable, .message = "unknown import"};
  CHECK(nowhere.describe() == "unlinkable: unknown import");
}

TEST_CASE("a trap shows its frames, innermost first") {
  Error error{.kind = ErrorKind::trap, .trap = TrapCode::integer_divide_by_zero};
  error.backtrace = {{.module = "calc", .function = "divide", .function_index = 3, .wasm_offset = 97},
                     {.module = "calc", .function = "", .function_index = 4}};
  CHECK(error.describe() == "trap: integer divide by zero\n  #0 calc!divide at byte 97\n  #1 calc!func[4]");
}

TEST_CASE("traps are worded as the suites word them") {
  CHECK(std::string(trap_message(TrapCode::memory_out_of_bounds)) == "out of bounds memory access");
  CHECK(std::string(trap_message(TrapCode::table_out_of_bounds)) == "out of bounds table access");
  CHECK(std::string(trap_message(TrapCode::uninitialized_element)) == "uninitialized element");
  CHECK(std::string(trap_message(TrapCode::invalid_conversion_to_integer)) == "invalid conversion to integer");
  CHECK(std::string(trap_message(TrapCode::stack_exhausted)) == "call stack exhausted");
}
