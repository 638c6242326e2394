// The suites' host module `spectest`: what every script may import.
#pragma once
#include "runtime/engine.hpp"

namespace runtime::text {

// Defines it in `linker` with objects of `store`. `print` (may be empty) must outlive the store.
[[nodiscard]] Result<void> define_spectest(Linker& linker, Store& store,
                                           const std::function<void(std::string_view)>& print);

} // namespace runtime::text
