#include <new>

#include <catch2/catch.hpp>

#include "runtime/types/type_registry.hpp"

using namespace runtime;

namespace {

constexpr HeapType heap(AbstractHeap type) { return HeapType::abstract(type); }
constexpr ValType nullable(HeapType type) { return ValType::ref(type, true); }
constexpr ValType non_null(HeapType type) { return ValType::ref(type, false); }

SubType structure(std::vector<FieldType> fields, std::optional<HeapType> super = {}, bool is_final = false) {
  return {.final_ = is_final, .super = super, .composite = StructType{std::move(fields)}};
}

TypeId intern_one(TypeRegistry& types, SubType type) {
  std::vector<SubType> group;
  group.push_back(std::move(type));
  return types.intern(std::move(group)).value();
}

} // namespace

TEST_CASE("equal function types have one id, different ones two") {
  TypeRegistry types;
  const TypeId a = types.intern(FuncType{{ValKind::i32}, {ValKind::i64}});
  CHECK(types.intern(FuncType{{ValKind::i32}, {ValKind::i64}}) == a);
  CHECK(types.intern(FuncType{{ValKind::i32, ValKind::i64}, {}}) != a);
  CHECK(types.intern(FuncType{{}, {ValKind::i32, ValKind::i64}}) != a);
  CHECK(types.func(a)->results == std::vector<ValType>{ValKind::i64});
  CHECK(types.size() == 3);
}

TEST_CASE("rec groups are equal as wholes: a type in a larger group is another type") {
  TypeRegistry types;
  const auto list = [] { return structure({{.type = nullable(HeapType::in_group(0)), .mutable_ = true}}); };
  const TypeId alone = intern_one(types, list());
  CHECK(intern_one(types, list()) == alone);
  std::vector<SubType> pair;
  pair.push_back(list());
  pair.push_back(structure({}));
  const TypeId in_pair = types.intern(pair).value();
  CHECK(in_pair != alone);
  CHECK(types.intern(pair).value() == in_pair);
  // Inside the registry the reference names the member itself.
  CHECK(std::get<StructType>(types.get(alone).composite).fields[0].type == nullable(HeapType::defined(alone)));
}

TEST_CASE("declared supertypes are found through the chain, and only along it") {
  TypeRegistry types;
  const FieldType number{.type = ValKind::i32};
  const TypeId top = intern_one(types, structure({}));
  const TypeId middle = intern_one(types, structure({number}, HeapType::defined(top)));
  const TypeId bottom = intern_one(types, structure({number, number}, HeapType::defined(middle)));
  const TypeId sibling = intern_one(types, structure({number, number}, HeapType::defined(top)));
  CHECK(types.is_subtype(bottom, top));
  CHECK(types.is_subtype(bottom, middle));
  CHECK_FALSE(types.is_subtype(top, bottom));
  CHECK_FALSE(types.is_subtype(sibling, middle));
  CHECK(types.supertypes(bottom).size() == 3);
  CHECK(types.supertypes(bottom)[0] == top);
}

TEST_CASE("a declared supertype must be open and match in content") {
  TypeRegistry types;
  const FieldType number{.type = ValKind::i32}, variable{.type = ValKind::i32, .mutable_ = true};
  const FieldType byte{.type = ValKind::i32, .packed = Packed::i8};
  const FieldType any{.type = nullable(heap(AbstractHeap::any))}, eq{.type = nullable(heap(AbstractHeap::eq))};
  const auto matches = [&](SubType super, SubType sub) {
    sub.super = HeapType::defined(intern_one(types, std::move(super)));
    return types.matches_declared_super(intern_one(types, std::move(sub)));
  };
  CHECK(matches(structure({number}), structure({number, any})));
  CHECK(matches(structure({any}), structure({eq})));
  CHECK_FALSE(matches(structure({eq}), structure({any})));
  CHECK_FALSE(matches(structure({number, any}), structure({number})));
  CHECK_FALSE(matches(structure({number}), structure({variable})));
  CHECK_FALSE(matches(structure({number}), structure({byte})));
  CHECK_FALSE(matches(structure({number}, {}, true), structure({number})));
  const FieldType variable_any{.type = any.type, .mutable_ = true}, variable_eq{.type = eq.type, .mutable_ = true};
  CHECK_FALSE(matches(structure({variable_any}), structure({variable_eq})));
  const auto function = [](ValType param, ValType result) {
    return SubType{.final_ = false, .super = {}, .composite = FuncType{{param}, {result}}};
  };
  CHECK(matches(function(eq.type, any.type), function(any.type, eq.type)));
  CHECK_FALSE(matches(function(any.type, any.type), function(eq.type, any.type)));
}

