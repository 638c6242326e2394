// The page a person sees at /: what this registry is, how to use it, what it holds.
#pragma once
#include "registry-server/http.hpp"
#include "registry-server/repository.hpp"

namespace registry {

class Web final : public Protocol {
public:
  explicit Web(Repository& repository) : repository_(repository) {}
  [[nodiscard]] bool handles(const Request& request) const override {
    return request.path == "/" || request.path == "/index.html";
  }
  [[nodiscard]] Response get(const Request& request) override;
  [[nodiscard]] std::unique_ptr<Upload> upload(const Request& request) override;

private:
  Repository& repository_;
};

} // namespace registry
