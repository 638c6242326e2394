#include "registry-server/http/router.hpp"
#include "registry-server/http/error.hpp"
#include <algorithm>
#include <stdexcept>

namespace registry {

std::string_view Captures::operator[](std::string_view name) const {
  const auto found = std::ranges::find(values_, name, [](const auto& value) { return value.first; });
  return found == values_.end() ? std::string_view{} : found->second;
}

Pattern::Pattern(std::string text) {
  std::string_view left = text;
  while (!left.empty()) {
    const size_t open = left.find('{');
    if (open != 0) parts_.push_back({Kind::literal, std::string(left.substr(0, open))});
    if (open == std::string_view::npos) break;
    const size_t close = left.find('}', open);
    if (close == std::string_view::npos) throw std::logic_error("route pattern " + text + ": \"}\" is missing");
    std::string name(left.substr(open + 1, close - open - 1));
    const bool rest = name.ends_with("...");
    if (rest) name.resize(name.size() - 3);
    parts_.push_back({rest ? Kind::rest : Kind::segment, std::move(name)});
    left.remove_prefix(close + 1);
  }
}

std::optional<Captures> Pattern::match(std::string_view path) const {
  Captures captures;
  if (!match_from(0, path, captures)) return {};
  return captures;
}

// Captures take as much as they can; patterns have few of them, and a path is at most a header long.
bool Pattern::match_from(size_t part, std::string_view path, Captures& captures) const {
  if (part == parts_.size()) return path.empty();
  const auto& [kind, text] = parts_[part];
  if (kind == Kind::literal) return path.starts_with(text) && match_from(part + 1, path.substr(text.size()), captures);
  const size_t most = kind == Kind::rest ? path.size() : std::min(path.find('/'), path.size());
  for (size_t length = most; length > 0; --length) {
    captures.values_.emplace_back(text, path.substr(0, length));
    if (match_from(part + 1, path.substr(length), captures)) return true;
    captures.values_.pop_back();
  }
  return false;
}

void Router::add(http::verb method, std::string pattern, Runs runs, Handler handler) {
  routes_.push_back({method, Pattern(std::move(pattern)), runs, std::move(handler)});
}

void Router::add_upload(http::verb method, std::string pattern, UploadHandler begin) {
  routes_.push_back({method, Pattern(std::move(pattern)), Runs::at_once, std::move(begin)});
}

Router::Match Router::find(http::verb method, std::string_view path) const {
  if (method == http::verb::head) method = http::verb::get;
  std::vector<http::verb> allowed;
  for (const Route& route : routes_) {
    auto captures = route.pattern.match(path);
    if (!captures) continue;
    if (route.method == method) return {&route, std::move(*captures)};
    if (!std::ranges::contains(allowed, route.method)) allowed.push_back(route.method);
  }
  if (allowed.empty()) throw HttpError(http::status::not_found, "nothing is served at " + std::string(path));
  std::string names;
  for (const http::verb verb : allowed) {
    const auto name = http::to_string(verb);
    names += (names.empty() ? "" : ", ") + std::string(name.data(), name.size());
    if (verb == http::verb::get) names += ", HEAD";
  }
  throw HttpError(http::status::method_not_allowed, "the methods here are " + names, {{"Allow", names}});
}

} // namespace registry
