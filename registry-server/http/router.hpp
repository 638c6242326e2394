// Which handler answers which request. Protocols register their routes; the first that fits a path and method is
// taken.
//
// A pattern is a path with captures: «{name}» takes one or more characters without "/", «{name...}» also with
// slashes; the text around them stands for itself: "/nar/{file}", "/{digest}.narinfo",
// "/v2/{repository...}/manifests/{reference}". HEAD is answered by what answers GET, its body left out.
#pragma once
#include "registry-server/http/request.hpp"
#include "registry-server/http/response.hpp"
#include "registry-server/http/upload.hpp"
#include <functional>
#include <memory>
#include <vector>

namespace registry {

// The captures of one request, in the pattern's order: views, which the pattern and the path must outlive.
class Captures {
public:
  [[nodiscard]] std::string_view operator[](std::string_view name) const; // "" where the pattern has none of it

private:
  friend class Pattern;
  std::vector<std::pair<std::string_view, std::string_view>> values_; // views of the pattern and of the path
};

class Pattern {
public:
  explicit Pattern(std::string text); // wrong patterns are errors of the program: std::logic_error
  [[nodiscard]] std::optional<Captures> match(std::string_view path) const;

private:
  enum class Kind : uint8_t { literal, segment, rest };
  struct Part {
    Kind kind;
    std::string text; // the literal, or the capture's name
  };
  [[nodiscard]] bool match_from(size_t part, std::string_view path, Captures& captures) const;
  std::vector<Part> parts_;
};

using Handler = std::function<Response(const Request&, const Captures&)>;
// Looks at the header alone and refuses, or begins to take the body.
using UploadHandler = std::function<std::unique_ptr<Upload>(const Request&, const Captures&)>;

// Where a handler runs: on the thread that serves all sessions, when it is done in microseconds, else on the pool.
enum class Runs : uint8_t { at_once, on_pool };

struct Route {
  http::verb method;
  Pattern pattern;
  Runs runs = Runs::on_pool;
  std::variant<Handler, UploadHandler> handler;
};

// Filled before the server runs, then only read: from any thread.
class Router {
public:
  void add(http::verb method, std::string pattern, Runs runs, Handler handler); // without a body: GET, DELETE
  void add_upload(http::verb method, std::string pattern, UploadHandler begin); // PUT, POST, PATCH

  struct Match {
    const Route* route;
    Captures captures; // views of `path`
  };
  // HttpError: 404 where no pattern fits, 405 with Allow where none with this method does.
  [[nodiscard]] Match find(http::verb method, std::string_view path) const;

private:
  std::vector<Route> routes_;
};

} // namespace registry
