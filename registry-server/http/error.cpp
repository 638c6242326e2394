#include "registry-server/http/error.hpp"

namespace registry {

http::status status_of(store::UserErrorCode code) {
  switch (code) {
  case store::UserErrorCode::usage:
  case store::UserErrorCode::refused:
  case store::UserErrorCode::invalid_module: return http::status::bad_request;
  case store::UserErrorCode::failed:
  case store::UserErrorCode::evaluation:
  case store::UserErrorCode::build:
  case store::UserErrorCode::not_started:
  case store::UserErrorCode::interrupted:
  case store::UserErrorCode::trapped: return http::status::internal_server_error;
  }
  return http::status::internal_server_error;
}

Response error_response(const std::exception& error) {
  if (const auto* http_error = dynamic_cast<const HttpError*>(&error)) {
    Response response = text_response(http_error->status(), http_error->what());
    response.headers = http_error->headers();
    return response;
  }
  if (const auto* user_error = dynamic_cast<const store::UserError*>(&error))
    if (const http::status status = status_of(user_error->code()); status != http::status::internal_server_error)
      return text_response(status, user_error->what());
  return text_response(http::status::internal_server_error, "the server failed; its log says why");
}

} // namespace registry
