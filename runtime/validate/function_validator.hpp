// The walk over a function body: decode an instruction, check it, tell the generator (see code_generator.hpp for what
// it is told and when). One pass, no intermediate form. This is the engine's hottest loop outside generated code: the
// frequent instructions are handled in place, plain numeric ones by a table of shapes, the rest by what the table of
// instructions says of their immediates and types, and the checks of ValidationState.
#pragma once
#include "runtime/binary/immediates.hpp"
#include "runtime/validate/local_uses.hpp"
#include "runtime/validate/validation_state.hpp"
#include <format>

namespace runtime {

// A generator may ask for FunctionInfo::local_uses with `static constexpr bool kWantsLocalUses = true`; it costs a walk
// over the body beforehand.
template <class G>
concept WantsLocalUses = requires { requires G::kWantsLocalUses; };

template <CodeGenerator G> class FunctionValidator : private ValidationState {
public:
  // All references are kept. One validator serves any number of bodies, one after the other, and keeps its buffers.
  FunctionValidator(const DecodedModule& module, const TypeRegistry& types, G& generator)
      : ValidationState(module, types), generator_(generator) {}

  [[nodiscard]] Result<void> validate(uint32_t defined_index) {
    if (enter_function(defined_index) && begin() && walk()) return {};
    return std::unexpected(take_error());
  }

private:
// Tells the generator when the instruction can be reached.
#define REPORT_LIVE(call)                                                                                              \
  do {                                                                                                                 \
    if (live_) REPORT_ALWAYS(call);                                                                                    \
  } while (false)
#define REPORT_ALWAYS(call)                                                                                            \
  do {                                                                                                                 \
    generator_.position(static_cast<uint32_t>(instruction_offset_));                                                   \
    if (Result<void> told = generator_.call; !told) [[unlikely]]                                                       \
      return fail(std::move(told).error());                                                                            \
  } while (false)
// Ends the instruction when a check has failed.
#define EXPECT_VALID(condition)                                                                                        \
  do {                                                                                                                 \
    if (!(condition)) [[unlikely]]                                                                                     \
      return false;                                                                                                    \
  } while (false)

  using Kind = ControlFrame::Kind;

  bool begin() {
    if constexpr (WantsLocalUses<G>) {
      const BodyUses uses = count_local_uses(reader_, static_cast<uint32_t>(locals_.size()), local_uses_);
      function_.call_weight = uses.call_weight;
      function_.has_vectors = uses.has_vectors;
      function_.local_uses = local_uses_;
    }
    REPORT_ALWAYS(function_begin(function_));
    return true;
  }

  bool walk() {
    do {
      EXPECT_VALID(run_frequent());
      instruction_offset_ = reader_.offset();
      if (reader_.at_end()) return missing_end();
      EXPECT_VALID(instruction(read_op(reader_)));
      if (reader_.failed()) [[unlikely]]
        return false;
    } while (!frames_.empty());
    return reader_.at_end() || fail("unexpected bytes after the end of a function", ErrorKind::malformed);
  }

  // The frequent instructions in their frequent form (operands of exactly the type, integers of up to four bytes,
  // memory 0), with the reader's place and the stack's top in registers, which takes a fifth off the time of
  // validation. Stops, with nothing of it done, before an instruction that is not like this, also when it is an error:
  // the general way finds out. False only for an error of the generator.
  bool run_frequent() {
    constexpr size_t kLongest = 10; // bytes that an instruction handled here can have
    const uint8_t* at = reader_.place();
    const size_t room = reader_.remaining();
    if (room < kLongest) return true;
    const uint8_t* const last = at + (room - kLongest);
    ValType* const stack = stack_.get();
    ValType* top = stack + size_;
    ValType* base = stack + base_;
    ValType* const limit = stack + capacity_;
    const ValType* const locals = locals_.data();
    const size_t local_count = locals_.size();
    bool live = live_;
    const bool track = track_locals_;
    const ValType address = module_.memories.empty() ? ValType() : address_of_memory(0);
    const uint64_t position_bias = reader_.offset() - reinterpret_cast<uintptr_t>(at);

// Accepts the instruction: tells it, then goes on behind its `length` bytes.
#define ACCEPT(length, call)                                                                                           \
  do {                                                                                                                 \
    if (live) {                                                                                                        \
      const uint64_t place = position_bias + reinterpret_cast<uintptr_t>(at);                                          \
      generator_.position(static_cast<uint32_t>(place));                                                               \
      if (Result<void> told = generator_.call; !told) [[unlikely]] {                                                   \
        instruction_offset_ = place;                                                                                   \
        return fail(std::move(told).error());                                                                          \
      }                                                                                                                \
    }                                                                                                                  \
    at += (length);                                                                                                    \
  } while (false)

    while (at <= last) {
      const uint8_t code = *at;
      const FrequentShape shape = kFrequentShapes[code];
      switch (shape.form) {
      case FrequentForm::other: goto stop;
      case FrequentForm::local_get: {
        const uint32_t index = at[1];
        if (index >= 0x80 || index >= local_count || top == limit) goto stop;
        if (track && is_initialized_[index] == 0) goto stop;
        *top++ = locals[index];
        ACCEPT(2, local_get(index));
        break;
      }
      case FrequentForm::local_set: {
        const uint32_t index = at[1];
        if (index >= 0x80 || index >= local_count || top == base || top[-1] != locals[index]) goto stop;
        if (track && is_initialized_[index] == 0) goto stop;
        --top;
        ACCEPT(2, local_set(index));
        break;
      }
      case FrequentForm::local_tee: {
        const uint32_t index = at[1];
        if (index >= 0x80 || index >= local_count || top == base || top[-1] != locals[index]) goto stop;
        if (track && is_initialized_[index] == 0) goto stop;
        ACCEPT(2, local_tee(index));
        break;
      }
      case FrequentForm::integer: { // i32.const, i64.const
        uint32_t value = 0;
        const uint32_t length = leb128_up_to_28_bits(at + 1, value);
        if (length == 0 || top == limit) goto stop;
        const int64_t number = int64_t{static_cast<int32_t>(value << (32 - 7 * length))} >> (32 - 7 * length);
        *top++ = shape.result;
        ACCEPT(1 + length,
               constant(shape.result,
                        shape.result == ValKind::i32 ? static_cast<uint32_t>(number) : static_cast<uint64_t>(number),
                        0));
        break;
      }
      case FrequentForm::global_get: {
        const uint32_t index = at[1];
        if (index >= 0x80 || index >= module_.globals.size() || top == limit) goto stop;
        *top++ = module_.globals[index].type.type;
        ACCEPT(2, global_get(index));
        break;
      }
      case FrequentForm::drop:
        if (top == base) goto stop;
        --top;
        ACCEPT(1, drop());
        break;
      case FrequentForm::block: // blocks without parameters and results
      case FrequentForm::loop:
      case FrequentForm::if_: {
        if (at[1] != 0x40 || frames_.size() >= kMaxBlockDepth) goto stop;
        const bool is_if = shape.form == FrequentForm::if_;
        if (is_if && (top == base || top[-1] != ValKind::i32)) goto stop;
        top -= is_if ? 1 : 0;
        const Kind kind = is_if ? Kind::if_ : shape.form == FrequentForm::loop ? Kind::loop : Kind::block;
        open_frame(kind, BlockType{}, static_cast<uint32_t>(top - stack), live);
        base = top;
        if (is_if)
          ACCEPT(2, if_(BlockType{}));
        else if (kind == Kind::loop)
          ACCEPT(2, loop(BlockType{}));
        else
          ACCEPT(2, block(BlockType{}));
        break;
      }
      case FrequentForm::end: {
        const ControlFrame& frame = frames_.back();
        if (!frame.results.empty() || top != base || track || frame.kind == Kind::function ||
            (frame.kind == Kind::if_ && !frame.params.empty()))
          goto stop;
        const bool falls_through = live;
        live = frame.reported; // as the generator hears of this end
        ACCEPT(1, end(falls_through));
        frames_.pop_back();
        restore_frame_mirror();
        base = stack + base_;
        live = live_;
        break;
      }
      case FrequentForm::br_if: {
        const uint32_t depth = at[1];
        if (depth >= 0x80 || depth >= frames_.size() || top == base || top[-1] != ValKind::i32) goto stop;
        if (!frames_[frames_.size() - 1 - depth].label().empty()) goto stop;
        --top;
        ACCEPT(2, br_if(depth));
        break;
      }
      case FrequentForm::unary:
        if (top == base || top[-1] != shape.param) goto stop;
        top[-1] = shape.result;
        ACCEPT(1, numeric(static_cast<Op>(code)));
        break;
      case FrequentForm::binary:
        if (top - base < 2 || top[-1] != shape.param || top[-2] != shape.param) goto stop;
        --top;
        top[-1] = shape.result;
        ACCEPT(1, numeric(static_cast<Op>(code)));
        break;
      case FrequentForm::load: {
        uint32_t offset = 0;
        const uint32_t length = leb128_up_to_28_bits(at + 2, offset);
        if (length == 0 || at[1] > shape.align_log2 || top == base || top[-1] != address) goto stop;
        if (address == ValType()) goto stop;
        top[-1] = shape.result;
        ACCEPT(2 + length, load(static_cast<Op>(code), MemArg{.memory = 0, .align_log2 = at[1], .offset = offset}));
        break;
      }
      case FrequentForm::store: {
        uint32_t offset = 0;
        const uint32_t length = leb128_up_to_28_bits(at + 2, offset);
        if (length == 0 || at[1] > shape.align_log2 || top - base < 2) goto stop;
        if (top[-1] != shape.param || top[-2] != address || address == ValType()) goto stop;
        top -= 2;
        ACCEPT(2 + length, store(static_cast<Op>(code), MemArg{.memory = 0, .align_log2 = at[1], .offset = offset}));
        break;
      }
      }
    }
  stop:
#undef ACCEPT
    reader_.go_to(at);
    size_ = static_cast<uint32_t>(top - stack);
    return true;
  }

  // Everything that is not handled in place: immediates and signature as the table says, then what is the family's own.
  [[gnu::noinline]] bool instruction(Op op) {
    switch (op) { // the most frequent that come here
    case Op::call:
      immediates_.values[0] = reader_.u32();
      EXPECT_VALID(immediates_.index(0) < module_.functions.size() || unknown("function", immediates_.index(0)));
      return call(op);
    case Op::i32_const: return integer(ValKind::i32, static_cast<uint32_t>(reader_.s32()));
    case Op::i64_const: return integer(ValKind::i64, static_cast<uint64_t>(reader_.s64()));
    default: break;
    }
    const OpInfo& info = op_info(op);
    EXPECT_VALID(read_and_check(info) && check_signature(info));
    const std::array<uint64_t, 4>& values = immediates_.values;
    switch (info.family) {
    case OpFamily::control: return control(op);
    case OpFamily::parametric: return parametric(op);
    case OpFamily::variable: return variable(op, immediates_.index(0));
    case OpFamily::constant:
      REPORT_LIVE(constant(info.result, values[0], info.result == ValKind::v128 ? values[1] : 0));
      return true;
    case OpFamily::numeric: REPORT_LIVE(numeric(op)); return true;
    case OpFamily::load: REPORT_LIVE(load(op, immediates_.memarg)); return true;
    case OpFamily::store: REPORT_LIVE(store(op, immediates_.memarg)); return true;
    case OpFamily::memory: return memory(op, immediates_.index(0), immediates_.index(1));
    case OpFamily::table: return table(op, immediates_.index(0), immediates_.index(1));
    case OpFamily::reference: return reference(op);
    case OpFamily::aggregate: {
      AggregateImmediates immediates;
      EXPECT_VALID(check_aggregate(op, immediates));
      REPORT_LIVE(aggregate(op, immediates.type, immediates.first, immediates.second));
      return true;
    }
    case OpFamily::vector: REPORT_LIVE(vector(op, 0, 0)); return true;
    case OpFamily::vector_lane: REPORT_LIVE(vector(op, values[0], 0)); return true;
    case OpFamily::vector_shuffle: REPORT_LIVE(vector(op, values[0], values[1])); return true;
    case OpFamily::vector_memory: REPORT_LIVE(vector_memory(op, immediates_.memarg, 0)); return true;
    case OpFamily::vector_memory_lane:
      REPORT_LIVE(vector_memory(op, immediates_.memarg, immediates_.index(1)));
      return true;
    case OpFamily::atomic:
      EXPECT_VALID(immediates_.memarg.align_log2 == info.natural_align_log2() ||
                   fail("alignment of an atomic access must be natural"));
      REPORT_LIVE(atomic(op, immediates_.memarg));
      return true;
    case OpFamily::fence: REPORT_LIVE(atomic(op, MemArg{})); return true;
    case OpFamily::undefined: break;
    }
    return fail(std::format("illegal opcode {:x}", static_cast<uint32_t>(op)), ErrorKind::malformed);
  }

  bool integer(ValKind kind, uint64_t bits) {
    EXPECT_VALID(push(kind));
    REPORT_LIVE(constant(kind, bits, 0));
    return true;
  }

  // --- control (spec §3.4.11) ---------------------------------------------------------------------------------------
  bool control(Op op) {
    BlockType type;
    switch (op) {
    case Op::nop: return true;
    case Op::unreachable:
      REPORT_LIVE(unreachable());
      set_unreachable();
      return true;
    case Op::block:
      EXPECT_VALID(read_block_type(type) && pop(type.params));
      REPORT_LIVE(block(type));
      return push_frame(Kind::block, type);
    case Op::loop:
      EXPECT_VALID(read_block_type(type) && pop(type.params));
      REPORT_LIVE(loop(type));
      return push_frame(Kind::loop, type);
    case Op::if_:
      EXPECT_VALID(read_block_type(type) && pop(ValKind::i32) && pop(type.params));
      REPORT_LIVE(if_(type));
      return push_frame(Kind::if_, type);
    case Op::else_: {
      EXPECT_VALID(frames_.back().kind == Kind::if_ || fail("else without if", ErrorKind::malformed));
      const bool falls_through = live_;
      EXPECT_VALID(restart_frame_as_else());
      if (frames_.back().reported) REPORT_ALWAYS(else_(falls_through));
      return true;
    }
    case Op::end: return end();
    case Op::try_table:
      EXPECT_VALID(read_block_type(type) && pop(type.params) && check_catches(catches_));
      REPORT_LIVE(try_table(type, catches_));
      return push_frame(Kind::try_table, type);
    case Op::throw_: {
      const uint32_t tag = immediates_.index(0);
      EXPECT_VALID(pop(types_.func(module_.tags[tag].type)->params));
      REPORT_LIVE(throw_(tag));
      set_unreachable();
      return true;
    }
    case Op::throw_ref:
      REPORT_LIVE(throw_ref());
      set_unreachable();
      return true;
    case Op::br: {
      const uint32_t depth = immediates_.index(0);
      EXPECT_VALID(pop(label(depth)));
      REPORT_LIVE(br(depth));
      set_unreachable();
      return true;
    }
    case Op::br_if: {
      const uint32_t depth = immediates_.index(0);
      const std::span<const ValType> taken = label(depth);
      EXPECT_VALID(pop(ValKind::i32));
      if (!taken.empty()) EXPECT_VALID(pop(taken) && push(taken)); // what stays has the label's types, not its own
      REPORT_LIVE(br_if(depth));
      return true;
    }
    case Op::br_table: return br_table();
    case Op::br_on_null:
    case Op::br_on_non_null:
    case Op::br_on_cast:
    case Op::br_on_cast_fail: {
      BranchImmediates immediates;
      EXPECT_VALID(check_br_on(op, immediates));
      REPORT_LIVE(br_on(op, immediates.depth, immediates.heap, immediates.nullable));
      return true;
    }
    case Op::return_:
      EXPECT_VALID(pop(function_.results));
      REPORT_LIVE(return_());
      set_unreachable();
      return true;
    case Op::call:
    case Op::return_call:
    case Op::call_indirect:
    case Op::return_call_indirect:
    case Op::call_ref:
    case Op::return_call_ref: return call(op);
    default: return fail(std::format("illegal opcode {:x}", static_cast<uint32_t>(op)), ErrorKind::malformed);
    }
  }

  bool end() {
    // Without else the block's parameters are its results, as of an empty else; the generator hears no else_().
    if (frames_.back().kind == Kind::if_) EXPECT_VALID(check_missing_else());
    const bool falls_through = live_;
    ControlFrame popped;
    EXPECT_VALID(pop_frame(popped));
    if (frames_.empty()) {
      REPORT_ALWAYS(function_end(falls_through));
      return true;
    }
    if (popped.reported) REPORT_ALWAYS(end(falls_through));
    return push(popped.results);
  }

  bool br_table() {
    const uint32_t count = reader_.length();
    EXPECT_VALID(count <= kMaxBrTableTargets ||
                 fail(std::format("a br_table of more than {} targets", kMaxBrTableTargets), ErrorKind::limit));
    EXPECT_VALID(pop(ValKind::i32));
    depths_.clear();
    const ControlFrame* previous = nullptr;
    size_t arity = 0;
    for (uint32_t i = 0; i <= count; ++i) {
      const uint32_t depth = reader_.u32();
      if (reader_.failed()) return false;
      const ControlFrame* target = nullptr;
      EXPECT_VALID(frame_at(depth, target));
      depths_.push_back(depth);
      if (target == previous) continue;
      const std::span<const ValType> label = target->label();
      EXPECT_VALID(previous == nullptr || label.size() == arity ||
                   fail("type mismatch: the labels of br_table take different numbers of operands"));
      EXPECT_VALID(check_top(label));
      arity = label.size();
      previous = target;
    }
    REPORT_LIVE(br_table(std::span<const uint32_t>(depths_).first(count), depths_.back()));
    set_unreachable();
    return true;
  }

  // --- calls --------------------------------------------------------------------------------------------------------
  bool call(Op op) {
    const bool tail = op == Op::return_call || op == Op::return_call_indirect || op == Op::return_call_ref;
    uint32_t index = 0; // of the function or the table
    TypeId type{};
    const FuncType* signature = nullptr;
    switch (op) {
    case Op::call:
    case Op::return_call:
      index = immediates_.index(0);
      signature = module_.function_types[index];
      break;
    case Op::call_indirect:
    case Op::return_call_indirect:
      index = immediates_.index(1);
      EXPECT_VALID(func_type(immediates_.index(0), type));
      EXPECT_VALID(is_subtype(element_of_table(index), ValType::funcref()) ||
                   fail("type mismatch: call_indirect needs a table of functions"));
      EXPECT_VALID(pop(address_of_table(index)));
      break;
    case Op::call_ref:
    case Op::return_call_ref:
      EXPECT_VALID(func_type(immediates_.index(0), type) && pop(ValType::ref(HeapType::defined(type), true)));
      break;
    default: return fail("illegal opcode", ErrorKind::malformed);
    }
    if (signature == nullptr) signature = types_.func(type);
    EXPECT_VALID(pop(signature->params));
    if (tail) {
      EXPECT_VALID(signature->results.size() == function_.results.size() ||
                   fail("type mismatch: a tail call's results are not the function's"));
      for (size_t i = 0; i < signature->results.size(); ++i)
        EXPECT_VALID(is_subtype(signature->results[i], function_.results[i]) ||
                     fail("type mismatch: a tail call's results are not the function's"));
    } else {
      EXPECT_VALID(push(signature->results));
    }
    if (op == Op::call || op == Op::return_call)
      REPORT_LIVE(call(index, tail));
    else if (op == Op::call_ref || op == Op::return_call_ref)
      REPORT_LIVE(call_ref(type, tail));
    else
      REPORT_LIVE(call_indirect(index, type, tail));
    if (tail) set_unreachable();
    return true;
  }

  // --- parametric ---------------------------------------------------------------------------------------------------
  bool parametric(Op op) {
    ValType type, second;
    if (op == Op::drop) {
      EXPECT_VALID(pop_any(type));
      REPORT_LIVE(drop());
      return true;
    }
    if (op == Op::select_t) {
      const uint32_t count = reader_.length();
      EXPECT_VALID(reader_.failed() || count == 1 || fail("invalid result arity"));
      type = read_val_type(reader_, scope());
      EXPECT_VALID(!reader_.failed() && pop(ValKind::i32) && pop(type) && pop(type) && push(type));
    } else {
      EXPECT_VALID(pop(ValKind::i32) && pop_any(type) && pop_any(second));
      EXPECT_VALID((!type.is_ref() && !second.is_ref()) || fail("type mismatch: select of references names its type"));
      if (type.kind() == ValKind::bottom) type = second;
      EXPECT_VALID(second.kind() == ValKind::bottom || second == type || fail("type mismatch: select of two types"));
      EXPECT_VALID(push(type));
    }
    REPORT_LIVE(select(type));
    return true;
  }

  // --- variables, memories and tables: immediates and types are checked ---------------------------------------------
  bool variable(Op op, uint32_t index) {
    switch (op) {
    case Op::local_get:
      if (track_locals_) EXPECT_VALID(check_initialized(index));
      REPORT_LIVE(local_get(index));
      return true;
    case Op::local_set:
      if (track_locals_) mark_initialized(index);
      REPORT_LIVE(local_set(index));
      return true;
    case Op::local_tee:
      if (track_locals_) mark_initialized(index);
      REPORT_LIVE(local_tee(index));
      return true;
    case Op::global_get: REPORT_LIVE(global_get(index)); return true;
    case Op::global_set:
      EXPECT_VALID(module_.globals[index].type.mutable_ || fail(std::format("immutable global {}", index)));
      REPORT_LIVE(global_set(index));
      return true;
    default: return fail("illegal opcode", ErrorKind::malformed);
    }
  }

  bool memory(Op op, uint32_t first, uint32_t second) {
    switch (op) {
    case Op::memory_size: REPORT_LIVE(memory_size(first)); return true;
    case Op::memory_grow: REPORT_LIVE(memory_grow(first)); return true;
    case Op::memory_fill: REPORT_LIVE(memory_fill(first)); return true;
    case Op::memory_copy: REPORT_LIVE(memory_copy(first, second)); return true;
    case Op::memory_init: REPORT_LIVE(memory_init(first, second)); return true;
    case Op::data_drop: REPORT_LIVE(data_drop(first)); return true;
    default: return fail("illegal opcode", ErrorKind::malformed);
    }
  }

  bool table(Op op, uint32_t first, uint32_t second) {
    switch (op) {
    case Op::table_get: REPORT_LIVE(table_get(first)); return true;
    case Op::table_set: REPORT_LIVE(table_set(first)); return true;
    case Op::table_size: REPORT_LIVE(table_size(first)); return true;
    case Op::table_grow: REPORT_LIVE(table_grow(first)); return true;
    case Op::table_fill: REPORT_LIVE(table_fill(first)); return true;
    case Op::table_copy:
      EXPECT_VALID(is_subtype(element_of_table(second), element_of_table(first)) ||
                   fail("type mismatch: table.copy between tables of different types"));
      REPORT_LIVE(table_copy(first, second));
      return true;
    case Op::table_init:
      EXPECT_VALID(is_subtype(module_.elements[first].type, element_of_table(second)) ||
                   fail("type mismatch: the segment's elements do not match the table's"));
      REPORT_LIVE(table_init(first, second));
      return true;
    case Op::elem_drop: REPORT_LIVE(elem_drop(first)); return true;
    default: return fail("illegal opcode", ErrorKind::malformed);
    }
  }

  // --- references ---------------------------------------------------------------------------------------------------
  bool reference(Op op) {
    if (op == Op::ref_null) {
      const HeapType heap = immediates_.heap(0);
      EXPECT_VALID(push(ValType::ref(heap, true)));
      REPORT_LIVE(ref_null(heap));
      return true;
    }
    if (op == Op::ref_func) {
      const uint32_t index = immediates_.index(0);
      EXPECT_VALID(module_.declared_refs[index] || fail(std::format("undeclared function reference {}", index)));
      EXPECT_VALID(push(ValType::ref(HeapType::defined(module_.functions[index]), false)));
      REPORT_LIVE(ref_func(index));
      return true;
    }
    ReferenceImmediates immediates;
    EXPECT_VALID(check_reference(op, immediates));
    REPORT_LIVE(reference(op, immediates.heap, immediates.nullable));
    return true;
  }

#undef REPORT_LIVE
#undef REPORT_ALWAYS
#undef EXPECT_VALID

  // The length of a LEB128 integer of at most four bytes, of which its value has the bits; 0: it is longer.
  static uint32_t leb128_up_to_28_bits(const uint8_t* at, uint32_t& value) {
    value = at[0] & 0x7fu;
    if (at[0] < 0x80) return 1;
    value |= (at[1] & 0x7fu) << 7;
    if (at[1] < 0x80) return 2;
    value |= (at[2] & 0x7fu) << 14;
    if (at[2] < 0x80) return 3;
    value |= (at[3] & 0x7fu) << 21;
    return at[3] < 0x80 ? 4 : 0;
  }

  G& generator_;
  std::vector<CatchClause> catches_;
  std::vector<uint32_t> depths_, local_uses_;
};

// Validates the body of function imported_functions + defined_index, telling the generator what it finds. Who walks
// many bodies keeps one FunctionValidator.
template <CodeGenerator G>
[[nodiscard]] Result<void> validate_function(const DecodedModule& module, const TypeRegistry& types,
                                             uint32_t defined_index, G& generator) {
  return FunctionValidator<G>(module, types, generator).validate(defined_index);
}

} // namespace runtime
