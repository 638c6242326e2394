// UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace store {

// Bytes of the well-formed sequence at the start of `text`, 1 to 4; 0 where there is none. `text` is not empty.
[[nodiscard]] size_t utf8_sequence_length(std::string_view text);

// The scalar value of one well-formed sequence.
[[nodiscard]] uint32_t decode_utf8(std::string_view sequence);

[[nodiscard]] bool is_utf8(std::string_view text);

// `scalar` is a Unicode scalar value.
void append_utf8(std::string& out, uint32_t scalar);

} // namespace store
