#include "registry-server/http/session.hpp"
#include "registry-server/http/conditions.hpp"
#include "registry-server/http/error.hpp"
#include "store/base/printable_text.hpp"
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <sys/sendfile.h>

namespace registry {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

constexpr size_t kMaxHeaderBytes = 16 * 1024;
constexpr size_t kReadBufferBytes = 1024 * 1024; // smaller ones cost uploads many times the time
constexpr auto kIdleTimeout = std::chrono::seconds(60);
constexpr auto kLingerTime = std::chrono::seconds(2);
constexpr size_t kSendfileChunkBytes = size_t{1} << 20;

using Parser = http::request_parser<http::buffer_body>;

// Work on the pool, from its start to finish(), which must be awaited before this goes. Not co_spawn: in Boost 1.81 a
// coroutine that is cancelled before its first step on the pool ends the program.
class PoolWork {
public:
  template <class Work>
  PoolWork(asio::thread_pool& pool, const asio::any_io_executor& session, Work work)
      : done_signal_(session, std::chrono::steady_clock::time_point::max()) {
    asio::post(pool, [this, session, work = std::move(work)]() mutable {
      std::exception_ptr failure;
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      asio::post(session, [this, failure = std::move(failure)]() mutable {
        failure_ = std::move(failure);
        done_ = true;
        done_signal_.cancel();
      });
    });
  }
  PoolWork(const PoolWork&) = delete;
  PoolWork& operator=(const PoolWork&) = delete;

