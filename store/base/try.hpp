// TRY(expression): the value of a std::expected, or return its error from the enclosing function.
// The one propagation macro of the libraries without exceptions (store/format, runtime, kernel). A leaf: includes
// nothing of the project, and is the only header of store/ that runtime/ may include.
#pragma once
#include <expected>
#include <utility>

#define TRY(expression)                                                                                                \
  ({                                                                                                                   \
    auto&& try_result_ = (expression);                                                                                 \
    if (!try_result_) [[unlikely]]                                                                                     \
      return std::unexpected(std::move(try_result_).error());                                                          \
    std::move(try_result_).operator*();                                                                                \
  })

// TRY_VOID(expression): the same for std::expected<void, E>.
#define TRY_VOID(expression)                                                                                           \
  do {                                                                                                                 \
    auto&& try_result_ = (expression);                                                                                 \
    if (!try_result_) [[unlikely]]                                                                                     \
      return std::unexpected(std::move(try_result_).error());                                                          \
  } while (false)
