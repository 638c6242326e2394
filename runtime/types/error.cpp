// The wording of errors and traps, which the specification's suites quote.
#include "runtime/types/error.hpp"
#include <format>

namespace runtime {
namespace {

const char* kind_name(ErrorKind kind) {
  switch (kind) {
  case ErrorKind::malformed: return "malformed";
  case ErrorKind::invalid: return "invalid";
  case ErrorKind::unsupported: return "unsupported";
  case ErrorKind::unlinkable: return "unlinkable";
  case ErrorKind::limit: return "beyond a limit";
  case ErrorKind::trap: return "trap";
  case ErrorKind::exit: return "exit";
  case ErrorKind::resource: return "out of resources";
  }
  return "error";
}

} // namespace

const char* trap_message(TrapCode code) {
  switch (code) {
  case TrapCode::none: return "no trap";
  case TrapCode::unreachable: return "unreachable";
  case TrapCode::memory_out_of_bounds: return "out of bounds memory access";
  case TrapCode::table_out_of_bounds: return "out of bounds table access";
  case TrapCode::indirect_call_to_null: return "uninitialized element";
  case TrapCode::indirect_call_type_mismatch: return "indirect call type mismatch";
  case TrapCode::integer_divide_by_zero: return "integer divide by zero";
  case TrapCode::integer_overflow: return "integer overflow";
  case TrapCode::invalid_conversion_to_integer: return "invalid conversion to integer";
  case TrapCode::stack_exhausted: return "call stack exhausted";
  case TrapCode::undefined_element: return "undefined element";
  case TrapCode::uninitialized_element: return "uninitialized element";
  case TrapCode::null_reference: return "null reference";
  case TrapCode::cast_failure: return "cast failure";
  case TrapCode::array_out_of_bounds: return "out of bounds array access";
  case TrapCode::uncaught_exception: return "uncaught exception";
  case TrapCode::interrupted: return "interrupted";
  case TrapCode::out_of_memory: return "out of memory";
  case TrapCode::host: return "host function failed";
  case TrapCode::exit: return "exit";
  case TrapCode::from_status: return "trap";
  }
  return "trap";
}

std::string Error::describe() const {
  std::string text =
      kind == ErrorKind::exit && message.empty() ? std::format("exit with status {}", exit_status)
      : kind == ErrorKind::trap && message.empty()
          ? std::format("trap: {}", trap_message(trap))
          : std::format("{}{}: {}", kind_name(kind),
                        offset == ~uint64_t{0} ? std::string{} : std::format(" at byte {}", offset), message);
  for (size_t i = 0; i < backtrace.size(); ++i) {
    const Frame& frame = backtrace[i];
    text += std::format("\n  #{} {}{}{}", i, frame.module, frame.module.empty() ? "" : "!",
                        frame.function.empty() ? std::format("func[{}]", frame.function_index) : frame.function);
    if (frame.wasm_offset != 0) text += std::format(" at byte {}", frame.wasm_offset);
  }
  return text;
}

} // namespace runtime
