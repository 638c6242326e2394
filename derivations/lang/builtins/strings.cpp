// Builtins on strings.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/coerce.hpp"
#include "derivations/lang/machine.hpp"
#include "derivations/lang/paths.hpp"
#include <array>

namespace lang {

namespace {

Value to_string_(Machine& m, Pos pos, Value** args) {
  const Value v = m.force(args[0], pos);
  if (v.is(Tag::string)) return v;
  ContextBuilder context;
  const std::string_view text = coerce(m, v, pos, context, Coerce::more);
  return m.make_string(text, context.finish(m.arena));
}

Value string_length(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  return Value::of_integer(
      static_cast<int64_t>(coerce(m, m.force(args[0], pos), pos, context, Coerce::copy_to_store).size()));
}

Value substring(Machine& m, Pos pos, Value** args) {
  const int64_t start = m.to_integer(args[0], pos);
  const int64_t length = m.to_integer(args[1], pos);
  ContextBuilder context;
  const std::string_view text = coerce(m, m.force(args[2], pos), pos, context, Coerce::copy_to_store);
  if (start < 0) m.fail(ErrorKind::value, pos, "the start of a substring is negative: " + std::to_string(start));
  const auto from = static_cast<uint64_t>(start);
  const std::string_view piece =
      from >= text.size() ? std::string_view{}
                          : text.substr(from, length < 0 ? std::string_view::npos : static_cast<size_t>(length));
  return m.make_string(piece, context.finish(m.arena));
}

Value concat_strings_sep(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  const std::string_view separator = m.to_string(args[0], pos, &context);
  const auto items = m.to_list(args[1], pos);
  std::vector<std::string_view> pieces;
  pieces.reserve(items.size());
  size_t size = items.empty() ? 0 : separator.size() * (items.size() - 1);
  for (Value* item : items) {
    pieces.push_back(coerce(m, m.force(item, pos), pos, context, Coerce::copy_to_store));
    size += pieces.back().size();
  }
  StringData* text = m.new_text(size);
  char* at = text->data;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i) at = std::ranges::copy(separator, at).out;
    at = std::ranges::copy(pieces[i], at).out;
  }
  return Value::of_string(text, context.finish(m.arena));
}

// At every place the first pattern that matches wins; the empty one matches everywhere, the end included.
Value replace_strings(Machine& m, Pos pos, Value** args) {
  const auto from_list = m.to_list(args[0], pos), to_list = m.to_list(args[1], pos);
  if (from_list.size() != to_list.size())
    m.fail(ErrorKind::value, pos,
           "the lists of patterns and replacements have different lengths: " + std::to_string(from_list.size()) +
               " and " + std::to_string(to_list.size()));
  std::vector<std::string_view> from;
  std::array<std::vector<uint32_t>, 256> by_first_byte;
  std::vector<uint32_t> empties;
  for (Value* item : from_list) {
    from.push_back(m.to_string(item, pos, nullptr));
    const auto index = static_cast<uint32_t>(from.size() - 1);
    if (from.back().empty()) { // matches wherever no earlier pattern does
      for (auto& candidates : by_first_byte) candidates.push_back(index);
      empties.push_back(index);
    } else {
      by_first_byte[static_cast<unsigned char>(from.back()[0])].push_back(index);
    }
  }
  ContextBuilder context;
  std::vector<std::optional<std::string_view>> to(to_list.size());
  const auto replacement = [&](uint32_t index) { // only those used are evaluated and leave their context
    if (!to[index]) to[index] = m.to_string(to_list[index], pos, &context);
    return *to[index];
  };
  const std::string_view text = m.to_string(args[2], pos, &context);
  std::string result;
  result.reserve(text.size());
  size_t at = 0;
  while (at < text.size()) {
    bool found = false;
    for (const uint32_t index : by_first_byte[static_cast<unsigned char>(text[at])]) {
      if (!text.substr(at).starts_with(from[index])) continue;
      result += replacement(index);
      if (result.size() > m.options.max_memory_bytes) throw std::bad_alloc{}; // before it is copied to the arena
      if (from[index].empty()) result += text[at++];
      at += from[index].size();
      found = true;
      break;
    }
    if (!found) result += text[at++];
  }
  if (!empties.empty()) result += replacement(empties.front());
  return m.make_string(result, context.finish(m.arena));
}

Value hash_string(Machine& m, Pos pos, Value** args) {
  const std::string name{m.to_plain_string(args[0], pos)};
  const auto algorithm = store::parse_hash_algorithm(name);
  if (!algorithm)
    m.fail(ErrorKind::value, pos, "unknown hash algorithm '" + name + "'", "known are md5, sha1, sha256 and sha512");
  return m.make_string(store::hash_text(m.to_string(args[1], pos, nullptr), *algorithm).base16());
}

Value base_name(Machine& m, Pos pos, Value** args) {
  ContextBuilder context;
  const std::string_view text = coerce(m, m.force(args[0], pos), pos, context, Coerce::plain);
  return m.make_string(base_name_of(text), context.finish(m.arena));
}

Value directory(Machine& m, Pos pos, Value** args) {
  const Value v = m.force(args[0], pos);
  if (v.is(Tag::path)) return m.make_path(directory_of(v.string()));
  ContextBuilder context;
  const std::string_view text = coerce(m, v, pos, context, Coerce::plain);
  return m.make_string(directory_of(text), context.finish(m.arena));
}

constexpr Primop kBuiltins[] = {
    {"toString", 1, to_string_, "e",
     "Text for `e`: of numbers their digits, of true \"1\", of false and null \"\", of lists the elements with blanks "
     "between them, of paths the path itself, of sets what __toString or outPath says."},
    {"stringLength", 1, string_length, "s", "The number of bytes of `s`."},
    {"substring", 3, substring, "start length s",
     "At most `length` bytes of `s` from byte `start`; up to the end if `length` is negative."},
    {"concatStringsSep", 2, concat_strings_sep, "separator list",
     "The strings of `list` with `separator` between them."},
    {"replaceStrings", 3, replace_strings, "from to s",
     "`s` with every string in `from` replaced by the one at its place in `to`."},
    {"hashString", 2, hash_string, "algorithm s",
     "The hash of `s` in base 16; the algorithm is md5, sha1, sha256 or sha512."},
    {"baseNameOf", 1, base_name, "path", "What comes after the last slash."},
    {"dirOf", 1, directory, "path", "What comes before the last slash; a path for a path, a string for a string."},
};

} // namespace

std::span<const Primop> string_builtins() { return kBuiltins; }

} // namespace lang
