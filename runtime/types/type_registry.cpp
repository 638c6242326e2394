// Interning of rec groups and subtyping (spec §3.1.2, §3.3).
//
// A group's key is its members written as words, where a reference to a type outside the group is that type's canonical
// id and one inside is the member's position: two groups are iso-recursively equal exactly when their keys are.
// Subtyping between defined types is a comparison in the display, the chain of declared supertypes.
#include "runtime/types/type_registry.hpp"
#include "store/base/thread_annotations.hpp"
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <format>
#include <mutex>
#include <unordered_map>

namespace runtime {
namespace {

HeapType resolve(HeapType heap, uint32_t first) {
  return heap.is_in_group() ? HeapType::defined(TypeId{first + heap.group_index()}) : heap;
}

void resolve(ValType& type, uint32_t first) {
  if (type.is_ref()) type = ValType::ref(resolve(type.heap(), first), type.is_nullable());
}

struct KeyWriter {
  std::u32string key;
  void word(uint32_t value) { key.push_back(static_cast<char32_t>(value)); }
  void type(ValType type) {
    word(type.is_ref() ? 8u | (type.is_nullable() ? 1u : 0u) : static_cast<uint32_t>(type.kind()));
    if (type.is_ref()) word(type.heap().bits());
  }
  void field(const FieldType& field) {
    word(static_cast<uint32_t>(field.packed) << 1 | (field.mutable_ ? 1u : 0u));
    type(field.type);
  }
  void member(const SubType& member) {
    word(member.final_ ? 1 : 0);
    word(member.super ? member.super->bits() : ~0u);
    word(static_cast<uint32_t>(member.composite.index()));
    if (const auto* function = std::get_if<FuncType>(&member.composite)) {
      word(static_cast<uint32_t>(function->params.size()));
      for (ValType param : function->params) type(param);
      word(static_cast<uint32_t>(function->results.size()));
      for (ValType result : function->results) type(result);
    } else if (const auto* structure = std::get_if<StructType>(&member.composite)) {
      word(static_cast<uint32_t>(structure->fields.size()));
      for (const FieldType& each : structure->fields) field(each);
    } else {
      field(std::get<ArrayType>(member.composite).element);
    }
  }
};

void resolve(SubType& member, uint32_t first) {
  if (member.super) member.super = resolve(*member.super, first);
  if (auto* function = std::get_if<FuncType>(&member.composite)) {
    for (ValType& param : function->params) resolve(param, first);
    for (ValType& result : function->results) resolve(result, first);
  } else if (auto* structure = std::get_if<StructType>(&member.composite)) {
    for (FieldType& each : structure->fields) resolve(each.type, first);
  } else {
    resolve(std::get<ArrayType>(member.composite).element.type, first);
  }
}

// Spec §3.3.3 for two abstract heap types.
bool is_abstract_subtype(AbstractHeap sub, AbstractHeap super) {
  using enum AbstractHeap;
  if (sub == super) return true;
  switch (super) {
  case any: return sub == eq || sub == i31 || sub == struct_ || sub == array || sub == none;
  case eq: return sub == i31 || sub == struct_ || sub == array || sub == none;
  case i31:
  case struct_:
  case array: return sub == none;
  case func: return sub == nofunc;
  case extern_: return sub == noextern;
  case exn: return sub == noexn;
  case none:
  case nofunc:
  case noextern:
  case noexn: return false;
  }
  return false;
}

const char* heap_name(AbstractHeap heap) {
  switch (heap) {
  case AbstractHeap::func: return "func";
  case AbstractHeap::nofunc: return "nofunc";
  case AbstractHeap::extern_: return "extern";
  case AbstractHeap::noextern: return "noextern";
  case AbstractHeap::any: return "any";
  case AbstractHeap::eq: return "eq";
  case AbstractHeap::i31: return "i31";
  case AbstractHeap::struct_: return "struct";
  case AbstractHeap::array: return "array";
  case AbstractHeap::none: return "none";
  case AbstractHeap::exn: return "exn";
  case AbstractHeap::noexn: return "noexn";
  }
  return "bottom";
}

struct KeyHash {
  size_t operator()(const std::u32string& key) const {
    uint64_t hash = 0x9e37'79b9'7f4a'7c15;
    for (char32_t word : key) {
      hash = (hash ^ static_cast<uint32_t>(word)) * 0xff51'afd7'ed55'8ccd;
      hash ^= hash >> 32;
    }
    return hash;
  }
};

} // namespace

namespace {

struct Entry {
  SubType type;
  std::vector<TypeId> display; // supertypes from the root, the type itself last
};

// An array that only grows, in chunks of kFirst, kFirst, 2 kFirst, 4 kFirst, … entries that never move. One thread at a
// time appends; any number reads, without a lock, the entries that it knows of.
class EntryTable {
public:
  EntryTable() = default;
  ~EntryTable() {
    for (std::atomic<Entry*>& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
  }
  EntryTable(const EntryTable&) = delete;
  EntryTable& operator=(const EntryTable&) = delete;

  [[nodiscard]] uint32_t size() const { return size_.load(std::memory_order_acquire); }
  [[nodiscard]] const Entry& operator[](uint32_t index) const {
    const Place place = place_of(index);
    return chunks_[place.chunk].load(std::memory_order_acquire)[place.at];
  }
  void append(Entry entry) {
    const uint32_t index = size_.load(std::memory_order_relaxed);
    const Place place = place_of(index);
    Entry* chunk = chunks_[place.chunk].load(std::memory_order_relaxed);
    if (chunk == nullptr) {
      chunk = new Entry[place.chunk == 0 ? kFirst : kFirst << (place.chunk - 1)];
      chunks_[place.chunk].store(chunk, std::memory_order_release);
    }
    chunk[place.at] = std::move(entry);
    size_.store(index + 1, std::memory_order_release);
  }

private:
  static constexpr uint32_t kFirst = 32;
  struct Place {
    uint32_t chunk, at;
  };
  static Place place_of(uint32_t index) {
    const auto chunk = static_cast<uint32_t>(std::bit_width(index / kFirst));
    return {chunk, chunk == 0 ? index : index - (kFirst << (chunk - 1))};
  }
  std::array<std::atomic<Entry*>, 24> chunks_{};
  std::atomic<uint32_t> size_ = 0;
  static_assert((uint64_t{kFirst} << 23) > HeapType::kMaxTypeId);
};

} // namespace

struct TypeRegistry::State {
  std::mutex interning; // for appending to `entries`, too
  EntryTable entries;
  std::unordered_map<std::u32string, TypeId, KeyHash> groups KPKG_GUARDED_BY(interning);

