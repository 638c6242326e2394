#include "derivations/lang/string_context.hpp"
#include <algorithm>

namespace lang {

std::vector<Symbol> ContextBuilder::elements() {
  if (only_) return {only_->span().begin(), only_->span().end()};
  std::ranges::sort(elements_);
  elements_.erase(std::ranges::unique(elements_).begin(), elements_.end());
  return elements_;
}

const Context* ContextBuilder::finish(Arena& arena) {
  if (only_ || elements_.empty()) return only_;
  const std::vector<Symbol> all = elements();
  auto* context = static_cast<Context*>(arena.allocate(sizeof(Context) + all.size() * sizeof(Symbol)));
  context->size = static_cast<uint32_t>(all.size());
  std::ranges::copy(all, context->elements);
  return context;
}

} // namespace lang
