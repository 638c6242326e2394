// HTTP over libcurl: one handle that keeps its connection, streaming both ways, with retries of what is worth retrying.
// Errors are HttpErrors that name method, URL and cause. Single-threaded.
#pragma once
#include "store/format/nar.hpp"
#include "store/posix/user_error.hpp"
#include <memory>
#include <optional>
#include <string>

namespace store {

class HttpError : public UserError {
public:
  HttpError(long status, const std::string& message, std::string hint = {})
      : UserError(status == 401 || status == 403 ? UserErrorCode::refused : UserErrorCode::failed, message,
                  std::move(hint)),
        status_(status) {}
  [[nodiscard]] long status() const { return status_; } // 0: no answer at all

private:
  long status_;
};

class HttpClient {
public:
  explicit HttpClient(std::string token = {}); // sent as bearer token where not empty
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // The body, at most `limit_bytes`; nothing for 404 and 403 (both mean "absent" to binary caches).
  [[nodiscard]] std::optional<std::string> get(const std::string& url, size_t limit_bytes);
  // Streams the body; throws for everything but 200. An error of the sink ends the transfer and is thrown.
  void get(const std::string& url, const ByteSink& sink);
  [[nodiscard]] bool exists(const std::string& url);
  void put(const std::string& url, std::string_view body, const std::string& content_type);
  // Sends a file from the start of `fd`.
  void put_file(const std::string& url, int fd, uint64_t size_bytes);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace store
