// The server: one port, HTTP/1.1. One thread runs all sessions as coroutines; what takes longer than microseconds,
// bodies of uploads above all, runs on a fixed pool, so that no client waits for another one's hashing.
#pragma once
#include "registry-server/http/router.hpp"
#include <memory>
#include <string>

namespace registry {

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 8080;   // 0: any free one
  unsigned pool_size = 0; // threads; 0: one a processor, at least two
  bool log_requests = false;
};

// Serves until stop() or SIGINT/SIGTERM; then idle connections are closed and requests under way may finish (5 s).
class Server {
public:
  Server(ServerOptions options, Router router); // UserError where the address cannot be bound
  ~Server();
  [[nodiscard]] uint16_t port() const; // bound in the constructor
  void run();                          // once
  void stop();                         // from any thread

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace registry
