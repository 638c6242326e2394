// One connection, from its first request to its last: keep-alive and pipelining as Boost.Beast gives them.
//
// Bodies of uploads are read into two chunks in turn: while the pool writes one, the next is read, in order, and no
// further; that is all the memory an upload takes. Files are answered with sendfile(2). Limits: 16 KiB of header,
// time-outs for each read and write, and the limit that an Upload names. A client whose body was not read gets some
// seconds to read the answer before the connection breaks.
#pragma once
#include "registry-server/http/router.hpp"
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>
#include <unordered_set>

namespace registry {

// What the sessions of a server share; used by its one thread alone.
struct SessionContext {
  const Router& router;
  boost::asio::thread_pool& pool;
  bool log_requests = false;
  bool stopping = false;                                       // no session takes a further request
  std::unordered_set<boost::asio::ip::tcp::socket*> idle = {}; // waiting for a request
};

// Ends when the connection does; errors of the connection end it silently.
boost::asio::awaitable<void> serve_session(boost::asio::ip::tcp::socket socket, SessionContext& context);

} // namespace registry
