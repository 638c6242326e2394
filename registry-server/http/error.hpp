// How a request ends with an error: a UserError is thrown, wherever it is noticed, and becomes a response here and
// nowhere else. Its code decides the status; HttpError is for those that only HTTP knows.
#pragma once
#include "registry-server/http/response.hpp"
#include "store/posix/user_error.hpp"

namespace registry {

class HttpError : public store::UserError {
public:
  HttpError(http::status status, const std::string& text, HeaderList headers = {})
      : UserError(store::UserErrorCode::usage, text), status_(status), headers_(std::move(headers)) {}
  [[nodiscard]] http::status status() const { return status_; }
  [[nodiscard]] const HeaderList& headers() const { return headers_; }

private:
  http::status status_;
  HeaderList headers_;
};

[[nodiscard]] http::status status_of(store::UserErrorCode code);

// The response to a request that ended with `error`. What the server itself failed at (500) is told to the log, not to
// the client: such messages name paths of the host.
[[nodiscard]] Response error_response(const std::exception& error);

} // namespace registry
