// toJSON and fromJSON. (RFC 8259; numbers without fraction and exponent are integers.)
#include "derivations/lang/machine.hpp"
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace lang {

namespace {

void print_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      if (static_cast<unsigned char>(c) < 0x20) {
        char buffer[8];
        std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
        out += buffer;
      } else {
        out += c;
      }
    }
  }
  out += '"';
}

class JsonParser {
public:
  JsonParser(Machine& m, Pos pos, std::string_view text) : m_(m), pos_(pos), text_(text) {}

  Value parse_all() {
    const Value result = value();
    blank();
    if (at_ != text_.size()) fail("unexpected text after the value");
    return result;
  }

private:
  [[noreturn]] void fail(const std::string& what) const {
    m_.fail(ErrorKind::value, pos_, "JSON, byte " + std::to_string(at_) + ": " + what);
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blank() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') ++at_;
  }
  void word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) fail("expected a value");
    at_ += expected.size();
  }

  Value value() {
    m_.check_stack(pos_);
    blank();
    switch (peek()) {
    case '{': return object();
    case '[': return array();
    case '"': return m_.make_string(string());
    case 't': word("true"); return Value::of_boolean(true);
    case 'f': word("false"); return Value::of_boolean(false);
    case 'n': word("null"); return Value::of_null();
    default: return number();
    }
  }

  Value array() {
    ++at_;
    std::vector<Value*> items;
    blank();
    if (peek() == ']') {
      ++at_;
      return Value::of_list(nullptr, 0);
    }
    for (;;) {
      items.push_back(m_.box(value()));
      blank();
      const char c = peek();
      if (c != ',' && c != ']') fail("expected ',' or ']'");
      ++at_;
      if (c == ']') break;
    }
    Value** list = m_.new_list(items.size());
    std::ranges::copy(items, list);
    return Value::of_list(list, items.size());
  }

  Value object() {
    ++at_;
    std::vector<Attr> attrs;
    blank();
    if (peek() == '}') {
      ++at_;
    } else {
      for (;;) {
        blank();
        if (peek() != '"') fail("expected a key");
        const Symbol name = m_.symbols.intern(string());
        blank();
        if (peek() != ':') fail("expected ':'");
        ++at_;
        attrs.push_back({name, {}, m_.box(value())});
        blank();
        const char c = peek();
        if (c != ',' && c != '}') fail("expected ',' or '}'");
        ++at_;
        if (c == '}') break;
      }
    }
    // The last of equal keys counts.
    std::ranges::reverse(attrs);
    std::ranges::stable_sort(attrs, {}, &Attr::name);
    attrs.erase(std::ranges::unique(attrs, {}, &Attr::name).begin(), attrs.end());
    Bindings* result = m_.new_bindings(attrs.size());
    std::ranges::copy(attrs, result->items);
    result->size = static_cast<uint32_t>(attrs.size());
    return Value::of_attrs(result);
  }

  Value number() {
    const size_t start = at_;
    const auto digits = [&] {
      const size_t first = at_;
      while (peek() >= '0' && peek() <= '9') ++at_;
      return at_ - first;
    };
    if (peek() == '-') ++at_;
    const bool zero = peek() == '0';
    const size_t whole = digits();
    if (whole == 0) {
      at_ = start;
      fail("expected a value");
    }
    if (zero && whole > 1) fail("a number cannot begin with 0");
    bool integral = true;
    if (peek() == '.') {
      ++at_;
      integral = false;
      if (digits() == 0) fail("expected a digit");
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      integral = false;
      if (peek() == '+' || peek() == '-') ++at_;
      if (digits() == 0) fail("expected a digit");
    }
    const std::string_view text = text_.substr(start, at_ - start);
    if (integral) {
      int64_t number = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{})
        return Value::of_integer(number);
      if (text[0] != '-') fail("the integer does not fit into 64 bits");
    }
    const double number = std::strtod(std::string{text}.c_str(), nullptr);
    if (!std::isfinite(number)) fail("the number is out of range");
    return Value::of_floating(number);
  }

  uint32_t hex4() {
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("expected four hexadecimal digits after \\u");
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return code;
  }

  void append_utf8(uint32_t code) {
    const auto add = [&](uint32_t byte) { buffer_ += static_cast<char>(byte); };
    if (code < 0x80) {
      add(code);
    } else if (code < 0x800) {
      add(0xc0 | code >> 6);
      add(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      add(0xe0 | code >> 12);
      add(0x80 | (code >> 6 & 0x3f));
      add(0x80 | (code & 0x3f));
    } else {
      add(0xf0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3f));
      add(0x80 | (code >> 6 & 0x3f));
      add(0x80 | (code & 0x3f));
    }
  }

  // One well-formed UTF-8 sequence at at_ (RFC 3629: no overlong forms, no surrogates), appended.
  void copy_utf8() {
    const auto byte = [&](size_t i) {
      return at_ + i < text_.size() ? static_cast<unsigned char>(text_[at_ + i]) : 0u;
    };
    const unsigned first = byte(0);
    const size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                          : first >= 0xe0 && first <= 0xef ? 3
                          : first >= 0xf0 && first <= 0xf4 ? 4
                                                           : 0;
    bool good = length != 0;
    for (size_t i = 1; i < length; ++i) good = good && (byte(i) & 0xc0) == 0x80;
    good = good && !(first == 0xe0 && byte(1) < 0xa0) && !(first == 0xed && byte(1) > 0x9f) &&
           !(first == 0xf0 && byte(1) < 0x90) && !(first == 0xf4 && byte(1) > 0x8f);
    if (!good) fail("the text is not valid UTF-8");
    buffer_ += text_.substr(at_, length);
    at_ += length;
  }

  const std::string& string() {
    ++at_;
    buffer_.clear();
    for (;;) {
      if (at_ >= text_.size()) fail("a string is never closed");
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return buffer_;
      }
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string must be escaped");
      if (static_cast<unsigned char>(c) >= 0x80) {
        copy_utf8();
        continue;
      }
      ++at_;
      if (c != '\\') {
        buffer_ += c;
        continue;
      }
      const char escape = peek();
      ++at_;
      switch (escape) {
      case '"':
      case '\\':
      case '/': buffer_ += escape; break;
      case 'b': buffer_ += '\b'; break;
      case 'f': buffer_ += '\f'; break;
      case 'n': buffer_ += '\n'; break;
      case 'r': buffer_ += '\r'; break;
      case 't': buffer_ += '\t'; break;
      case 'u': {
        uint32_t code = hex4();
        if (code >= 0xdc00 && code <= 0xdfff) fail("a low surrogate without a high one before it");
        if (code >= 0xd800 && code <= 0xdbff) {
          if (peek() != '\\' || at_ + 1 >= text_.size() || text_[at_ + 1] != 'u')
            fail("a high surrogate without a low one after it");
          at_ += 2;
          const uint32_t low = hex4();
          if (low < 0xdc00 || low > 0xdfff) fail("a high surrogate without a low one after it");
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        if (code == 0) fail("a string of the language cannot contain a NUL byte");
        append_utf8(code);
        break;
      }
      default: fail("unknown escape in a string");
      }
    }
  }

  Machine& m_;
  Pos pos_;
  std::string_view text_;
  size_t at_ = 0;
  std::string buffer_;
};

