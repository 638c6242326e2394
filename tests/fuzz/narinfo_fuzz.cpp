// A narinfo that is accepted is accepted again as it is rewritten, and then says the same. Its archive lies at its
// cache's origin.
#include "store/format/narinfo.hpp"
#include "store/remote/url.hpp"
#include <cstdlib>

using namespace store;

namespace {

// The one other way to write the origin of the caches below: letters of any case, and the port.
bool stays_at_origin(std::string address) {
  for (char& c : address)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return address.starts_with("https://cache.example/") || address.starts_with("https://cache.example:443/") ||
         address.starts_with("https://cache.example?") || address == "https://cache.example";
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const Result<NarInfo> narinfo = NarInfo::parse(text)) {
    const std::string rewritten = narinfo->to_string();
    const Result<NarInfo> again = NarInfo::parse(rewritten);
    if (!again || again->to_string() != rewritten || again->info.fingerprint() != narinfo->info.fingerprint())
      std::abort();
    (void)narinfo->info.is_self_certifying();
    for (const char* cache : {"https://cache.example/a", "file:///cache"})
      if (const Result<std::string> address = resolve_within_cache(cache, narinfo->url);
          address && !address->starts_with(cache) && !stays_at_origin(*address))
        std::abort();
  }
  if (const Result<CacheInfo> info = CacheInfo::parse(text); info && !CacheInfo::parse(info->to_string())) std::abort();
  return 0;
}
