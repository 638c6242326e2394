// The page a person sees at /: what this registry is, how to use it, what it holds.
#pragma once
#include "registry-server/http/router.hpp"
#include "registry-server/storage/catalog.hpp"

namespace registry {

// The catalog must outlive the router.
void add_web_routes(Router& router, Catalog& catalog);

} // namespace registry