Value to_json(Machine& m, Pos pos, Value** args) {
  std::string out;
  ContextBuilder context;
  m.print_json(out, args[0], pos, context, true);
  return m.make_string(out, context.finish(m));
}

Value from_json(Machine& m, Pos pos, Value** args) {
  return JsonParser{m, pos, m.to_plain_string(args[0], pos)}.parse_all();
}

constexpr Primop kBuiltins[] = {
    {"toJSON", 1, to_json, "e",
     "JSON text for `e`. Sets with __toString or outPath become strings, paths are copied to the store."},
    {"fromJSON", 1, from_json, "s", "The value that the JSON text `s` stands for."},
};

} // namespace

void Machine::print_json(std::string& out, Value* value, Pos pos, ContextBuilder& context, bool copy) {
  check_stack(pos);
  const Value v = force(value, pos);
  switch (v.tag()) {
  case Tag::integer: out += std::to_string(v.integer()); return;
  case Tag::floating: {
    if (!std::isfinite(v.floating())) fail(ErrorKind::value, pos, "JSON has no infinite numbers");
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%g", v.floating());
    out += buffer;
    return;
  }
  case Tag::boolean: out += v.boolean() ? "true" : "false"; return;
  case Tag::null: out += "null"; return;
  case Tag::string:
    context.add(v.context());
    print_json_string(out, v.string());
    return;
  case Tag::path: print_json_string(out, coerce(v, pos, context, copy ? Coerce::copy_to_store : Coerce::plain)); return;
  case Tag::attrs: {
    if (v.attrs().find(names.to_string)) {
      print_json_string(out, coerce(v, pos, context, Coerce::plain));
      return;
    }
    if (const Attr* path = v.attrs().find(names.out_path)) {
      print_json(out, path->value, pos, context, copy);
      return;
    }
    out += '{';
    bool first = true;
    for (const Attr* attr : by_name(v.attrs())) {
      if (!first) out += ',';
      first = false;
      print_json_string(out, symbols.text(attr->name));
      out += ':';
      FrameGuard guard{*this, attr->pos, "while evaluating the attribute ", symbols.text(attr->name)};
      print_json(out, attr->value, pos, context, copy);
      guard.done();
    }
    out += '}';
    return;
  }
  case Tag::list: {
    out += '[';
    bool first = true;
    for (Value* item : v.list()) {
      if (!first) out += ',';
      first = false;
      print_json(out, item, pos, context, copy);
    }
    out += ']';
    return;
  }
  case Tag::lambda:
  case Tag::primop:
  case Tag::partial:
  case Tag::thunk:
  case Tag::apply:
  case Tag::blackhole: fail(ErrorKind::type, pos, "cannot convert " + describe_type(v) + " to JSON");
  }
}

std::span<const Primop> json_builtins() { return kBuiltins; }

} // namespace lang
