// The walk over a function body: decode an instruction, check it, tell the generator (see code_generator.hpp for what
// it is told and when). One pass, no intermediate form. This is the engine's hottest loop outside generated code: the
// frequent instructions are handled in place, plain numeric ones by a table of shapes, the rest through the checks of
// ValidationState.
#pragma once
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
      function_.call_weight = count_local_uses(reader_, static_cast<uint32_t>(locals_.size()), local_uses_);
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
      EXPECT_VALID(instruction(reader_.byte()));
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

  [[gnu::noinline]] bool instruction(uint8_t code) {
    switch (static_cast<Op>(code)) {
    case Op::local_get: {
      const uint32_t index = reader_.u32();
      EXPECT_VALID(index < locals_.size() || unknown_local(index));
      if (track_locals_) EXPECT_VALID(check_initialized(index));
      EXPECT_VALID(push(locals_[index]));
      REPORT_LIVE(local_get(index));
      return true;
    }
    case Op::local_set: {
      const uint32_t index = reader_.u32();
      EXPECT_VALID(index < locals_.size() || unknown_local(index));
      EXPECT_VALID(pop(locals_[index]));
      if (track_locals_) mark_initialized(index);
      REPORT_LIVE(local_set(index));
      return true;
    }
    case Op::local_tee: {
      const uint32_t index = reader_.u32();
      EXPECT_VALID(index < locals_.size() || unknown_local(index));
      EXPECT_VALID(unary(locals_[index], locals_[index]));
      if (track_locals_) mark_initialized(index);
      REPORT_LIVE(local_tee(index));
      return true;
    }
    case Op::i32_const: {
      const auto bits = static_cast<uint32_t>(reader_.s32());
      EXPECT_VALID(push(ValKind::i32));
      REPORT_LIVE(constant(ValKind::i32, bits, 0));
      return true;
    }
    case Op::i64_const: {
      const auto bits = static_cast<uint64_t>(reader_.s64());
      EXPECT_VALID(push(ValKind::i64));
      REPORT_LIVE(constant(ValKind::i64, bits, 0));
      return true;
    }
    case Op::f32_const: {
      const uint64_t bits = reader_.fixed(4);
      EXPECT_VALID(push(ValKind::f32));
      REPORT_LIVE(constant(ValKind::f32, bits, 0));
      return true;
    }
    case Op::f64_const: {
      const uint64_t bits = reader_.fixed(8);
      EXPECT_VALID(push(ValKind::f64));
      REPORT_LIVE(constant(ValKind::f64, bits, 0));
      return true;
    }
    case Op::global_get: {
      const uint32_t index = reader_.u32();
      EXPECT_VALID(index < module_.globals.size() || fail(std::format("unknown global {}", index)));
      EXPECT_VALID(push(module_.globals[index].type.type));
      REPORT_LIVE(global_get(index));
      return true;
    }
    case Op::global_set: {
      const uint32_t index = reader_.u32();
      EXPECT_VALID(index < module_.globals.size() || fail(std::format("unknown global {}", index)));
      EXPECT_VALID(module_.globals[index].type.mutable_ || fail(std::format("immutable global {}", index)));
      EXPECT_VALID(pop(module_.globals[index].type.type));
      REPORT_LIVE(global_set(index));
      return true;
    }
    default: break;
    }
    if (code < 0x1a) return control(static_cast<Op>(code));
    return other_instruction(static_cast<Op>(code));
  }

  // Everything that is not handled in place.
  [[gnu::noinline]] bool other_instruction(Op op) {
    if (static_cast<uint32_t>(op) >= kFirstPrefix && static_cast<uint32_t>(op) <= kLastPrefix) {
      const uint32_t sub = reader_.u32();
      op = static_cast<Op>(static_cast<uint32_t>(op) << 16 | (sub < 0xffff ? sub : 0xffff));
    }
    const OpInfo& info = op_info(op);
    switch (info.family) {
    case OpFamily::load: {
      MemArg memarg;
      EXPECT_VALID(read_memarg(memarg, info.natural_align_log2()));
      EXPECT_VALID(unary(address_type(memarg), info.result));
      REPORT_LIVE(load(op, memarg));
      return true;
    }
    case OpFamily::store: {
      MemArg memarg;
      EXPECT_VALID(read_memarg(memarg, info.natural_align_log2()));
      EXPECT_VALID(pop(info.params[0]) && pop(address_type(memarg)));
      REPORT_LIVE(store(op, memarg));
      return true;
    }
    case OpFamily::control: return control(op);
    case OpFamily::numeric:
      EXPECT_VALID(check_plain(info));
      REPORT_LIVE(numeric(op));
      return true;
    case OpFamily::parametric: return parametric(op);
    case OpFamily::constant: { // v128.const: the others are handled above
      const uint64_t low = reader_.fixed(8), high = reader_.fixed(8);
      EXPECT_VALID(push(ValKind::v128));
      REPORT_LIVE(constant(ValKind::v128, low, high));
      return true;
    }
    case OpFamily::memory: return memory(op);
    case OpFamily::table: return table(op);
    case OpFamily::reference: return reference(op);
    case OpFamily::aggregate: {
      AggregateImmediates immediates;
      EXPECT_VALID(check_aggregate(op, immediates));
      REPORT_LIVE(aggregate(op, immediates.type, immediates.first, immediates.second));
      return true;
    }
    case OpFamily::vector:
      EXPECT_VALID(check_plain(info));
      REPORT_LIVE(vector(op, 0, 0));
      return true;
    case OpFamily::vector_lane:
    case OpFamily::vector_shuffle: return vector_lanes(op, info);
    case OpFamily::vector_memory:
    case OpFamily::vector_memory_lane: return vector_memory(op, info);
    case OpFamily::atomic: {
      MemArg memarg;
      EXPECT_VALID(read_memarg(memarg, info.natural_align_log2()));
      EXPECT_VALID(memarg.align_log2 == info.natural_align_log2() ||
                   fail("alignment of an atomic access must be natural"));
      for (uint32_t i = info.param_count; i-- > 0;) EXPECT_VALID(pop(info.params[i]));
      EXPECT_VALID(pop(address_type(memarg)));
      if (info.result != ValKind::bottom) EXPECT_VALID(push(info.result));
      REPORT_LIVE(atomic(op, memarg));
      return true;
    }
    case OpFamily::fence:
      if (reader_.byte() != 0) return fail("zero byte expected", ErrorKind::malformed);
      REPORT_LIVE(atomic(op, MemArg{}));
      return true;
    case OpFamily::variable: // handled in place
    case OpFamily::undefined: break;
    }
    return fail(std::format("illegal opcode {:x}", static_cast<uint32_t>(op)), ErrorKind::malformed);
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
      const uint32_t tag = reader_.u32();
      EXPECT_VALID(tag < module_.tags.size() || fail(std::format("unknown tag {}", tag)));
      EXPECT_VALID(pop(types_.func(module_.tags[tag].type)->params));
      REPORT_LIVE(throw_(tag));
      set_unreachable();
      return true;
    }
    case Op::throw_ref:
      EXPECT_VALID(pop(ValType::ref(HeapType::abstract(AbstractHeap::exn), true)));
      REPORT_LIVE(throw_ref());
      set_unreachable();
      return true;
    case Op::br: {
      const uint32_t depth = reader_.u32();
      const ControlFrame* target = nullptr;
      EXPECT_VALID(frame_at(depth, target) && pop(target->label()));
      REPORT_LIVE(br(depth));
      set_unreachable();
      return true;
    }
    case Op::br_if: {
      const uint32_t depth = reader_.u32();
      const ControlFrame* target = nullptr;
      EXPECT_VALID(frame_at(depth, target) && pop(ValKind::i32));
      const std::span<const ValType> label = target->label();
      if (!label.empty()) EXPECT_VALID(pop(label) && push(label)); // what stays has the label's types, not its own
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
    uint32_t index = 0;
    TypeId type{};
    const FuncType* signature = nullptr;
    switch (op) {
    case Op::call:
    case Op::return_call:
      index = reader_.u32();
      EXPECT_VALID(index < module_.functions.size() || fail(std::format("unknown function {}", index)));
      signature = module_.function_types[index];
      break;
    case Op::call_indirect:
    case Op::return_call_indirect:
      EXPECT_VALID(read_func_type(type) && read_table(index));
      EXPECT_VALID(is_subtype(element_of_table(index), ValType::funcref()) ||
                   fail("type mismatch: call_indirect needs a table of functions"));
      EXPECT_VALID(pop(address_of_table(index)));
      break;
    case Op::call_ref:
    case Op::return_call_ref:
      EXPECT_VALID(read_func_type(type) && pop(ValType::ref(HeapType::defined(type), true)));
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

  // --- memories and tables ------------------------------------------------------------------------------------------
  bool memory(Op op) {
    uint32_t first = 0, second = 0;
    switch (op) {
    case Op::memory_size:
      EXPECT_VALID(read_memory(first) && push(address_of_memory(first)));
      REPORT_LIVE(memory_size(first));
      return true;
    case Op::memory_grow:
      EXPECT_VALID(read_memory(first) && unary(address_of_memory(first), address_of_memory(first)));
      REPORT_LIVE(memory_grow(first));
      return true;
    case Op::memory_fill:
      EXPECT_VALID(read_memory(first));
      EXPECT_VALID(pop(address_of_memory(first)) && pop(ValKind::i32) && pop(address_of_memory(first)));
      REPORT_LIVE(memory_fill(first));
      return true;
    case Op::memory_copy: {
      EXPECT_VALID(read_memory(first) && read_memory(second));
      const ValType to = address_of_memory(first), from = address_of_memory(second);
      EXPECT_VALID(pop(smaller(to, from)) && pop(from) && pop(to));
      REPORT_LIVE(memory_copy(first, second));
      return true;
    }
    case Op::memory_init:
      EXPECT_VALID(read_data_and_memory(first, second));
      EXPECT_VALID(pop(ValKind::i32) && pop(ValKind::i32) && pop(address_of_memory(second)));
      REPORT_LIVE(memory_init(first, second));
      return true;
    case Op::data_drop:
      EXPECT_VALID(read_data(first));
      REPORT_LIVE(data_drop(first));
      return true;
    default: return fail("illegal opcode", ErrorKind::malformed);
    }
  }

  bool table(Op op) {
    uint32_t first = 0, second = 0;
    switch (op) {
    case Op::table_get:
      EXPECT_VALID(read_table(first) && unary(address_of_table(first), element_of_table(first)));
      REPORT_LIVE(table_get(first));
      return true;
    case Op::table_set:
      EXPECT_VALID(read_table(first) && pop(element_of_table(first)) && pop(address_of_table(first)));
      REPORT_LIVE(table_set(first));
      return true;
    case Op::table_size:
      EXPECT_VALID(read_table(first) && push(address_of_table(first)));
      REPORT_LIVE(table_size(first));
      return true;
    case Op::table_grow:
      EXPECT_VALID(read_table(first) && pop(address_of_table(first)));
      EXPECT_VALID(unary(element_of_table(first), address_of_table(first)));
      REPORT_LIVE(table_grow(first));
      return true;
    case Op::table_fill:
      EXPECT_VALID(read_table(first) && pop(address_of_table(first)));
      EXPECT_VALID(pop(element_of_table(first)) && pop(address_of_table(first)));
      REPORT_LIVE(table_fill(first));
      return true;
    case Op::table_copy: {
      EXPECT_VALID(read_table(first) && read_table(second));
      EXPECT_VALID(is_subtype(element_of_table(second), element_of_table(first)) ||
                   fail("type mismatch: table.copy between tables of different types"));
      const ValType to = address_of_table(first), from = address_of_table(second);
      EXPECT_VALID(pop(smaller(to, from)) && pop(from) && pop(to));
      REPORT_LIVE(table_copy(first, second));
      return true;
    }
    case Op::table_init:
      first = reader_.u32();
      EXPECT_VALID(read_table(second) && check_element(first));
      EXPECT_VALID(is_subtype(module_.elements[first].type, element_of_table(second)) ||
                   fail("type mismatch: the segment's elements do not match the table's"));
      EXPECT_VALID(pop(ValKind::i32) && pop(ValKind::i32) && pop(address_of_table(second)));
      REPORT_LIVE(table_init(first, second));
      return true;
    case Op::elem_drop:
      EXPECT_VALID(read_element(first));
      REPORT_LIVE(elem_drop(first));
      return true;
    default: return fail("illegal opcode", ErrorKind::malformed);
    }
  }

  // The type of a length that both sides can hold.
  static ValType smaller(ValType a, ValType b) { return a == ValKind::i64 && b == ValKind::i64 ? a : ValKind::i32; }

  // --- references ---------------------------------------------------------------------------------------------------
  bool reference(Op op) {
    if (op == Op::ref_null) {
      const HeapType heap = read_heap_type(reader_, scope());
      EXPECT_VALID(!reader_.failed() && push(ValType::ref(heap, true)));
      REPORT_LIVE(ref_null(heap));
      return true;
    }
    if (op == Op::ref_func) {
      const uint32_t index = reader_.u32();
      EXPECT_VALID(index < module_.functions.size() || fail(std::format("unknown function {}", index)));
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

  // --- vectors ------------------------------------------------------------------------------------------------------
  bool vector_lanes(Op op, const OpInfo& info) {
    uint64_t low = 0, high = 0;
    if (info.family == OpFamily::vector_lane) {
      low = reader_.byte();
      EXPECT_VALID(low < info.lanes() || fail("invalid lane index"));
    } else {
      low = reader_.fixed(8);
      high = reader_.fixed(8);
      for (uint32_t i = 0; i < 64; i += 8)
        EXPECT_VALID(((low >> i & 0xff) < info.lanes() && (high >> i & 0xff) < info.lanes()) ||
                     fail("invalid lane index"));
    }
    EXPECT_VALID(check_plain(info));
    REPORT_LIVE(vector(op, low, high));
    return true;
  }

  bool vector_memory(Op op, const OpInfo& info) {
    MemArg memarg;
    EXPECT_VALID(read_memarg(memarg, info.natural_align_log2()));
    uint32_t lane = 0;
    if (info.family == OpFamily::vector_memory_lane) {
      lane = reader_.byte();
      EXPECT_VALID(lane < 16u >> info.natural_align_log2() || fail("invalid lane index"));
    }
    for (uint32_t i = info.param_count; i-- > 0;) EXPECT_VALID(pop(info.params[i]));
    EXPECT_VALID(pop(address_type(memarg)));
    if (info.result != ValKind::bottom) EXPECT_VALID(push(info.result));
    REPORT_LIVE(vector_memory(op, memarg, lane));
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

  bool unknown_local(uint32_t index) { return fail(std::format("unknown local {}", index)); }

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
