// The body of a request on its way in: PUT, POST or PATCH.
#pragma once
#include "registry-server/http/response.hpp"
#include <cstddef>
#include <memory>
#include <span>

namespace registry {

// Receives a body in order, then answers. write() and finish() run on the pool, one at a time, and may block; they may
// throw to answer early. Destroyed without finish() when the client goes away: what was written must not stay visible.
class Upload {
public:
  virtual ~Upload() = default;
  virtual void write(std::span<const std::byte> data) = 0;
  virtual Response finish() = 0;
  [[nodiscard]] virtual uint64_t limit_bytes() const = 0; // more is answered with 413
};

} // namespace registry
