#include "registry-server/http/server.hpp"
#include "registry-server/http/session.hpp"
#include "store/posix/user_error.hpp"
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <thread>

namespace registry {

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

constexpr auto kDrainTime = std::chrono::seconds(5);
constexpr auto kPauseWithoutDescriptors = std::chrono::milliseconds(50);

} // namespace

struct Server::Impl {
  Router router;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io, SIGINT, SIGTERM};
  std::optional<asio::steady_timer> drain;
  size_t sessions = 0;
  asio::thread_pool pool; // after io: its threads end first
  SessionContext context;

  Impl(const ServerOptions& options, Router routes)
      : router(std::move(routes)),
        pool(options.pool_size != 0 ? options.pool_size : std::max(2U, std::thread::hardware_concurrency())),
        context{.router = router, .pool = pool, .log_requests = options.log_requests} {}

  void begin_stop() {
    if (context.stopping) return;
    context.stopping = true;
    boost::system::error_code ignored;
    acceptor.close(ignored);
    signals.cancel(ignored);
    if (sessions == 0) return io.stop();
    for (tcp::socket* socket : context.idle) socket->cancel(ignored);
    drain.emplace(io, kDrainTime);
    drain->async_wait([this](boost::system::error_code) { io.stop(); });
  }

  void session_ended() {
    if (--sessions == 0 && context.stopping) io.stop();
  }

  asio::awaitable<void> accept_loop() {
    while (!context.stopping) {
      auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(use_awaitable));
      if (error) {
        if (context.stopping) co_return;
        asio::steady_timer pause(io, kPauseWithoutDescriptors); // let sessions end
        co_await pause.async_wait(use_awaitable);
        continue;
      }
      ++sessions;
      asio::co_spawn(io, serve_session(std::move(socket), context),
                     [this](const std::exception_ptr&) { session_ended(); });
    }
  }
};

Server::Server(ServerOptions options, Router router) : impl_(std::make_unique<Impl>(options, std::move(router))) {
  try {
    const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
    impl_->acceptor.open(endpoint.protocol());
    impl_->acceptor.set_option(asio::socket_base::reuse_address(true));
    impl_->acceptor.bind(endpoint);
    impl_->acceptor.listen();
  } catch (const boost::system::system_error& error) {
    throw store::UserError("cannot listen on " + options.address + ", port " + std::to_string(options.port) + ": " +
                               error.code().message(),
                           "choose another address or port with --listen");
  }
}
Server::~Server() = default;

uint16_t Server::port() const { return impl_->acceptor.local_endpoint().port(); }

void Server::run() {
  std::signal(SIGPIPE, SIG_IGN);
  impl_->signals.async_wait([this](boost::system::error_code error, int) {
    if (!error) impl_->begin_stop();
  });
  asio::co_spawn(impl_->io, impl_->accept_loop(), asio::detached);
  impl_->io.run();
  impl_->pool.stop();
  impl_->pool.join();
}

void Server::stop() {
  asio::post(impl_->io, [this] { impl_->begin_stop(); });
}

} // namespace registry
