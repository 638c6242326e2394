// Values of the language: 16 bytes each, returned in two registers.
//
//   head    = pointer << 8 | tag      (user-space pointers have at most 56 bits)
//   payload = number, or pointer
//
//   tag        head pointer          payload
//   thunk      Env*                  Expr*            not evaluated yet
//   apply      Value* function       Value* argument  not applied yet
//   blackhole  -                     Expr* or 0       being evaluated: needing it again is infinite recursion
//   integer    -                     int64_t
//   floating   -                     double
//   boolean    -                     0 or 1
//   null       -                     -
//   string     Context* or null      StringData*
//   path       -                     StringData*      absolute, canonical
//   attrs      -                     Bindings*
//   list       Value**               size
//   lambda     Env*                  LambdaExpr*
//   primop     -                     Primop*
//   partial    Value* primop/partial Value* argument  a primop with some of its arguments
//
// Everything lives in the arena of one Evaluator and dies with it; nothing here has a destructor. A Value in the arena
// changes once, from thunk/apply to what it evaluates to (through blackhole). Elements of lists, attributes and
// environments are pointers, so that a value is evaluated at most once wherever it is shared.
#pragma once
#include "derivations/lang/symbols.hpp"
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

namespace lang {

struct Expr;
struct LambdaExpr;
struct Env;
struct Primop;
struct Value;
struct Bindings;

// A place in a source: an offset into all sources laid end to end (SourceMap); 0: none.
struct Pos {
  uint32_t offset = 0;
  explicit operator bool() const { return offset != 0; }
  friend bool operator==(Pos, Pos) = default;
};

struct StringData {
  size_t size;
  char data[]; // and a NUL
  [[nodiscard]] std::string_view view() const { return {data, size}; }
};

// The context of a string: what its text was made of. Elements are interned texts, sorted by symbol, without repeats:
// «/kpkg/store/…» a path; «!out!/kpkg/store/….drv» an output of a derivation; «=/kpkg/store/….drv» a derivation with
// everything it needs.
struct Context {
  uint32_t size;
  Symbol elements[];
  [[nodiscard]] std::span<const Symbol> span() const { return {elements, size}; }
};

enum class Tag : uint8_t {
  thunk,
  apply,
  blackhole, // the three that are not values yet come first
  integer,
  floating,
  boolean,
  null,
  string,
  path,
  attrs,
  list,
  lambda,
  primop,
  partial,
};

struct Value {
  uint64_t head = static_cast<uint64_t>(Tag::null);
  uint64_t payload = 0;

  [[nodiscard]] Tag tag() const { return static_cast<Tag>(head & 0xff); }
  [[nodiscard]] bool is(Tag t) const { return tag() == t; }
  [[nodiscard]] bool evaluated() const { return (head & 0xff) > static_cast<uint64_t>(Tag::blackhole); }

  // Packing a tag beside a pointer is what makes a value fit into two registers.
  // NOLINTBEGIN(performance-no-int-to-ptr)
  template <class T> [[nodiscard]] T* head_pointer() const { return reinterpret_cast<T*>(head >> 8); }
  template <class T> [[nodiscard]] T* pointer() const { return reinterpret_cast<T*>(payload); }
  // NOLINTEND(performance-no-int-to-ptr)

  [[nodiscard]] int64_t integer() const { return static_cast<int64_t>(payload); }
  [[nodiscard]] double floating() const { return std::bit_cast<double>(payload); }
  [[nodiscard]] bool boolean() const { return payload != 0; }
  [[nodiscard]] std::string_view string() const { return pointer<StringData>()->view(); } // of strings and paths
  [[nodiscard]] const char* c_str() const { return pointer<StringData>()->data; }
  [[nodiscard]] const Context* context() const { return head_pointer<Context>(); } // of strings; null: none
  [[nodiscard]] const Bindings& attrs() const { return *pointer<Bindings>(); }
  [[nodiscard]] std::span<Value* const> list() const { return {head_pointer<Value*>(), static_cast<size_t>(payload)}; }

  static Value make(Tag tag, const void* head_pointer, uint64_t payload) {
    return {reinterpret_cast<uint64_t>(head_pointer) << 8 | static_cast<uint64_t>(tag), payload};
  }
  static Value make(Tag tag, const void* head_pointer, const void* payload) {
    return make(tag, head_pointer, reinterpret_cast<uint64_t>(payload));
  }
  static Value of_integer(int64_t n) { return make(Tag::integer, nullptr, static_cast<uint64_t>(n)); }
  static Value of_floating(double x) { return make(Tag::floating, nullptr, std::bit_cast<uint64_t>(x)); }
  static Value of_boolean(bool b) { return make(Tag::boolean, nullptr, static_cast<uint64_t>(b)); }
  static Value of_null() { return make(Tag::null, nullptr, uint64_t{0}); }
  static Value of_string(const StringData* text, const Context* context) { return make(Tag::string, context, text); }
  static Value of_path(const StringData* text) { return make(Tag::path, nullptr, text); }
  static Value of_attrs(const Bindings* bindings) { return make(Tag::attrs, nullptr, bindings); }
  static Value of_list(Value* const* items, size_t size) {
    return make(Tag::list, static_cast<const void*>(items), uint64_t{size});
  }
};
static_assert(sizeof(Value) == 16);

struct Attr {
  Symbol name;
  Pos pos;
  Value* value;
};
static_assert(sizeof(Attr) == 16);

// The attributes of a set, sorted by symbol number (not by name).
struct Bindings {
  uint32_t size;
  Pos pos; // of the set's opening brace
  Attr items[];

  [[nodiscard]] const Attr* begin() const { return items; }
  [[nodiscard]] const Attr* end() const { return items + size; }
  [[nodiscard]] const Attr* find(Symbol name) const {
    const Attr* low = items;
    uint32_t count = size;
    while (count > 0) { // branch-free halving: the comparison becomes a conditional move
      const uint32_t half = count / 2;
      low = low[half].name.id <= name.id && count > 1 ? low + half : low;
      count = count > 1 ? count - half : 0;
    }
    return size != 0 && low->name == name ? low : nullptr;
  }
};

// The variables of one scope. Which slot a variable has is known after parsing.
struct Env {
  Env* up;
  Value* values[];
};

} // namespace lang