  // Throws what the work threw.
  asio::awaitable<void> finish() {
    while (!done_) co_await done_signal_.async_wait(asio::as_tuple(use_awaitable));
    if (failure_) std::rethrow_exception(failure_);
  }

private:
  // Of the session's thread.
  asio::steady_timer done_signal_;
  bool done_ = false;
  std::exception_ptr failure_;
};

class Session {
public:
  Session(tcp::socket socket, SessionContext& context) : stream_(std::move(socket)), context_(context) {
    buffer_.reserve(kReadBufferBytes);
  }
  ~Session() { context_.idle.erase(&stream_.socket()); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  asio::awaitable<void> run() {
    boost::system::error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    try {
      while (!context_.stopping && co_await exchange()) {
      }
      if (body_left_) co_await linger();
    } catch (const boost::system::system_error&) { // the client went away or was too slow: nobody is left to tell
    }
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

private:
  // One request and its answer; false when the connection is at its end.
  asio::awaitable<bool> exchange() {
    Parser parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(boost::none);
    stream_.expires_after(kIdleTimeout);
    context_.idle.insert(&stream_.socket());
    auto [error, size] = co_await http::async_read_header(stream_, buffer_, parser, asio::as_tuple(use_awaitable));
    context_.idle.erase(&stream_.socket());
    if (error) {
      if (error.category() == http::make_error_code(http::error::bad_method).category() &&
          error != http::error::end_of_stream && error != http::error::partial_message)
        co_await send(text_response(http::status::bad_request, "bad request: " + error.message()), false, false);
      co_return false;
    }
    bool keep_alive = parser.get().keep_alive();
    const bool is_head = parser.get().method() == http::verb::head;
    Response response = co_await answer(parser);
    body_left_ = !parser.is_done();
    keep_alive = keep_alive && !body_left_;
    if (context_.log_requests)
      std::cout << parser.get().method_string() << ' ' << store::printable_line(parser.get().target()) << ' '
                << static_cast<unsigned>(response.status) << std::endl;
    co_return co_await send(std::move(response), keep_alive, is_head) && keep_alive;
  }

  // The response to one request whose header was read.
  asio::awaitable<Response> answer(Parser& parser) {
    const auto& message = parser.get();
    const std::string_view raw_target{message.target().data(), message.target().size()};
    auto target = parse_target(raw_target);
    if (!target) co_return text_response(http::status::bad_request, "malformed path in the request");
    const Request request{.method = message.method(),
                          .path = std::move(target->path),
                          .query = std::move(target->query),
                          .headers = message,
                          .content_length = parser.content_length() ? std::optional<uint64_t>(*parser.content_length())
                                                                    : std::nullopt};
    try {
      const Router::Match match = context_.router.find(request.method, request.path);
      if (const auto* begin = std::get_if<UploadHandler>(&match.route->handler)) {
        const std::unique_ptr<Upload> upload = (*begin)(request, match.captures);
        co_return co_await receive(request, parser, *upload);
      }
      const auto& handler = std::get<Handler>(match.route->handler);
      const auto respond = [&] { return handler(request, match.captures); };
      Response response = match.route->runs == Runs::at_once ? respond() : co_await on_pool(respond);
      apply_conditions(request, response);
      co_return response;
    } catch (const boost::system::system_error&) {
      throw;
    } catch (const std::exception& error) {
      Response response = error_response(error);
      if (response.status == http::status::internal_server_error)
        std::cerr << "registry-server: " << store::printable_line(request.path) << ": "
                  << store::printable(error.what()) << std::endl;
      co_return response;
    }
  }

  asio::awaitable<Response> receive(const Request& request, Parser& parser, Upload& upload) {
    const auto too_large = [&] {
      return HttpError(http::status::payload_too_large,
                       "at most " + std::to_string(upload.limit_bytes()) + " bytes are accepted here");
    };
    if (request.content_length && *request.content_length > upload.limit_bytes()) throw too_large();
    if (beast::iequals(parser.get()[http::field::expect], "100-continue"))
      co_await asio::async_write(stream_, asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")),
                                 use_awaitable);
    const auto first_size = request.content_length.value_or(kReadBufferBytes);
    std::array<std::vector<std::byte>, 2> chunks;
    for (auto& chunk : chunks) chunk.resize(std::clamp<uint64_t>(first_size, 1, kReadBufferBytes));
    uint64_t received = 0;
    Chunk chunk = co_await read_chunk(parser, chunks[0]);
    for (size_t turn = 0;; ++turn) {
      if (chunk.error) throw boost::system::system_error(chunk.error);
      if (chunk.size == 0) break;
      received += chunk.size;
      if (received > upload.limit_bytes()) throw too_large();
      const auto data = std::span(chunks[turn % 2]).first(chunk.size);
      PoolWork write(context_.pool, stream_.get_executor(), [&upload, data] { upload.write(data); });
      chunk = co_await read_chunk(parser, chunks[(turn + 1) % 2]);
      co_await write.finish();
    }
    co_return co_await on_pool([&] { return upload.finish(); });
  }

  struct Chunk {
    boost::system::error_code error;
    size_t size = 0; // 0: the body is at its end
  };
  // Fills the chunk, or as much of it as the body still has. Does not throw.
  asio::awaitable<Chunk> read_chunk(Parser& parser, std::span<std::byte> into) {
    if (parser.is_done()) co_return Chunk{};
    parser.get().body().data = into.data();
    parser.get().body().size = into.size();
    stream_.expires_after(kIdleTimeout);
    auto [error, size] = co_await http::async_read(stream_, buffer_, parser, asio::as_tuple(use_awaitable));
    if (error == http::error::need_buffer) error = {};
    co_return Chunk{.error = error, .size = into.size() - parser.get().body().size};
  }

  // What `work` returns or throws; it runs on the pool while other sessions go on.
  asio::awaitable<Response> on_pool(std::function<Response()> work) {
    Response response;
    PoolWork job(context_.pool, stream_.get_executor(), [&] { response = work(); });
    co_await job.finish();
    co_return response;
  }

  // False when the connection is no longer usable.
  asio::awaitable<bool> send(Response response, bool keep_alive, bool is_head) {
    http::response<http::string_body> head{response.status, 11};
    head.set(http::field::server, "kpkg-registry");
    if (response.status != http::status::not_modified) {
      head.set(http::field::content_type, response.content_type);
      head.content_length(response.size_bytes());
    }
    if (!response.etag.empty()) head.set(http::field::etag, response.etag);
    if (response.modified_unix_s) head.set(http::field::last_modified, http_date(*response.modified_unix_s));
    for (const auto& [name, value] : response.headers) head.set(name, value);
    head.keep_alive(keep_alive);
    const auto* file = std::get_if<FileBody>(&response.body);
    if (!file && !is_head) head.body() = std::move(std::get<std::string>(response.body));
    stream_.expires_after(kIdleTimeout);
    http::response_serializer<http::string_body> serializer(head);
    if (file || is_head) {
      co_await http::async_write_header(stream_, serializer, use_awaitable);
    } else {
      co_await http::async_write(stream_, serializer, use_awaitable);
    }
    if (!file || is_head) co_return true;
    co_return co_await send_file(*file);
  }

  asio::awaitable<bool> send_file(const FileBody& body) {
    off_t offset = static_cast<off_t>(body.offset);
    const uint64_t end = body.offset + body.size_bytes;
    stream_.socket().native_non_blocking(true);
    while (static_cast<uint64_t>(offset) < end) {
      const size_t left = static_cast<size_t>(end - static_cast<uint64_t>(offset));
      const ssize_t sent =
          ::sendfile(stream_.socket().native_handle(), body.file.get(), &offset, std::min(left, kSendfileChunkBytes));
      if (sent > 0) continue;
      if (sent == 0) co_return false; // the file is shorter than promised: the connection must break
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return false;
      if (!co_await writable()) co_return false;
    }
    co_return true;
  }

  // Waits until the socket takes bytes again, at most the idle time-out.
  asio::awaitable<bool> writable() {
    asio::steady_timer timer(stream_.get_executor(), kIdleTimeout);
    timer.async_wait([this](boost::system::error_code error) {
      boost::system::error_code ignored;
      if (!error) stream_.socket().cancel(ignored);
    });
    auto [error] = co_await stream_.socket().async_wait(tcp::socket::wait_write, asio::as_tuple(use_awaitable));
    timer.cancel();
    co_return !error;
  }

  // Closing on unread bytes would take back the answer that is on its way.
  asio::awaitable<void> linger() {
    boost::system::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kLingerTime);
    buffer_.clear();
    while (true) {
      auto [error, size] =
          co_await stream_.async_read_some(buffer_.prepare(kReadBufferBytes), asio::as_tuple(use_awaitable));
      if (error) co_return;
    }
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  SessionContext& context_;
  bool body_left_ = false; // the last request's body was not read to its end
};

} // namespace

asio::awaitable<void> serve_session(tcp::socket socket, SessionContext& context) {
  Session session(std::move(socket), context);
  co_await session.run();
}

} // namespace registry
