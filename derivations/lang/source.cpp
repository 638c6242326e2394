// From offsets to lines and columns.
#include "derivations/lang/source.hpp"
#include <algorithm>

namespace lang {

const Source& SourceMap::add(std::string name, std::string text, bool is_file) {
  if (text.size() + 1 > UINT32_MAX - next_)
    throw EvalError(ErrorKind::parse, "cannot read '" + name + "': all sources together are larger than 4 GiB");
  auto source = std::make_unique<Source>(Source{std::move(name), std::move(text), is_file, next_});
  next_ += static_cast<uint32_t>(source->text.size()) + 1; // one more: the end of the text is a position too
  return *sources_.emplace_back(std::move(source));
}

const Source* SourceMap::find(Pos pos) const {
  if (!pos) return nullptr;
  const auto after = std::ranges::upper_bound(sources_, pos.offset, {}, [](const auto& s) { return s->base; });
  return after == sources_.begin() ? nullptr : std::prev(after)->get();
}

Position SourceMap::resolve(Pos pos) const {
  const Source* source = find(pos);
  if (!source) return {};
  const std::string_view text = source->text;
  const size_t offset = std::min<size_t>(pos.offset - source->base, text.size());
  const std::string_view before = text.substr(0, offset);
  const size_t line_start = before.rfind('\n') + 1; // npos + 1 is 0
  std::string_view line = text.substr(line_start);
  line = line.substr(0, line.find_first_of("\r\n"));
  return {source->name, static_cast<uint32_t>(1 + std::ranges::count(before, '\n')),
          static_cast<uint32_t>(1 + offset - line_start), std::string{line.substr(0, 2000)}};
}

} // namespace lang
