// Collects what strings depend on (ContextElement), for the string that is made of them.
#pragma once
#include "derivations/lang/arena.hpp"
#include "derivations/lang/value.hpp"
#include <vector>

namespace lang {

class ContextBuilder {
public:
  void add(const Context* context) {
    if (!context || context == only_) return;
    if (!only_ && elements_.empty()) {
      only_ = context;
      return;
    }
    spill();
    elements_.insert(elements_.end(), context->span().begin(), context->span().end());
  }
  void add(Symbol element) {
    spill();
    elements_.push_back(element);
  }
  [[nodiscard]] bool empty() const { return !only_ && elements_.empty(); }
  [[nodiscard]] const Context* finish(Arena& arena); // null when empty
  [[nodiscard]] std::vector<Symbol> elements();      // sorted by symbol, without repeats

private:
  void spill() {
    if (only_) elements_.assign(only_->span().begin(), only_->span().end());
    only_ = nullptr;
  }
  const Context* only_ = nullptr; // most strings have one source: then nothing is copied
  std::vector<Symbol> elements_;
};

} // namespace lang
