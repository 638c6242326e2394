// Any bytes are an expression or a parse error with a position inside of the text. The text becomes the body of a
// function that is never called, so that nothing in it is evaluated.
#include "derivations/lang/evaluator.hpp"
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static lang::MemoryEvalStore store;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  lang::EvalOptions options;
  options.max_stack_bytes = size_t{32} << 20;
  lang::Evaluator evaluator{store, options};
  try {
    if (evaluator.type(evaluator.eval_string("unused: " + std::string{text}, "/")) != lang::ValueType::function)
      std::abort();
  } catch (const lang::EvalError& error) {
    if (!error.position().known()) std::abort();
    (void)lang::render_error(error);
    (void)lang::error_to_json(error);
  }
  return 0;
}
