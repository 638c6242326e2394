// A narinfo that is accepted is accepted again as it is rewritten, and then says the same.
#include "store/format/narinfo.hpp"
#include <cstdlib>

using namespace store;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const Result<NarInfo> narinfo = NarInfo::parse(text)) {
    const std::string rewritten = narinfo->to_string();
    const Result<NarInfo> again = NarInfo::parse(rewritten);
    if (!again || again->to_string() != rewritten || again->info.fingerprint() != narinfo->info.fingerprint())
      std::abort();
    (void)narinfo->info.is_self_certifying();
  }
  if (const Result<CacheInfo> info = CacheInfo::parse(text); info && !CacheInfo::parse(info->to_string())) std::abort();
  return 0;
}
