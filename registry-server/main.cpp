// registry-server: hosts a registry from one folder. One binary, no configuration file.
//
//   registry-server --root DIR [--listen ADDRESS:PORT] [--token-file FILE] [--trusted-key NAME:KEY]…
//
// Exit status: 0 stopped by SIGINT or SIGTERM, 1 cannot serve (the message says why), 2 wrong usage.
#include "registry-server/nix_cache.hpp"
#include "registry-server/web.hpp"
#include "store/local/local_store.hpp"
#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>

int main(int argc, char** argv) {
  CLI::App app("Serves a kpkg registry: a Nix binary cache with authenticated uploads, and a page for people.",
               "registry-server");
  std::string root, listen = "127.0.0.1:8080", token_file;
  std::vector<std::string> trusted;
  registry::NixCacheOptions cache;
  bool log = false;
  app.add_option("--root", root, "folder of the registry's data; created where missing")
      ->required()
      ->envname("KPKG_REGISTRY_ROOT");
  app.add_option("--listen", listen, "ADDRESS:PORT; port 0 takes a free one, which is printed")->capture_default_str();
  app.add_option("--token-file", token_file, "file with one upload token per line; without it nothing can be uploaded");
  app.add_option("--trusted-key", trusted, "NAME:BASE64; accept only paths that one of these keys signed (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--store-dir", cache.info.store_dir, "logical store directory of the paths")->capture_default_str();
  app.add_option("--priority", cache.info.priority, "told to clients; lower is asked first")->capture_default_str();
  app.add_flag("--log-requests", log, "print one line a request");
  app.set_version_flag("--version", "registry-server " KPKG_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    registry::ServerOptions options{.log_requests = log};
    const size_t colon = listen.rfind(':');
    if (colon == std::string::npos) throw std::runtime_error("--listen takes ADDRESS:PORT, not " + listen);
    options.address = listen.substr(0, colon);
    if (options.address.starts_with('[') && options.address.ends_with(']'))
      options.address = options.address.substr(1, options.address.size() - 2);
    const char* end = listen.data() + listen.size();
    const auto [rest, error] = std::from_chars(listen.data() + colon + 1, end, options.port);
    if (error != std::errc{} || rest != end)
      throw std::runtime_error("--listen: \"" + listen.substr(colon + 1) + "\" is no port");
    for (const auto& key : trusted)
      cache.trusted.push_back(store::unwrap(store::PublicKey::parse(key), "--trusted-key"));

    registry::Repository repository(root);
    const registry::Access access = token_file.empty() ? registry::Access() : registry::Access(token_file);
    std::vector<std::unique_ptr<registry::Protocol>> protocols;
    protocols.push_back(std::make_unique<registry::NixCache>(repository, access, std::move(cache)));
    protocols.push_back(std::make_unique<registry::Web>(repository));
    registry::Server server(options, std::move(protocols));
    std::cout << "listening on http://"
              << (options.address.find(':') == std::string::npos ? options.address : "[" + options.address + "]") << ':'
              << server.port() << std::endl;
    server.run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "registry-server: " << error.what() << std::endl;
    return 1;
  }
}
