// Constant expressions (spec §3.4.14 with the extended and GC instructions): decoded and checked in one pass.
#pragma once
#include "runtime/binary/module.hpp"
#include "runtime/binary/reader.hpp"

namespace runtime {

struct ConstExprResult {
  ConstExpr expr;
  // Why the expression is not valid, where it is well formed: decoding can go on behind it.
  std::optional<Error> invalid;
};

// Reads up to and with the final `end`. The expression sees the functions and globals that `module` has so far and must
// give one value of `expected`. Functions it names become declared references. An error is one after which the reader's
// place is not known: malformed bytes, or an instruction that is not constant.
[[nodiscard]] Result<ConstExprResult> read_const_expr(Reader& reader, ValType expected, DecodedModule& module,
                                                      const TypeRegistry& types);

} // namespace runtime
