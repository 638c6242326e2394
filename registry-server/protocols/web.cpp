#include "registry-server/protocols/web.hpp"
#include <ctime>
#include <format>

namespace registry {

namespace {

constexpr size_t kListedPaths = 500;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    default: out += c;
    }
  return out;
}

std::string date(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return std::format("{:04}-{:02}-{:02} {:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min);
}

std::string size_text(uint64_t bytes) {
  if (bytes < 10'240) return std::format("{} B", bytes);
  if (bytes < 10'485'760) return std::format("{} KiB", bytes >> 10);
  return std::format("{} MiB", bytes >> 20);
}

Response front_page(Catalog& catalog) {
  std::string page = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>kpkg registry</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884 }
td:nth-child(2), th:nth-child(2) { text-align: right; white-space: nowrap }
code { font-size: .9em } pre { overflow-x: auto; padding: .6rem; background: #8882 }
</style></head><body>
<h1>kpkg registry</h1>
<p>A cache of signed store paths. Install one:</p>
<pre>kpkg install --from URL --trusted-key NAME:KEY /kpkg/store/DIGEST-NAME</pre>
<p>Stock Nix with the same store directory can use it as a substituter: <code>nix copy --from URL …</code></p>
)";
  page += std::format("<h2>{} store paths</h2>\n<table><thead><tr><th>Store path</th><th>Size</th><th>Added "
                      "(UTC)</th></tr></thead><tbody>\n",
                      catalog.count());
  for (const auto& path : catalog.list(kListedPaths))
    page += std::format("<tr><td><a href=\"/{0}.narinfo\"><code>{0}-{1}</code></a></td><td>{2}</td><td>{3}</td></tr>\n",
                        path.digest, escaped(path.name), size_text(path.nar_size_bytes), date(path.added_unix_s));
  page += "</tbody></table>\n</body></html>\n";
  Response response = typed_response(std::move(page), "text/html; charset=utf-8");
  response.headers = {{"Cache-Control", "no-cache"}};
  return response;
}

} // namespace

void add_web_routes(Router& router, Catalog& catalog) {
  for (const char* path : {"/", "/index.html"})
    router.add(http::verb::get, path, Runs::on_pool,
               [&catalog](const Request&, const Captures&) { return front_page(catalog); });
}

} // namespace registry
