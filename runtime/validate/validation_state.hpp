// The state of validating one function body: reader, operand stack, control stack, locals, and the checks on them
// (spec, appendix "Validation Algorithm"). What does not depend on the consumer of the code lives here, outside the
// template, with the common case of every operation inline and the rest in the .cpp files.
//
// Conventions. A check gives false when it has failed; the first error is kept and the walk ends. `base_` and
// `unreachable_` mirror the innermost control frame. `live_` says whether the current instruction can be reached, that
// is whether the generator hears of it: neither inside a block that was opened in dead code, nor behind an
// instruction that does not fall through.
#pragma once
#include "runtime/binary/reader.hpp"
#include "runtime/binary/type_reader.hpp"
#include "runtime/validate/code_generator.hpp"
#include <deque>

namespace runtime {

// Limits on one function, beside those of binary/module.hpp; exceeding one is ErrorKind::limit. They bound what a body
// of kMaxFunctionBytes can make the validator and a generator allocate.
inline constexpr uint32_t kMaxOperands = 1'000'000, kMaxBlockDepth = 200'000, kMaxBrTableTargets = 100'000,
                          kMaxArrayNewFixed = 10'000;

// What the frequent instructions look like, by opcode byte: how they are encoded and what they do to the stack.
enum class FrequentForm : uint8_t {
  other,
  local_get,
  local_set,
  local_tee,
  global_get,
  drop,
  block,
  loop,
  if_,
  end,
  br_if,
  integer,
  unary,
  binary,
  load,
  store,
};
struct FrequentShape {
  FrequentForm form = FrequentForm::other;
  uint8_t align_log2 = 0; // of load and store: the most that is allowed
  ValKind param = ValKind::bottom, result = ValKind::bottom;
};
static_assert(sizeof(FrequentShape) == 4);
extern const std::array<FrequentShape, 256> kFrequentShapes;

class ValidationState {
public:
  ValidationState(const DecodedModule& module, const TypeRegistry& types);

protected:
  struct ControlFrame {
    enum class Kind : uint8_t { function, block, loop, if_, else_, try_table } kind = Kind::block;
    bool unreachable = false; // the rest of the block is dead: its stack is polymorphic
    bool reported = false;    // opened in live code
    uint32_t height = 0;      // of the operand stack below the block's parameters
    uint32_t initialized = 0; // size of initialized_ at its start
    std::span<const ValType> params, results;
    [[nodiscard]] std::span<const ValType> label() const { return kind == Kind::loop ? params : results; }
  };

  // --- errors -------------------------------------------------------------------------------------------------------
  [[gnu::cold, gnu::noinline]] bool fail(std::string message, ErrorKind kind = ErrorKind::invalid);
  bool fail(Error error); // the generator's
  bool missing_end();
  [[nodiscard]] Error take_error();

  // --- operands -----------------------------------------------------------------------------------------------------
  [[gnu::always_inline]] bool push(ValType type) {
    if (size_ == capacity_) [[unlikely]] {
      if (!grow()) return false;
    }
    stack_[size_++] = type;
    return true;
  }
  bool push(std::span<const ValType> types);
  [[gnu::always_inline]] bool pop(ValType expected) {
    if (size_ > base_ && stack_[size_ - 1] == expected) [[likely]] {
      --size_;
      return true;
    }
    return pop_other(expected);
  }
  bool pop(std::span<const ValType> types);
  bool pop_any(ValType& type); // bottom when the stack is polymorphic and has no more
  bool pop_ref(ValType& type); // any reference; of an unknown operand the bottom reference
  // Replaces operands of types params by one of type result, as most instructions do.
  [[gnu::always_inline]] bool unary(ValType param, ValType result) {
    if (size_ > base_ && stack_[size_ - 1] == param) [[likely]] {
      stack_[size_ - 1] = result;
      return true;
    }
    return pop_other(param) && push(result);
  }
  [[gnu::always_inline]] bool binary(ValType param, ValType result) {
    if (size_ >= base_ + 2 && stack_[size_ - 1] == param && stack_[size_ - 2] == param) [[likely]] {
      stack_[--size_ - 1] = result;
      return true;
    }
    return pop(param) && pop(param) && push(result);
  }
  // The topmost operands have these types; they stay, as what they are.
  bool check_top(std::span<const ValType> types);
  [[nodiscard]] bool is_subtype(ValType sub, ValType super) const {
    return sub == super || types_.is_subtype(sub, super);
  }

