#include "registry-server/http/response.hpp"

namespace registry {

uint64_t Response::size_bytes() const {
  const auto* file = std::get_if<FileBody>(&body);
  return file ? file->size_bytes : std::get<std::string>(body).size();
}

Response text_response(http::status status, std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  Response response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

Response typed_response(std::string body, std::string content_type) {
  Response response;
  response.content_type = std::move(content_type);
  response.body = std::move(body);
  return response;
}

} // namespace registry
