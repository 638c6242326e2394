// Writing JSON strings (RFC 8259 §7), in the form of RFC 8785 (JSON Canonicalization Scheme, §3.2.2.2): the short
// escapes where there are some, \u00xx for other control characters, everything else as it is. The text must be UTF-8
// for the result to be JSON. Reading JSON is nlohmann-json's matter, except for signed manifests
// (format/generation.hpp).
#pragma once
#include <string>
#include <string_view>

namespace store {

// Appends `text`, quoted and escaped.
void append_json_string(std::string& out, std::string_view text);

} // namespace store
