// Random bytes, from the processor.
#pragma once
#include <cstddef>
#include <span>

namespace kernel {

// False where the processor gives none: the caller must not go on with anything that needs secrets.
[[nodiscard]] bool random_bytes(std::span<std::byte> out);

} // namespace kernel
