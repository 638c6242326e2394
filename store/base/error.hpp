// The error value of what reads bytes without exceptions: what went wrong, in which input, at which byte. Rendered at
// the edge (posix/user_error.hpp turns it into the exception for users).
#pragma once
#include "store/base/try.hpp"
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace store {

enum class ErrorCode : uint8_t {
  malformed,   // the bytes do not follow the format
  limit,       // well formed, but beyond a limit of this implementation (named in the message)
  mismatch,    // content does not have the hash or size that was promised
  signature,   // no acceptable signature: the message names the keys that were tried and found
  unsupported, // a feature of the format that this program does not implement
  invalid,     // an argument that no correct caller passes (bad name, bad path)
  sink,        // the consumer of a stream refused it (full disk, closed socket)
};

inline constexpr uint64_t kNoOffset = ~uint64_t{0};

struct Error {
  ErrorCode code = ErrorCode::malformed;
  std::string message;         // one sentence, no trailing full stop: «expected "(" but found "x"»
  uint64_t offset = kNoOffset; // byte offset in the input, where there is one
  // The message with its place: «NAR, byte 96: …». `subject` names the input.
  [[nodiscard]] std::string describe(std::string_view subject) const;
};

using Bytes = std::span<const std::byte>;
[[nodiscard]] inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

template <class T> using Result = std::expected<T, Error>;

} // namespace store
