#include "registry-server/http.hpp"
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <unistd.h>

namespace registry {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

constexpr size_t kMaxHeaderBytes = 16 * 1024;
constexpr size_t kReadBufferBytes = 1024 * 1024; // smaller ones cost uploads many times the time
constexpr auto kIdleTimeout = std::chrono::seconds(60);
constexpr auto kSendfileChunkBytes = size_t{1} << 20;

class UniqueFd {
public:
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Percent-decodes a request target's path; nothing where it is malformed, holds NUL, or climbs with "..".
std::optional<std::string> decode_path(std::string_view raw) {
  std::string path;
  for (size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '%') {
      if (i + 2 >= raw.size() || hex_digit(raw[i + 1]) < 0 || hex_digit(raw[i + 2]) < 0) return {};
      c = static_cast<char>(hex_digit(raw[i + 1]) * 16 + hex_digit(raw[i + 2]));
      i += 2;
    }
    if (c == '\0') return {};
    path += c;
  }
  if (!path.starts_with('/') || path.find("/../") != std::string::npos || path.ends_with("/..")) return {};
  return path;
}

} // namespace

Response text_response(http::status status, std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return Response{.status = status, .body = std::move(text), .headers = {}};
}

struct Server::Impl {
  ServerOptions options;
  std::vector<std::unique_ptr<Protocol>> protocols;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io, SIGINT, SIGTERM};
  std::optional<asio::steady_timer> drain;
  size_t sessions = 0;
  bool stopping = false;

  Protocol* find(const Request& request) {
    for (auto& protocol : protocols)
      if (protocol->handles(request)) return protocol.get();
    return nullptr;
  }

  void begin_stop() {
    if (stopping) return;
    stopping = true;
    boost::system::error_code ignored;
    acceptor.close(ignored);
    signals.cancel(ignored);
    if (sessions == 0) return io.stop();
    drain.emplace(io, std::chrono::seconds(5));
    drain->async_wait([this](boost::system::error_code) { io.stop(); });
  }

  void session_ended() {
    if (--sessions == 0 && stopping) io.stop();
  }

  asio::awaitable<void> accept_loop() {
    while (!stopping) {
      auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(use_awaitable));
      if (error) {
        if (stopping) co_return;
        asio::steady_timer pause(io, std::chrono::milliseconds(50)); // out of descriptors: let sessions end
        co_await pause.async_wait(use_awaitable);
        continue;
      }
      ++sessions;
      asio::co_spawn(io, session(std::move(socket)), [this](const std::exception_ptr&) { session_ended(); });
    }
  }

  asio::awaitable<void> session(tcp::socket socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    beast::tcp_stream stream(std::move(socket));
    beast::flat_buffer buffer;
    buffer.reserve(kReadBufferBytes);
    try {
      while (!stopping) {
        http::request_parser<http::buffer_body> parser;
        parser.header_limit(kMaxHeaderBytes);
        parser.body_limit(boost::none);
        stream.expires_after(kIdleTimeout);
        auto [error, size] = co_await http::async_read_header(stream, buffer, parser, asio::as_tuple(use_awaitable));
        if (error) {
          if (error == http::error::end_of_stream || error == asio::error::connection_reset ||
              error == beast::error::timeout || error == asio::error::eof)
            break;
          co_await send(stream, text_response(http::status::bad_request, "bad request: " + error.message()), false,
                        false);
          break;
        }
        bool keep_alive = parser.get().keep_alive();
        const bool is_head = parser.get().method() == http::verb::head;
        Response response = co_await answer(stream, buffer, parser, keep_alive);
        if (options.log_requests)
          std::cout << parser.get().method_string() << ' ' << parser.get().target() << ' '
                    << static_cast<unsigned>(response.status) << std::endl;
        if (!co_await send(stream, response, keep_alive, is_head) || !keep_alive) break;
      }
    } catch (const boost::system::system_error&) { // the client went away or was too
                                                   // slow: nobody is left to tell
    }
    stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  // The response to one request whose header was read. An unread body makes the connection unusable: keep_alive =
  // false.
  asio::awaitable<Response> answer(beast::tcp_stream& stream, beast::flat_buffer& buffer,
                                   http::request_parser<http::buffer_body>& parser, bool& keep_alive) {
    const auto& message = parser.get();
    const std::string_view target{message.target().data(), message.target().size()};
    const size_t question = target.find('?');
    auto path = decode_path(target.substr(0, question));
    if (!path) {
      keep_alive = false;
      co_return text_response(http::status::bad_request, "malformed path in the request");
    }
    Request request{.method = message.method(),
                    .path = std::move(*path),
                    .query = question == std::string_view::npos ? "" : std::string(target.substr(question + 1)),
                    .authorization = std::string(message[http::field::authorization]),
                    .if_none_match = std::string(message[http::field::if_none_match]),
                    .content_length =
                        parser.content_length() ? std::optional<uint64_t>(*parser.content_length()) : std::nullopt};
    Protocol* protocol = find(request);
    try {
      if (!protocol) {
        keep_alive = keep_alive && parser.is_done();
        co_return text_response(http::status::not_found, "nothing is served at " + request.path);
      }
      if (request.method == http::verb::get || request.method == http::verb::head) {
        keep_alive = keep_alive && parser.is_done();
        co_return protocol->get(request);
      }
      auto upload = protocol->upload(request);
      if (request.content_length && *request.content_length > upload->limit_bytes())
        throw HttpError(http::status::payload_too_large,
                        "at most " + std::to_string(upload->limit_bytes()) + " bytes are accepted here");
      if (beast::iequals(message[http::field::expect], "100-continue"))
        co_await asio::async_write(stream, asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")),
                                   use_awaitable);
      co_await receive(stream, buffer, parser, *upload);
      co_return upload->finish();
    } catch (const HttpError& error) {
      keep_alive = keep_alive && parser.is_done();
      co_return error.response();
    } catch (const boost::system::system_error&) {
      throw;
    } catch (const std::exception& error) {
      std::cerr << "registry-server: " << request.path << ": " << error.what() << std::endl;
      keep_alive = false;
      co_return text_response(http::status::internal_server_error, "the server failed; its log says why");
    }
  }

  asio::awaitable<void> receive(beast::tcp_stream& stream, beast::flat_buffer& buffer,
                                http::request_parser<http::buffer_body>& parser, Upload& upload) {
    std::vector<std::byte> chunk(kReadBufferBytes);
    uint64_t received = 0;
    while (!parser.is_done()) {
      parser.get().body().data = chunk.data();
      parser.get().body().size = chunk.size();
      stream.expires_after(kIdleTimeout);
      auto [error, size] = co_await http::async_read(stream, buffer, parser, asio::as_tuple(use_awaitable));
      if (error && error != http::error::need_buffer) throw boost::system::system_error(error);
      const size_t filled = chunk.size() - parser.get().body().size;
      received += filled;
      if (received > upload.limit_bytes())
        throw HttpError(http::status::payload_too_large,
                        "at most " + std::to_string(upload.limit_bytes()) + " bytes are accepted here");
      upload.write(std::span(chunk).first(filled));
    }
  }

  // False when the connection is no longer usable.
  asio::awaitable<bool> send(beast::tcp_stream& stream, const Response& response, bool keep_alive, bool is_head) {
    const auto* file = std::get_if<FileBody>(&response.body);
    std::optional<UniqueFd> fd;
    if (file && !is_head) {
      fd.emplace(::open(file->path.c_str(), O_RDONLY | O_CLOEXEC));
      if (fd->get() < 0) {
        co_return co_await send(stream, text_response(http::status::internal_server_error, "a stored file is missing"),
                                false, is_head);
      }
    }
    http::response<http::string_body> head{response.status, 11};
    head.set(http::field::server, "kpkg-registry");
    head.set(http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers) head.set(name, value);
    head.keep_alive(keep_alive);
    head.content_length(file ? file->size_bytes : std::get<std::string>(response.body).size());
    if (!file && !is_head) head.body() = std::get<std::string>(response.body);
    stream.expires_after(kIdleTimeout);
    http::response_serializer<http::string_body> serializer(head);
    if (file || is_head) {
      co_await http::async_write_header(stream, serializer, use_awaitable);
    } else {
      co_await http::async_write(stream, serializer, use_awaitable);
    }
    if (!fd) co_return true;
    off_t offset = 0;
    stream.socket().native_non_blocking(true);
    while (static_cast<uint64_t>(offset) < file->size_bytes) {
      const size_t left = static_cast<size_t>(file->size_bytes - static_cast<uint64_t>(offset));
      const ssize_t sent =
          ::sendfile(stream.socket().native_handle(), fd->get(), &offset, std::min(left, kSendfileChunkBytes));
      if (sent > 0) continue;
      if (sent == 0) co_return false; // the file is shorter than promised: the connection must break
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return false;
      if (!co_await writable(stream.socket())) co_return false;
    }
    co_return true;
  }

  // Waits until the socket takes bytes again, at most the idle time-out.
  asio::awaitable<bool> writable(tcp::socket& socket) {
    asio::steady_timer timer(io, kIdleTimeout);
    timer.async_wait([&socket](boost::system::error_code error) {
      boost::system::error_code ignored;
      if (!error) socket.cancel(ignored);
    });
    auto [error] = co_await socket.async_wait(tcp::socket::wait_write, asio::as_tuple(use_awaitable));
    timer.cancel();
    co_return !error;
  }
};

Server::Server(ServerOptions options, std::vector<std::unique_ptr<Protocol>> protocols)
    : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->protocols = std::move(protocols);
  const tcp::endpoint endpoint(asio::ip::make_address(impl_->options.address), impl_->options.port);
  impl_->acceptor.open(endpoint.protocol());
  impl_->acceptor.set_option(asio::socket_base::reuse_address(true));
  impl_->acceptor.bind(endpoint);
  impl_->acceptor.listen();
}
Server::~Server() = default;

uint16_t Server::port() const { return impl_->acceptor.local_endpoint().port(); }

void Server::run() {
  ::signal(SIGPIPE, SIG_IGN);
  impl_->signals.async_wait([this](boost::system::error_code error, int) {
    if (!error) impl_->begin_stop();
  });
  asio::co_spawn(impl_->io, impl_->accept_loop(), asio::detached);
  impl_->io.run();
}

void Server::stop() {
  asio::post(impl_->io, [this] { impl_->begin_stop(); });
}

} // namespace registry
