// The HTTP layer between sockets and protocols: what a request is, what an answer can be, and the server loop.
//
// One port, HTTP/1.1, keep-alive and pipelining as Boost.Beast gives them; every session is a coroutine. Bodies of
// uploads are streamed into an Upload; files are answered with sendfile(2). Limits: 16 KiB of header, per-read and
// per-write timeouts, a body limit that the protocol names.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace registry {

namespace http = boost::beast::http;

struct Request {
  http::verb method;
  std::string path;          // percent-decoded, without query; starts with "/"
  std::string query;         // raw
  std::string authorization; // the header's value, or ""
  std::string if_none_match;
  std::optional<uint64_t> content_length;
};

struct FileBody {
  std::filesystem::path path;
  uint64_t size_bytes = 0;
};

struct Response {
  http::status status = http::status::ok;
  std::string content_type = "text/plain; charset=utf-8";
  std::variant<std::string, FileBody> body;
  std::vector<std::pair<std::string, std::string>> headers; // besides content type, length and connection
};

[[nodiscard]] Response text_response(http::status status, std::string text);

// Receives the body of one PUT or POST, then answers. Destroyed without finish() when the client goes away: what was
// written must not stay visible. write() and finish() may throw HttpError to answer early.
class Upload {
public:
  virtual ~Upload() = default;
  virtual void write(std::span<const std::byte> data) = 0;
  virtual Response finish() = 0;
  [[nodiscard]] virtual uint64_t limit_bytes() const = 0;
};

class HttpError : public std::exception {
public:
  HttpError(http::status status, std::string text) : response_(text_response(status, std::move(text))) {}
  explicit HttpError(Response response) : response_(std::move(response)) {}
  [[nodiscard]] const Response& response() const { return response_; }
  [[nodiscard]] const char* what() const noexcept override { return "HTTP error response"; }

private:
  Response response_;
};

// One protocol family on the server's port. The first whose handles() is true gets the request.
class Protocol {
public:
  virtual ~Protocol() = default;
  [[nodiscard]] virtual bool handles(const Request& request) const = 0;
  [[nodiscard]] virtual Response get(const Request& request) = 0; // also HEAD: the body is then left out
  // For methods with a body; throws HttpError to refuse before the body is read.
  [[nodiscard]] virtual std::unique_ptr<Upload> upload(const Request& request) = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 8080; // 0: any free one
  bool log_requests = false;
};

// Serves until stop() or SIGINT/SIGTERM; requests under way may finish (5 s).
class Server {
public:
  Server(ServerOptions options, std::vector<std::unique_ptr<Protocol>> protocols);
  ~Server();
  [[nodiscard]] uint16_t port() const; // bound in the constructor
  void run();
  void stop(); // from any thread

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace registry