  [[nodiscard]] const Entry& at(TypeId id) const { return entries[static_cast<uint32_t>(id)]; }
};

TypeRegistry::TypeRegistry() : state_(std::make_unique<State>()) {}
TypeRegistry::~TypeRegistry() = default;

Result<TypeId> TypeRegistry::intern(std::vector<SubType> group) {
  KeyWriter writer;
  writer.word(static_cast<uint32_t>(group.size()));
  for (const SubType& member : group) writer.member(member);
  const std::lock_guard lock(state_->interning);
  if (const auto known = state_->groups.find(writer.key); known != state_->groups.end()) return known->second;

  const uint32_t first = state_->entries.size();
  if (group.size() > HeapType::kMaxTypeId - first)
    return std::unexpected(Error{.kind = ErrorKind::limit, .message = "too many types in one engine"});
  std::vector<Entry> entries;
  entries.reserve(group.size());
  const auto refuse = [](ErrorKind kind, std::string message) {
    return std::unexpected(Error{.kind = kind, .message = std::move(message)});
  };
  for (uint32_t i = 0; i < group.size(); ++i) {
    Entry entry{.type = std::move(group[i]), .display = {}};
    resolve(entry.type, first);
    if (entry.type.super) {
      if (!entry.type.super->is_defined() || static_cast<uint32_t>(entry.type.super->type_id()) >= first + i)
        return refuse(ErrorKind::invalid, "sub type: a supertype is a type defined earlier");
      const uint32_t super_index = static_cast<uint32_t>(entry.type.super->type_id());
      const Entry& super = super_index < first ? state_->entries[super_index] : entries[super_index - first];
      if (super.type.composite.index() != entry.type.composite.index())
        return refuse(ErrorKind::invalid,
                      "sub type: function, structure and array types are no supertypes of each other");
      if (super.display.size() >= kMaxSubtypeDepth)
        return refuse(ErrorKind::limit, std::format("a chain of more than {} supertypes", kMaxSubtypeDepth));
      entry.display = super.display;
    }
    entry.display.push_back(TypeId{first + i});
    entries.push_back(std::move(entry));
  }
  for (Entry& entry : entries) state_->entries.append(std::move(entry));
  state_->groups.emplace(std::move(writer.key), TypeId{first});
  return TypeId{first};
}

TypeId TypeRegistry::intern(const FuncType& type) {
  SubType member;
  member.composite = type;
  std::vector<SubType> group;
  group.push_back(std::move(member));
  // A type alone in its group, without supertype: only the limit on types could refuse it, and memory ends before.
  return intern(std::move(group)).value_or(TypeId{});
}

const SubType& TypeRegistry::get(TypeId id) const { return state_->at(id).type; }

const FuncType* TypeRegistry::func(TypeId id) const { return std::get_if<FuncType>(&state_->at(id).type.composite); }

std::span<const TypeId> TypeRegistry::supertypes(TypeId id) const { return state_->at(id).display; }

bool TypeRegistry::is_subtype(TypeId sub, TypeId super) const {
  if (sub == super) return true;
  const std::vector<TypeId>& below = state_->at(sub).display;
  const size_t depth = state_->at(super).display.size();
  return depth <= below.size() && below[depth - 1] == super;
}

bool TypeRegistry::is_subtype(HeapType sub, HeapType super) const {
  if (sub == super || sub == HeapType::bottom()) return true;
  if (super == HeapType::bottom()) return false;
  const auto kind_of = [this](HeapType heap) {
    constexpr AbstractHeap kKinds[] = {AbstractHeap::func, AbstractHeap::struct_, AbstractHeap::array};
    return kKinds[get(heap.type_id()).composite.index()];
  };
  if (super.is_defined()) {
    if (sub.is_defined()) return is_subtype(sub.type_id(), super.type_id());
    return sub.abstract() == (kind_of(super) == AbstractHeap::func ? AbstractHeap::nofunc : AbstractHeap::none);
  }
  return is_abstract_subtype(sub.is_defined() ? kind_of(sub) : sub.abstract(), super.abstract());
}

bool TypeRegistry::is_subtype(ValType sub, ValType super) const {
  if (sub == super || sub.kind() == ValKind::bottom) return true;
  return sub.is_ref() && super.is_ref() && (super.is_nullable() || !sub.is_nullable()) &&
         is_subtype(sub.heap(), super.heap());
}

bool TypeRegistry::matches_declared_super(TypeId id) const {
  const SubType& type = get(id);
  if (!type.super) return true;
  const SubType& super = get(type.super->type_id());
  if (super.final_ || super.composite.index() != type.composite.index()) return false;
  const auto field_matches = [this](const FieldType& sub_field, const FieldType& super_field) {
    if (sub_field.mutable_ != super_field.mutable_ || sub_field.packed != super_field.packed) return false;
    return sub_field.mutable_ ? sub_field.type == super_field.type : is_subtype(sub_field.type, super_field.type);
  };
  if (const auto* function = std::get_if<FuncType>(&type.composite)) {
    const auto& above = std::get<FuncType>(super.composite);
    const auto matches = [this](ValType a, ValType b) { return is_subtype(a, b); };
    return std::ranges::equal(above.params, function->params, matches) &&
           std::ranges::equal(function->results, above.results, matches);
  }
  if (const auto* structure = std::get_if<StructType>(&type.composite)) {
    const auto& above = std::get<StructType>(super.composite);
    return structure->fields.size() >= above.fields.size() &&
           std::ranges::equal(std::span(structure->fields).first(above.fields.size()), above.fields, field_matches);
  }
  return field_matches(std::get<ArrayType>(type.composite).element, std::get<ArrayType>(super.composite).element);
}

size_t TypeRegistry::size() const { return state_->entries.size(); }

std::string TypeRegistry::to_string(ValType type) {
  switch (type.kind()) {
  case ValKind::i32: return "i32";
  case ValKind::i64: return "i64";
  case ValKind::f32: return "f32";
  case ValKind::f64: return "f64";
  case ValKind::v128: return "v128";
  case ValKind::bottom: return "bottom";
  case ValKind::ref: break;
  }
  const HeapType heap = type.heap();
  return std::format("(ref {}{})", type.is_nullable() ? "null " : "",
                     heap.is_abstract()   ? heap_name(heap.abstract())
                     : heap.is_in_group() ? std::format("rec.{}", heap.group_index())
                                          : std::format("${}", static_cast<uint32_t>(heap.type_id())));
}

} // namespace runtime
