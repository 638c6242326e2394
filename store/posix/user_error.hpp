// The one exception that reaches users: what happened (message), what they can do (hint), and what kind of failure it
// is (code), from which the edge decides: kpkg the exit status, the server the HTTP status. Libraries that have more to
// tell derive from it (EvalError: a position and a trace; HttpError: the server's status).
#pragma once
#include "store/base/error.hpp"
#include <stdexcept>

namespace store {

// Kinds of failure, as far as a user or a script would tell them apart.
enum class UserErrorCode : uint8_t {
  failed,         // files, network, store, linking: the world is not as it should be
  usage,          // the command or request itself is wrong
  evaluation,     // the expression does not parse or evaluate
  build,          // a builder failed
  refused,        // a signature, hash or token was not accepted: nothing was registered or run
  invalid_module, // the WebAssembly module does not decode or validate
  not_started,    // an awaited instance of a system could not be started
  trapped,        // the guest trapped
  interrupted,    // somebody asked it to stop
};

class UserError : public std::runtime_error {
public:
  // `message`: one sentence without a full stop; `hint`: likewise, or "".
  UserError(UserErrorCode code, const std::string& message, std::string hint = {})
      : std::runtime_error(message), code_(code), hint_(std::move(hint)) {}
  explicit UserError(const std::string& message, std::string hint = {})
      : UserError(UserErrorCode::failed, message, std::move(hint)) {}
  [[nodiscard]] UserErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& hint() const { return hint_; }

private:
  UserErrorCode code_;
  std::string hint_;
};

// The value, or the format error as a UserError that names `subject`: refused for wrong hashes and signatures.
template <class T> T unwrap(Result<T> result, std::string_view subject) {
  if (!result) {
    const ErrorCode code = result.error().code;
    const bool refused = code == ErrorCode::mismatch || code == ErrorCode::signature;
    throw UserError(refused ? UserErrorCode::refused : UserErrorCode::failed, result.error().describe(subject));
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

} // namespace store
