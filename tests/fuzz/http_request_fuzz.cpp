// What the registry reads of a request line and its headers: whatever comes, targets stay below "/", ranges within the
// content, and a pattern's captures within the path.
#include "registry-server/http/conditions.hpp"
#include "registry-server/http/router.hpp"
#include <array>
#include <cstdlib>

using namespace registry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto target = parse_target(text)) {
    const std::string& path = target->path;
    if (!path.starts_with('/') || path.contains('\0') || path.contains("/../") || path.ends_with("/..")) std::abort();
    static const std::array<Pattern, 3> kPatterns{Pattern("/nar/{file}"), Pattern("/{digest}.narinfo"),
                                                  Pattern("/v2/{name...}/blobs/{digest}")};
    for (const Pattern& pattern : kPatterns)
      if (const auto captures = pattern.match(path))
        if ((*captures)["file"].contains('/') || (*captures)["digest"].contains('/')) std::abort();
    (void)query_parameter(target->query, "n");
  }
  for (const uint64_t content : {uint64_t{0}, uint64_t{1}, uint64_t{1000}, UINT64_MAX}) {
    const RangeAnswer range = parse_range(text, content);
    if (range.kind == RangeAnswer::Kind::part &&
        (range.length == 0 || range.first >= content || range.length > content - range.first))
      std::abort();
  }
  (void)presented_token(text);
  (void)matches_etag(text, "\"a\"", Comparison::weak);
  if (const auto date = parse_http_date(text)) (void)http_date(*date);
  return 0;
}
