#include "derivations/lang/json.hpp"
#include "derivations/lang/coerce.hpp"
#include "derivations/lang/machine.hpp"
#include "store/base/json_text.hpp"
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace lang {

namespace {

// As store::append_json_string, but for two characters that Nix 2.8 writes without their short escapes; texts with them
// are in the hashes of derivations.
void append_string(std::string& out, std::string_view text) {
  const size_t at = text.find_first_of("\b\f");
  if (at == std::string_view::npos) return store::append_json_string(out, text);
  append_string(out, text.substr(0, at));
  out.back() = '\\'; // in place of the closing quote
  out += text[at] == '\b' ? "u0008" : "u000c";
  const size_t quote = out.size();
  append_string(out, text.substr(at + 1));
  out.erase(quote, 1);
}

// Makes values of what nlohmann's parser reports. It calls no function for every level of nesting, so that depth is
// bounded here: whoever looks at a value must be able to follow it on the evaluator's stack.
class ValueMaker {
public:
  using Json = nlohmann::json;
  ValueMaker(Machine& m, Pos pos) : m_(m), pos_(pos), max_depth_(m.options.max_stack_bytes / kBytesPerLevel) {}

  bool null() { return add(Value::of_null()); }
  bool boolean(bool value) { return add(Value::of_boolean(value)); }
  bool number_integer(int64_t number) { return add(Value::of_integer(number)); }
  bool number_unsigned(uint64_t number) {
    if (number > INT64_MAX) fail("the integer does not fit into 64 bits");
    return add(Value::of_integer(static_cast<int64_t>(number)));
  }
  bool number_float(double number, const std::string& text) { // negative integers that do not fit come here, too
    if (text.find_first_of("-.eE") == std::string::npos) fail("the integer does not fit into 64 bits");
    return add(Value::of_floating(number));
  }
  bool string(std::string& text) {
    check_text(text);
    return add(m_.make_string(text));
  }
  bool binary(const std::vector<uint8_t>&) { return false; } // not in texts
  bool key(std::string& text) {
    check_text(text);
    open_.back().key = m_.symbols.intern(text);
    return true;
  }
  bool start_object(size_t) { return open(); }
  bool start_array(size_t) { return open(); }
  bool end_array() {
    const size_t first = close();
    Value** items = m_.new_list(pending_.size() - first);
    std::ranges::transform(std::span{pending_}.subspan(first), items, &Attr::value);
    const Value list = Value::of_list(items, pending_.size() - first);
    pending_.resize(first);
    return add(list);
  }
  bool end_object() {
    const size_t first = close();
    const std::span<Attr> members = std::span{pending_}.subspan(first);
    std::ranges::reverse(members); // the last of equal keys counts
    std::ranges::stable_sort(members, {}, &Attr::name);
    const size_t count = members.size() - std::ranges::unique(members, {}, &Attr::name).size();
    Bindings* bindings = m_.new_bindings(count);
    std::ranges::copy(members.first(count), bindings->items);
    bindings->size = static_cast<uint32_t>(count);
    pending_.resize(first);
    return add(Value::of_attrs(bindings));
  }
  bool parse_error(size_t position, const std::string&, const Json::exception& error) {
    // «[json.exception.parse_error.101] parse error at line 1, column 2: what»; out of range has no place.
    std::string_view what = error.what();
    const size_t place = what.find("column ");
    const size_t colon = place == std::string_view::npos ? what.find("] ") : what.find(": ", place);
    if (colon != std::string_view::npos) what.remove_prefix(colon + 2);
    fail("byte " + std::to_string(position) + ": " + std::string{what});
  }

  [[nodiscard]] Value result() const { return *pending_.front().value; }

private:
  static constexpr size_t kBytesPerLevel = 128;
  struct Open {
    size_t first; // its values begin in pending_
    Symbol key;   // of the member being read
  };

  [[noreturn]] void fail(const std::string& what) const { m_.fail(ErrorKind::value, pos_, "JSON: " + what); }
  void check_text(const std::string& text) const {
    if (text.contains('\0')) fail("a string of the language cannot contain a NUL byte");
  }
  bool add(Value value) {
    pending_.push_back({open_.empty() ? Symbol{} : open_.back().key, {}, m_.box(value)});
    return true;
  }
  bool open() {
    if (open_.size() == max_depth_)
      m_.fail(ErrorKind::stack_overflow, pos_, "JSON: nested deeper than " + std::to_string(max_depth_) + " levels",
              "a value of that depth is more than the evaluator's stack can hold");
    open_.push_back({pending_.size(), {}});
    return true;
  }
  size_t close() {
    const size_t first = open_.back().first;
    open_.pop_back();
    return first;
  }

  Machine& m_;
  Pos pos_;
  size_t max_depth_;
  std::vector<Open> open_;    // the arrays and objects around what is being read
  std::vector<Attr> pending_; // their values up to now, of arrays without a name
};

} // namespace

Value read_json(Machine& m, std::string_view text, Pos pos) {
  ValueMaker maker{m, pos};
  nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &maker);
  return maker.result();
}

void print_json(Machine& m, std::string& out, Value* value, Pos pos, ContextBuilder& context, bool copy) {
  if (out.size() > m.options.max_memory_bytes) throw std::bad_alloc{}; // values may be shared, their texts are not
  m.check_stack(pos);
  const Value v = m.force(value, pos);
  switch (v.tag()) {
  case Tag::integer: out += std::to_string(v.integer()); return;
  case Tag::floating: {
    if (!std::isfinite(v.floating())) m.fail(ErrorKind::value, pos, "JSON has no infinite numbers");
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%g", v.floating());
    out += buffer;
    return;
  }
  case Tag::boolean: out += v.boolean() ? "true" : "false"; return;
  case Tag::null: out += "null"; return;
  case Tag::string:
    context.add(v.context());
    append_string(out, v.string());
    return;
  case Tag::path: append_string(out, coerce(m, v, pos, context, copy ? Coerce::copy_to_store : Coerce::plain)); return;
  case Tag::attrs: {
    if (v.attrs().find(m.names.to_string)) {
      append_string(out, coerce(m, v, pos, context, Coerce::plain));
      return;
    }
    if (const Attr* path = v.attrs().find(m.names.out_path)) {
      print_json(m, out, path->value, pos, context, copy);
      return;
    }
    out += '{';
    bool first = true;
    for (const Attr* attr : m.by_name(v.attrs())) {
      if (!first) out += ',';
      first = false;
      append_string(out, m.symbols.text(attr->name));
      out += ':';
      FrameGuard guard{m, attr->pos, "while evaluating the attribute ", m.symbols.text(attr->name)};
      print_json(m, out, attr->value, pos, context, copy);
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
      print_json(m, out, item, pos, context, copy);
    }
    out += ']';
    return;
  }
  case Tag::lambda:
  case Tag::primop:
  case Tag::partial:
  case Tag::thunk:
  case Tag::apply:
  case Tag::blackhole: m.fail(ErrorKind::type, pos, "cannot convert " + m.describe_type(v) + " to JSON");
  }
}

} // namespace lang
