// Code objects: see code.hpp.
#include "runtime/exec/code.hpp"

#include <algorithm>
#include <cstring>

namespace runtime {

Result<std::unique_ptr<CodeObject>> CodeObject::make(CompiledCode compiled) {
  if (compiled.code.empty()) return nullptr;
  std::unique_ptr<CodeObject> object(new CodeObject);
  const size_t page = platform::page_size_bytes();
  object->mapping_ = TRY(platform::map_code((compiled.code.size() + page - 1) / page * page));
  std::memcpy(object->mapping_.writable, compiled.code.data(), compiled.code.size());
  platform::seal_code(object->mapping_);
  object->functions_ = std::move(compiled.functions);
  object->traps_ = std::move(compiled.traps);
  object->calls_ = std::move(compiled.calls);
  return object;
}

CodeObject::~CodeObject() { platform::unmap_code(mapping_); }

namespace {
template <class Site> const Site* site_at(const std::vector<Site>& sites, uintptr_t offset) {
  const auto found = std::lower_bound(sites.begin(), sites.end(), offset,
                                      [](const Site& site, uintptr_t wanted) { return site.code_offset < wanted; });
  return found != sites.end() && found->code_offset == offset ? &*found : nullptr;
}
} // namespace

const TrapSite* CodeObject::trap_at(uintptr_t pc) const { return site_at(traps_, pc - begin()); }
const CallSite* CodeObject::call_returning_to(uintptr_t pc) const { return site_at(calls_, pc - begin()); }

std::optional<uint32_t> CodeObject::defined_function_at(uint32_t code_offset) const {
  const auto after = std::upper_bound(functions_.begin(), functions_.end(), code_offset,
                                      [](uint32_t wanted, const CodeRange& range) { return wanted < range.begin; });
  if (after == functions_.begin()) return std::nullopt;
  return static_cast<uint32_t>(after - functions_.begin() - 1); // code behind the end (out-of-line parts) included
}

} // namespace runtime
