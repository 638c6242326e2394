// The texts that were parsed, laid end to end in one space of offsets, so that a position is one number (Pos) and
// costs nothing until somebody asks for its line.
#pragma once
#include "derivations/lang/errors.hpp"
#include "derivations/lang/value.hpp"
#include <memory>
#include <string>
#include <vector>

namespace lang {

struct Source {
  std::string name; // the file's path, or «string»
  std::string text;
  bool is_file = false;
  uint32_t base = 0; // Pos of the first byte
};

class SourceMap {
public:
  // Throws when all sources together exceed 4 GiB. The reference stays valid.
  const Source& add(std::string name, std::string text, bool is_file);
  [[nodiscard]] Position resolve(Pos pos) const;
  [[nodiscard]] const Source* find(Pos pos) const;

private:
  std::vector<std::unique_ptr<Source>> sources_; // by base
  uint32_t next_ = 1;
};

} // namespace lang
