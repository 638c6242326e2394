// Indented strings: what is left of their lines.
#pragma once
#include <string>
#include <vector>

namespace lang {

struct Expr;

struct IndentedPiece {
  Expr* expr; // an interpolation, or
  std::string text;
  bool counts_for_indentation; // plain text, not an escape
};

// Removes from every line the indentation that all lines with something on them share, and the last line if it has
// only blanks. Interpolations and escapes count as something, whatever they become.
void strip_indentation(std::vector<IndentedPiece>& pieces);

} // namespace lang