TEST_CASE("a supertype that is defined later, or of another kind, or too deep, is refused") {
  TypeRegistry types;
  std::vector<SubType> group;
  group.push_back(structure({}, HeapType::in_group(1)));
  group.push_back(structure({}));
  CHECK(types.intern(group).error().kind == ErrorKind::invalid);
  const TypeId function = types.intern(FuncType{});
  group.clear();
  group.push_back(structure({}, HeapType::defined(function)));
  CHECK(types.intern(group).error().kind == ErrorKind::invalid);

  TypeId last = intern_one(types, structure({}));
  for (size_t depth = 2; depth <= kMaxSubtypeDepth; ++depth)
    last = intern_one(types, structure({}, HeapType::defined(last)));
  CHECK(types.supertypes(last).size() == kMaxSubtypeDepth);
  group.clear();
  group.push_back(structure({}, HeapType::defined(last)));
  CHECK(types.intern(group).error().kind == ErrorKind::limit);
}

TEST_CASE("abstract heap types form the four hierarchies of the specification") {
  TypeRegistry types;
  using enum AbstractHeap;
  const std::vector<AbstractHeap> all = {func, nofunc,  extern_, noextern, any, eq,
                                         i31,  struct_, array,   none,     exn, noexn};
  const std::vector<std::pair<AbstractHeap, AbstractHeap>> below = {
      {eq, any},       {i31, any},    {struct_, any}, {array, any},        {none, any},
      {i31, eq},       {struct_, eq}, {array, eq},    {none, eq},          {none, i31},
      {none, struct_}, {none, array}, {nofunc, func}, {noextern, extern_}, {noexn, exn}};
  for (const AbstractHeap sub : all)
    for (const AbstractHeap super : all) {
      const bool expected = sub == super || std::ranges::find(below, std::pair{sub, super}) != below.end();
      INFO(static_cast<int>(sub) << " below " << static_cast<int>(super));
      CHECK(types.is_subtype(heap(sub), heap(super)) == expected);
    }
}

TEST_CASE("defined types lie between their kind and its bottom") {
  TypeRegistry types;
  using enum AbstractHeap;
  const HeapType function = HeapType::defined(types.intern(FuncType{}));
  const HeapType record = HeapType::defined(intern_one(types, structure({})));
  CHECK(types.is_subtype(function, heap(func)));
  CHECK_FALSE(types.is_subtype(function, heap(any)));
  CHECK(types.is_subtype(record, heap(struct_)));
  CHECK(types.is_subtype(record, heap(eq)));
  CHECK_FALSE(types.is_subtype(record, heap(array)));
  CHECK(types.is_subtype(heap(nofunc), function));
  CHECK(types.is_subtype(heap(none), record));
  CHECK_FALSE(types.is_subtype(heap(none), function));
  CHECK_FALSE(types.is_subtype(heap(struct_), record));
  CHECK(types.is_subtype(non_null(record), nullable(record)));
  CHECK_FALSE(types.is_subtype(nullable(record), non_null(record)));
  CHECK(types.is_subtype(ValType(), non_null(record)));
  CHECK(types.is_subtype(non_null(HeapType::bottom()), non_null(function)));
  CHECK_FALSE(types.is_subtype(non_null(HeapType::bottom()), ValKind::i32));
}

TEST_CASE("types print as in the text format") {
  CHECK(TypeRegistry::to_string(ValKind::v128) == "v128");
  CHECK(TypeRegistry::to_string(ValType::funcref()) == "(ref null func)");
  CHECK(TypeRegistry::to_string(ValType::ref(HeapType::defined(TypeId{5}), false)) == "(ref $5)");
}
