// Values as text of the language, to the byte as `nix-instantiate --eval` prints them.
#include "derivations/lang/machine.hpp"
#include <cstdio>

namespace lang {

namespace {
void print_string(std::string& out, std::string_view text) {
  out += '"';
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += c;
      break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    case '$': out += i + 1 < text.size() && text[i + 1] == '{' ? "\\$" : "$"; break;
    default: out += c;
    }
  }
  out += '"';
}

// As it is written before `=`: bare if it is an identifier.
void print_name(std::string& out, std::string_view name) {
  static constexpr std::string_view kKeywords[] = {"if",  "then", "else", "assert", "with",
                                                   "let", "in",   "rec",  "inherit"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto other = [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == '\''; };
  const bool bare = !name.empty() && letter(name[0]) &&
                    std::ranges::all_of(name, [&](char c) { return letter(c) || other(c); }) &&
                    std::ranges::find(kKeywords, name) == std::end(kKeywords);
  if (bare)
    out += name;
  else
    print_string(out, name);
}
} // namespace

void Machine::print(std::string& out, Value v, std::set<const void*>& seen) {
  check_stack({});
  switch (v.tag()) {
  case Tag::integer: out += std::to_string(v.integer()); break;
  case Tag::floating: {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%g", v.floating());
    out += buffer;
    break;
  }
  case Tag::boolean: out += v.boolean() ? "true" : "false"; break;
  case Tag::null: out += "null"; break;
  case Tag::string: print_string(out, v.string()); break;
  case Tag::path: out += v.string(); break;
  case Tag::attrs:
    if (v.attrs().size != 0 && !seen.insert(&v.attrs()).second) {
      out += "«repeated»";
      break;
    }
    out += "{ ";
    for (const Attr* attr : by_name(v.attrs())) {
      print_name(out, symbols.text(attr->name));
      out += " = ";
      print(out, *attr->value, seen);
      out += "; ";
    }
    out += '}';
    break;
  case Tag::list:
    if (v.payload != 0 && !seen.insert(v.list().data()).second) {
      out += "«repeated»";
      break;
    }
    out += "[ ";
    for (const Value* item : v.list()) {
      print(out, *item, seen);
      out += ' ';
    }
    out += ']';
    break;
  case Tag::thunk:
  case Tag::apply:
  case Tag::blackhole: out += "<CODE>"; break;
  case Tag::lambda: out += "<LAMBDA>"; break;
  case Tag::primop: out += "<PRIMOP>"; break;
  case Tag::partial: out += "<PRIMOP-APP>"; break;
  }
}

} // namespace lang
