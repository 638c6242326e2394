// Random bytes from the processor (RDRAND).
#pragma once
#include <cstddef>
#include <span>

namespace kernel {

// False where the processor has no RDRAND or it fails ten times in a row (Intel's advice): the caller must not go on
// with anything that needs secrets.
[[nodiscard]] bool random_bytes(std::span<std::byte> out);

} // namespace kernel