  // --- control ------------------------------------------------------------------------------------------------------
  bool enter_function(uint32_t defined_index); // reads the local declarations too
  bool push_frame(ControlFrame::Kind kind, const BlockType& type);
  void open_frame(ControlFrame::Kind kind, const BlockType& type, uint32_t height, bool reported) {
    frames_.push_back({.kind = kind,
                       .unreachable = false,
                       .reported = reported,
                       .height = height,
                       .initialized = static_cast<uint32_t>(initialized_.size()),
                       .params = type.params,
                       .results = type.results});
    base_ = height;
    unreachable_ = false;
  }
  void restore_frame_mirror() {
    if (frames_.empty()) return;
    const ControlFrame& frame = frames_.back();
    base_ = frame.height;
    unreachable_ = frame.unreachable;
    live_ = frame.reported && !frame.unreachable;
  }
  bool pop_frame(ControlFrame& popped); // results checked and popped; does not push them
  bool restart_frame_as_else();
  bool check_missing_else();
  void set_unreachable() {
    size_ = base_;
    unreachable_ = frames_.back().unreachable = true;
    live_ = false;
  }
  bool frame_at(uint32_t depth, const ControlFrame*& frame);
  [[nodiscard]] std::span<const ValType> label(uint32_t depth) const { // which is in range
    return frames_[frames_.size() - 1 - depth].label();
  }

  // --- immediates and signatures, as the table of instructions has them ---------------------------------------------
  // Fills immediates_, all but those of no fixed size; indices are in range, alignments and offsets allowed.
  bool read_and_check(const OpInfo& info) {
    if (info.immediates[0] == Immediate::none) return true;
    if (!is_u32(info.immediates[0]) || info.immediates[1] != Immediate::none) return read_and_check_several(info);
    immediates_.values[0] = reader_.u32();
    return check_immediate(info, 0);
  }
  [[gnu::cold, gnu::noinline]] bool unknown(const char* what, uint32_t index);
  // Operands and result; after the immediates.
  bool check_signature(const OpInfo& info) {
    for (uint32_t i = info.param_count; i-- > 0;)
      if (!pop(stack_types_[static_cast<size_t>(info.param_types[i])])) return false;
    return info.result_type == StackType::none || push(stack_types_[static_cast<size_t>(info.result_type)]);
  }
  bool read_block_type(BlockType& type);
  [[nodiscard]] TypeScope scope() const { return {.types = module_.types}; }
  [[nodiscard]] ValType address_of_memory(uint32_t index) const {
    return module_.memories[index].limits.is_64 ? ValKind::i64 : ValKind::i32;
  }
  [[nodiscard]] ValType address_of_table(uint32_t index) const {
    return module_.tables[index].type.limits.is_64 ? ValKind::i64 : ValKind::i32;
  }
  [[nodiscard]] ValType element_of_table(uint32_t index) const { return module_.tables[index].type.element; }

  // --- locals -------------------------------------------------------------------------------------------------------
  bool check_initialized(uint32_t index);
  void mark_initialized(uint32_t index);

  // --- families whose typing is long and whose report is short (family_rules.cpp)
  // --------------------------------------
  struct AggregateImmediates {
    TypeId type{};
    uint32_t first = 0, second = 0; // as CodeGenerator::aggregate takes them
  };
  bool check_aggregate(Op op, AggregateImmediates& immediates);
  struct ReferenceImmediates {
    HeapType heap = HeapType::bottom();
    bool nullable = false;
  };
  bool check_reference(Op op, ReferenceImmediates& immediates);
  struct BranchImmediates {
    uint32_t depth = 0;
    HeapType heap = HeapType::bottom();
    bool nullable = false;
  };
  bool check_br_on(Op op, BranchImmediates& immediates);
  bool check_catches(std::vector<CatchClause>& catches); // depths counted outside the try_table
  bool func_type(uint32_t index, TypeId& id);            // of a type index in range

  const DecodedModule& module_;
  const TypeRegistry& types_;
  Reader reader_;
  uint64_t instruction_offset_ = 0;
  Immediates immediates_; // of the instruction at hand

  std::unique_ptr<ValType[]> stack_;
  uint32_t size_ = 0, capacity_ = 0, base_ = 0;
  bool unreachable_ = false, live_ = true;

  std::vector<ControlFrame> frames_;
  std::vector<ValType> locals_;
  bool track_locals_ = false;           // some local has no default
  std::vector<uint8_t> is_initialized_; // by local, when tracked
  std::vector<uint32_t> initialized_;   // set since the function's start, innermost block last
  std::deque<ValType> block_results_;   // storage of the single results that no table below holds
  FunctionInfo function_;

private:
  [[gnu::noinline]] bool grow();
  [[gnu::noinline]] bool pop_other(ValType expected);
  bool mismatch(ValType expected, ValType actual);
  void reset_initialized(uint32_t size);
  bool read_locals();
  bool read_and_check_several(const OpInfo& info);
  bool check_immediate(const OpInfo& info, size_t place);
  bool data_count_required();
  void name_storage(ValType address);
  bool array_of(TypeId id, FieldType& element);
  bool check_struct(Op op, AggregateImmediates& immediates);
  bool check_packing(bool plain_get, const FieldType& field);
  [[nodiscard]] ValType top_of(HeapType heap) const;

  // By StackType: the fixed types, and what the others are at the instruction at hand.
  std::array<ValType, kStackTypes> stack_types_ = kFixedTypes;
  std::optional<Error> error_;
};

} // namespace runtime
