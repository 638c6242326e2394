// HTTP over libcurl: one handle that keeps its connection, streaming both ways, with retries of what is worth retrying.
// Certificates and host names are verified. Redirects are followed to https only, at most five, and never by a token or
// an upload. Errors are HttpErrors that name method, URL (without a password in it) and cause. Single-threaded.
#pragma once
#include "store/format/nar.hpp"
#include "store/posix/secret.hpp"
#include "store/posix/user_error.hpp"
#include <atomic>
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
  explicit HttpClient(Secret token = {}); // sent as bearer token where not empty; never shown in errors
  ~HttpClient();
  // Transfers end with UserErrorCode::interrupted soon after `flag`, which must outlive this, is set.
  void cancel_by(const std::atomic<bool>& flag);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // The body, at most `limit_bytes`; nothing for 404 and 403 (both mean "absent" to binary caches).
  [[nodiscard]] std::optional<std::string> get(const std::string& url, size_t limit_bytes);
  // Streams the body; throws for everything but 200, and where it has more than `limit_bytes`: before the first byte,
  // where the server says so. An error of the sink ends the transfer and is thrown.
  void get(const std::string& url, const ByteSink& sink, uint64_t limit_bytes);
  [[nodiscard]] bool exists(const std::string& url);
  void put(const std::string& url, std::string_view body, const std::string& content_type);
  // Sends a file from the start of `fd`.
  void put_file(const std::string& url, int fd, uint64_t size_bytes);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace store
