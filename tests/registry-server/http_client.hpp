// A client of raw bytes on a loopback socket, and a server on a thread of its own, for tests of what goes over the
// wire.
#pragma once
#include "registry-server/http/server.hpp"
#include "store/posix/file_io.hpp"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

namespace registry {

class RunningServer {
public:
  explicit RunningServer(Router router) : server_({.port = 0, .pool_size = 2}, std::move(router)) {
    thread_ = std::thread([this] { server_.run(); });
  }
  ~RunningServer() { stop(); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  void stop() {
    if (!thread_.joinable()) return;
    server_.stop();
    thread_.join();
  }
  [[nodiscard]] uint16_t port() const { return server_.port(); }

private:
  Server server_;
  std::thread thread_;
};

class Client {
public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect");
    const timeval patience{.tv_sec = 60, .tv_usec = 0}; // for a server that hangs
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  void send(std::string_view text) { store::write_all(socket_.get(), store::as_bytes(text), "socket"); }
  // One answer: its header and as much body as it announces.
  std::string receive() {
    size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return std::exchange(received_, {});
    end += 4;
    size_t length = 0;
    const std::string head = received_.substr(0, end);
    if (const size_t at = head.find("Content-Length: "); at != std::string::npos && !head_only_)
      length = std::stoul(head.substr(at + 16));
    while (received_.size() < end + length)
      if (!more()) break;
    std::string answer = received_.substr(0, end + length);
    received_.erase(0, end + length);
    return answer;
  }
  std::string exchange(std::string_view text) {
    head_only_ = text.starts_with("HEAD");
    send(text);
    return receive();
  }
  [[nodiscard]] bool at_end() { return received_.empty() && !more(); }

private:
  bool more() {
    std::byte buffer[4096];
    const size_t size = store::read_some(socket_.get(), buffer, "socket");
    received_.append(reinterpret_cast<const char*>(buffer), size);
    return size > 0;
  }
  store::UniqueFd socket_;
  std::string received_;
  bool head_only_ = false;
};

} // namespace registry
