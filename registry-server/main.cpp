// registry-server: hosts a registry from one folder. One binary, no configuration file; docs/man/registry-server.1 is
// its manual.
#include "registry-server/http/server.hpp"
#include "registry-server/protocols/nix_cache.hpp"
#include "registry-server/protocols/web.hpp"
#include "registry-server/storage/folder_blobs.hpp"
#include "registry-server/storage/sqlite_catalog.hpp"
#include "store/base/printable_text.hpp"
#include "store/posix/folder.hpp"
#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>

namespace {

constexpr const char* kFooter = R"(
Environment:
  KPKG_REGISTRY_ROOT  the folder, where --root is not given

Examples:
  head -c 24 /dev/urandom | base64 >token
  registry-server --root /srv/registry --token-file token
  registry-server --root /srv/registry --listen [::]:80 --trusted-key acme-1:BASE64

Exit status:
  0  stopped by SIGINT or SIGTERM
  1  cannot serve; the message says why
  2  wrong usage)";

// ADDRESS:PORT, an IPv6 address in brackets.
void parse_listen(const std::string& listen, registry::ServerOptions& options) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos)
    throw store::UserError("--listen takes ADDRESS:PORT, not " + listen, "for example 127.0.0.1:8080");
  options.address = listen.substr(0, colon);
  if (options.address.starts_with('[') && options.address.ends_with(']'))
    options.address = options.address.substr(1, options.address.size() - 2);
  const char* end = listen.data() + listen.size();
  const auto [rest, error] = std::from_chars(listen.data() + colon + 1, end, options.port);
  if (error != std::errc{} || rest != end)
    throw store::UserError("--listen: \"" + listen.substr(colon + 1) + "\" is no port", "a number up to 65535");
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("Serves a kpkg registry: a Nix binary cache with authenticated uploads, and a page for people.",
               "registry-server");
  std::string root, listen = "127.0.0.1:8080", token_file;
  std::vector<std::string> trusted;
  registry::NixCacheOptions cache;
  registry::ServerOptions options;
  app.add_option("--root", root, "folder of the registry's data; created where missing, for its owner alone")
      ->required()
      ->envname("KPKG_REGISTRY_ROOT");
  app.add_option("--listen", listen, "ADDRESS:PORT; port 0 takes a free one, which is printed")->capture_default_str();
  app.add_option("--token-file", token_file, "file with one upload token per line; without it nothing can be uploaded");
  app.add_option("--trusted-key", trusted, "NAME:BASE64; accept only paths that one of these keys signed (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--store-dir", cache.info.store_dir, "logical store directory of the paths")->capture_default_str();
  app.add_option("--priority", cache.info.priority, "told to clients; lower is asked first")->capture_default_str();
  app.add_flag("--log-requests", options.log_requests, "print one line a request");
  app.set_version_flag("--version", "registry-server " KPKG_VERSION);
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    parse_listen(listen, options);
    for (const auto& key : trusted)
      cache.trusted.push_back(store::unwrap(store::PublicKey::parse(key), "--trusted-key"));

    const registry::Access access = token_file.empty() ? registry::Access() : registry::Access(token_file);
    store::make_folder(root, 0700);
    registry::FolderBlobs blobs(root);
    registry::SqliteCatalog catalog(root);
    registry::NixCache nix_cache(catalog, blobs, access, std::move(cache));
    registry::Router router;
    nix_cache.add_routes(router);
    registry::add_web_routes(router, catalog);
    registry::Server server(options, std::move(router));
    std::cout << "listening on http://"
              << (options.address.find(':') == std::string::npos ? options.address : "[" + options.address + "]") << ':'
              << server.port() << std::endl;
    server.run();
    return 0;
  } catch (const store::UserError& error) {
    std::cerr << "registry-server: " << store::printable(error.what()) << (error.hint().empty() ? "" : "; ")
              << store::printable(error.hint()) << std::endl;
  } catch (const std::exception& error) {
    std::cerr << "registry-server: " << store::printable(error.what()) << std::endl;
  }
  return 1;
}
