// The error value of the engine: which stage refused what, where in the module, why.
#pragma once
#include "store/base/try.hpp"
#include <cstdint>

#include <string>
#include <vector>

namespace runtime {

enum class ErrorKind : uint8_t {
  malformed,   // the binary or text does not follow the grammar (spec §5, §6)
  invalid,     // decoded, but does not validate (spec §3)
  unsupported, // valid WebAssembly that this engine does not implement; the message names the feature
  unlinkable,  // an import is missing or of another type (spec §4.5.4); the message names both
  limit,       // beyond a limit of this implementation (named in the message)
  trap,        // execution trapped; `trap` and `backtrace` are set
  exit,        // the guest ended itself (WASI proc_exit); `exit_status` is set
  resource,    // the platform refused memory or code space
};

// Numbers are written into generated code's tables; append only.
enum class TrapCode : uint8_t {
  none = 0,
  unreachable,
  memory_out_of_bounds,
  table_out_of_bounds,
  indirect_call_to_null,
  indirect_call_type_mismatch, // "indirect call type mismatch"
  integer_divide_by_zero,
  integer_overflow,
  invalid_conversion_to_integer,
  stack_exhausted,       // "call stack exhausted"
  undefined_element,     // call_indirect index beyond the table: "undefined element"
  uninitialized_element, // call_indirect on a null slot: "uninitialized element"
  null_reference,
  cast_failure,
  array_out_of_bounds,
  uncaught_exception,
  interrupted, // epoch: the host stopped the guest
  out_of_memory,
  host,        // a host function failed; its message is in ExecContext
  exit,        // WASI proc_exit unwinding
  from_status, // table entry only: the code is in the platform's result register
};
[[nodiscard]] const char* trap_message(TrapCode code); // the suites' wording: «integer divide by zero»

struct Frame {
  std::string module;   // name given at compile(), or the name section's
  std::string function; // from the name section, an export, or "func[N]"
  uint32_t function_index = 0;
  uint32_t wasm_offset = 0; // byte offset in the module of the instruction; 0: unknown
};

struct Error {
  ErrorKind kind = ErrorKind::malformed;
  std::string message = {};       // no trailing full stop; spec wording where the suites name one
  uint64_t offset = ~uint64_t{0}; // byte offset in the module (text: in the source)
  TrapCode trap = TrapCode::none;
  std::vector<Frame> backtrace = {}; // innermost first
  uint32_t exit_status = 0;
  // «invalid at byte 61: type mismatch: expected i32 but found f64»; traps with one line a frame.
  [[nodiscard]] std::string describe() const;
};

template <class T> using Result = std::expected<T, Error>;

} // namespace runtime
