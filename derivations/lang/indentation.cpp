// Two walks over the pieces: what the lines share, then without it.
#include "derivations/lang/indentation.hpp"
#include <algorithm>
#include <cstdint>

namespace lang {

void strip_indentation(std::vector<IndentedPiece>& pieces) {
  size_t shared = SIZE_MAX, indentation = 0;
  bool at_line_start = true;
  const auto line_has_something = [&] {
    if (at_line_start) shared = std::min(shared, indentation);
    at_line_start = false;
  };
  for (const IndentedPiece& piece : pieces) {
    if (piece.expr || !piece.counts_for_indentation) {
      line_has_something();
      continue;
    }
    for (const char c : piece.text) {
      if (c == '\n') {
        at_line_start = true;
        indentation = 0;
      } else if (at_line_start && c == ' ') {
        ++indentation;
      } else {
        line_has_something();
      }
    }
  }
  at_line_start = true;
  size_t dropped = 0;
  for (IndentedPiece& piece : pieces) {
    if (piece.expr) {
      at_line_start = false;
      dropped = 0;
      continue;
    }
    std::string kept;
    for (const char c : piece.text) {
      if (c == '\n') {
        at_line_start = true;
        dropped = 0;
      } else if (at_line_start && c == ' ') {
        if (dropped++ < shared) continue;
      } else {
        at_line_start = false;
        dropped = 0;
      }
      kept += c;
    }
    if (&piece == &pieces.back()) {
      const size_t newline = kept.rfind('\n');
      if (newline != std::string::npos && kept.find_first_not_of(' ', newline + 1) == std::string::npos)
        kept.resize(newline + 1);
    }
    piece.text = std::move(kept);
  }
}

} // namespace lang
