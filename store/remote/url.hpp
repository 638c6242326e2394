// Addresses of caches: what a narinfo may make a client fetch, and what of an address people may see.
#pragma once
#include "store/base/error.hpp"
#include <string>

namespace store {

// The address of a narinfo's URL, seen from its cache: relative to it, or whole and of the same scheme, host and port;
// of a file: cache, below its folder. Everything else is a mismatch, told before a request goes out. `cache`: without a
// slash at its end.
[[nodiscard]] Result<std::string> resolve_within_cache(const std::string& cache, const std::string& url);

// The address without user name and password, for messages.
[[nodiscard]] std::string shown_url(const std::string& url);

} // namespace store
