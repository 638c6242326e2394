// The baseline compiler: a CodeGenerator that writes x86-64 code in one pass, as the validator walks a function.
//
// It keeps an abstract operand stack (operand_stack.hpp): values stay in registers, constants, unchanged locals or the
// processor's flags until they are needed (operand.hpp). Registers are taken on demand (register_pool.hpp); the deepest
// entries are stored to their slots of the frame when none is left.
//
// Locals live in their frame slots, the most used ones in registers («pinned»; calling_convention.hpp says which
// survive calls).
//
// Control: on entry to a block every entry is settled (slot or constant), so that nothing a branch discards or a join
// finds below its results can differ between paths. A label's one result travels in rax or xmm0, several in the slots
// of the label's height; a loop's parameters always in slots.
//
// Traps are checked with jumps to `ud2` instructions behind the function, each with a TrapSite; memory accesses to
// 32-bit memories rely on the guard reservation (index + 32-bit offset + 8 stays inside 8 GiB + 64 KiB).
//
// Bounds on compile time and memory: every step is linear in what it handles, registers excepted; frames and the
// code of one function are limited (ErrorKind::limit).
#pragma once
#include "runtime/codegen/baseline/operand_stack.hpp"
#include "runtime/codegen/tier.hpp"
#include "runtime/codegen/x86_64/calling_convention.hpp"
#include "runtime/codegen/x86_64/move_resolver.hpp"
#include "runtime/validate/code_generator.hpp"
#include <optional>

namespace runtime::baseline {

inline constexpr uint32_t kMaxFunctionCodeBytes = 1 << 28, kMaxCodeBytes = 1 << 30;

class Baseline {
public:
  static constexpr bool kWantsLocalUses = true;

  Baseline(const DecodedModule& module, const TypeRegistry& types, const CompileOptions& options, CompiledCode& out);
  [[nodiscard]] Result<void> finish(); // after the last function: patches calls, closes the code

  void position(uint32_t offset) { position_ = offset; }
  Result<void> function_begin(const FunctionInfo& function);
  Result<void> function_end(bool live);

  Result<void> block(const BlockType& type);
  Result<void> loop(const BlockType& type);
  Result<void> if_(const BlockType& type);
  Result<void> else_(bool live);
  Result<void> end(bool live);
  Result<void> try_table(const BlockType& type, std::span<const CatchClause> catches);
  Result<void> unreachable();
  Result<void> br(uint32_t depth);
  Result<void> br_if(uint32_t depth);
  Result<void> br_table(std::span<const uint32_t> depths, uint32_t default_depth);
  Result<void> br_on(Op op, uint32_t depth, HeapType heap, bool nullable);
  Result<void> return_();
  Result<void> throw_(uint32_t tag);
  Result<void> throw_ref();

  Result<void> call(uint32_t function, bool tail);
  Result<void> call_indirect(uint32_t table, TypeId type, bool tail);
  Result<void> call_ref(TypeId type, bool tail);

  Result<void> drop();
  Result<void> select(ValType type);
  Result<void> local_get(uint32_t index);
  Result<void> local_set(uint32_t index);
  Result<void> local_tee(uint32_t index);
  Result<void> global_get(uint32_t index);
  Result<void> global_set(uint32_t index);

  Result<void> constant(ValType type, uint64_t low, uint64_t high);
  Result<void> numeric(Op op);

  Result<void> load(Op op, const MemArg& memarg);
  Result<void> store(Op op, const MemArg& memarg);
  Result<void> memory_size(uint32_t memory);
  Result<void> memory_grow(uint32_t memory);
  Result<void> memory_fill(uint32_t memory);
  Result<void> memory_copy(uint32_t to, uint32_t from);
  Result<void> memory_init(uint32_t segment, uint32_t memory);
  Result<void> data_drop(uint32_t segment);

  Result<void> table_get(uint32_t table);
  Result<void> table_set(uint32_t table);
  Result<void> table_size(uint32_t table);
  Result<void> table_grow(uint32_t table);
  Result<void> table_fill(uint32_t table);
  Result<void> table_copy(uint32_t to, uint32_t from);
  Result<void> table_init(uint32_t segment, uint32_t table);
  Result<void> elem_drop(uint32_t segment);

  Result<void> ref_null(HeapType heap);
  Result<void> ref_func(uint32_t function);
  Result<void> reference(Op op, HeapType heap, bool nullable);
  Result<void> aggregate(Op op, TypeId type, uint32_t first, uint32_t second);

  Result<void> vector(Op op, uint64_t low, uint64_t high);
  Result<void> vector_memory(Op op, const MemArg& memarg, uint32_t lane);
  Result<void> atomic(Op op, const MemArg& memarg);

private:
  static constexpr Gpr kNoGpr = Gpr::rsp;
  static constexpr Xmm kNoXmm = kScratchXmm;

  // Variants of an instruction, as its name tells them.
  enum class Signedness : uint8_t { unsigned_, signed_ };
  enum class Division : uint8_t { quotient, remainder };
  enum class Extremum : uint8_t { min, max };
  enum class Operands : uint8_t { ordered, commutative };
  enum class Order : uint8_t { given, exchanged }; // of a comparison's operands
  enum class Callee : uint8_t { known, on_stack };

  // Where a local lives: in its home in the frame, or in a register of its own («pinned»).
  class Local {
  public:
    explicit Local(ValKind type) : type_(type), gpr_(kNoGpr) {}
    void pin(Gpr reg) {
      assert(!in_xmm());
      is_pinned_ = true;
      gpr_ = reg;
    }
    void pin(Xmm reg) {
      assert(in_xmm());
      is_pinned_ = true;
      xmm_ = reg;
    }
    [[nodiscard]] ValKind type() const { return type_; }
    [[nodiscard]] bool in_xmm() const { return baseline::in_xmm(type_); }
    [[nodiscard]] bool is_pinned() const { return is_pinned_; }
    [[nodiscard]] Gpr gpr() const {
      assert(is_pinned_ && !in_xmm());
      return gpr_;
    }
    [[nodiscard]] Xmm xmm() const {
      assert(is_pinned_ && in_xmm());
      return xmm_;
    }

  private:
    ValKind type_;
    bool is_pinned_ = false;
    union { // by type_
      Gpr gpr_;
      Xmm xmm_;
    };
  };

  struct Control {
    enum class Kind : uint8_t { block, loop, if_, else_ } kind = Kind::block;
    uint32_t height = 0; // of the operand stack below the parameters
    std::span<const ValType> params, results;
    Label label, else_label;
    [[nodiscard]] std::span<const ValType> label_types() const { return kind == Kind::loop ? params : results; }
  };

  // A jump to a trap that is emitted behind the function, or to the interruption check of a loop.
  struct TrapJump {
    uint32_t at; // displacement field
    uint32_t wasm_offset;
    TrapCode code;
  };
  struct InterruptCheck {
    uint32_t at;
    uint32_t back; // where to go on
    uint32_t wasm_offset;
  };
  struct CallFixup {
    uint32_t at;
    uint32_t defined_index;
  };
  // --- placement.cpp: operands and registers
  Operand pop() { return stack_.pop(); }
  void push_gpr(ValKind type, Gpr reg);
  void push_xmm(ValKind type, Xmm reg);
  void push_slot(ValKind type);
  void push_constant(ValKind type, uint64_t bits);
  void push_local(uint32_t index);
  void push_flags(Test test);
  void push_again(const Operand& value); // a popped one, perhaps moved
  void settle_flags() {
    if (stack_.has_flags()) [[unlikely]]
      materialize_flags();
  }
  void materialize_flags();
  [[nodiscard]] uint32_t height() const { return stack_.height(); }

  [[nodiscard]] Gpr alloc_gpr(RegisterSet<Gpr> except = {});
  [[nodiscard]] Xmm alloc_xmm();
  void take_gpr(Gpr reg); // evicts the entry that owns it; not for registers of popped operands
  void evict(uint32_t stack_index);
  void release(const Operand& value); // a popped operand's register
  [[nodiscard]] bool is_temporary(const Operand& v) const {
    return v.is_gpr() ? gprs_.is_temporary(v.gpr()) : v.is_xmm() && xmms_.is_temporary(v.xmm());
  }
  // The register that holds a popped operand, pinned ones included; kNoGpr when it is in none.
  [[nodiscard]] Gpr gpr_of(const Operand& value) const;
  [[nodiscard]] Xmm xmm_of(const Operand& value) const;
  // Puts a popped operand into a register: any (not to be written), or one that is the operand's own.
  Gpr to_gpr(Operand& value);
  Gpr to_own_gpr(Operand& value, RegisterSet<Gpr> except = {});
  Xmm to_xmm(Operand& value);
  Xmm to_own_xmm(Operand& value);
  void load_gpr(Gpr reg, const Operand& value); // a copy; leaves the flags alone
  void load_xmm(Xmm reg, const Operand& value);
  void load_gpr_constant(Gpr reg, uint64_t bits) { e_.mov_imm(reg, bits); }
  void load_xmm_constant(Xmm reg, FloatWidth width, uint64_t bits);
  void load_xmm_from(ValKind type, Xmm to, const Mem& from);
  void store_xmm_to(ValKind type, const Mem& to, Xmm from);
  void copy_memory(ValKind type, const Mem& to, const Mem& from); // all of a value, by the scratch register
  void store_value(const Mem& to,
                   const Operand& value); // all bytes or, for 32-bit types, at least the low 4; not flags
  [[nodiscard]] bool in_memory(const Operand& value) const {
    return value.is_slot() || (value.is_local() && !locals_[value.local_index()].is_pinned());
  }
  [[nodiscard]] Mem memory_of(const Operand& value) const {
    return value.is_slot() ? slot(value.slot_index()) : home(value.local_index());
  }
  [[nodiscard]] Mem home(uint32_t local) const {
    return {Gpr::rbp, -static_cast<int32_t>(kFrameHeaderBytes + ((local + 1) << slot_log2_))};
  }
  [[nodiscard]] Mem slot(uint32_t index) const {
    return {Gpr::rbp, -static_cast<int32_t>(kFrameHeaderBytes + ((local_count_ + index + 1) << slot_log2_))};
  }
  [[nodiscard]] Mem slot_for_store(uint32_t index) {
    if (index >= slots_used_) slots_used_ = index + 1;
    return slot(index);
  }
  void settle_all();                    // every entry becomes slot or constant
  void settle_to_slots(uint32_t count); // after settle_all: the topmost entries become slots
  void spill_registers();               // every entry that owns a register becomes a slot
  void unshare_local(uint32_t index);   // entries that are this local get copies, because it is about to change
  void truncate(uint32_t height);
  void resolve(MoveResolver<Gpr>& moves) {
    moves.resolve(kScratch, [this](Gpr to, Gpr from) { e_.mov(Width::w64, to, from); });
  }
  void resolve(MoveResolver<Xmm>& moves) {
    moves.resolve(kScratchXmm, [this](Xmm to, Xmm from) { e_.movaps(to, from); });
  }
  // The pinned register of the local that the next instruction sets to this instruction's result, when writing it at
  // once is right; immediates: how many LEB128 numbers follow this one-byte instruction.
  [[nodiscard]] const Local* next_set(uint32_t immediates = 0) const;
  [[nodiscard]] Gpr destination_gpr(uint32_t immediates = 0) const;
  [[nodiscard]] Xmm destination_xmm(uint32_t immediates = 0) const;

  // --- control.cpp, function_frame.cpp
  void assign_registers(const FunctionInfo& function);
  void receive_parameters(const FunctionInfo& function);
  void zero_locals(const FunctionInfo& function);
  void epilogue();
  void emit_large_frame(uint32_t frame_bytes);
  void emit_out_of_line();
  void emit_pool();
  [[nodiscard]] bool goes_straight(const Control& target) const; // no moves are needed to branch there
  void move_to_label(const Control& target);                     // emits the moves; the abstract stack stays
  void push_label_results(const Control& control);
  void emit_return();
  void branch_to(uint32_t depth);
  void branch_if(Test test, uint32_t depth);
  [[nodiscard]] Test pop_condition();
  void jump_if(Test test, Label& label);
  void check_interrupt();
  Control& control_at(uint32_t depth) { return controls_[controls_.size() - 1 - depth]; }
  [[nodiscard]] bool is_return(uint32_t depth) const { return depth >= controls_.size(); }
  void trap_if(Cond cond, TrapCode code);
  void trap_now(TrapCode code);
  void trap_site(TrapCode code) { out_.traps.push_back({e_.offset(), position_, code}); }
  [[nodiscard]] Result<void> check_code_size() const;

  // --- calls.cpp
  // Copies values to where a call or return wants them; changes no state. `callee` (may be null) goes to rax.
  void place_values(std::span<const Operand> values, std::span<const ValType> types, Locations locations,
                    const Operand* callee);
  void place_arguments(std::span<const ValType> params, Callee callee, bool tail); // pops them
  void push_results(std::span<const ValType> results);
  void call_site() { out_.calls.push_back({e_.offset(), position_}); }
  void save_volatile_pins();
  void restore_volatile_pins();
  void leave_instance();
  void call_func_ref(Gpr ref, int32_t displacement);
  void tail_call_func_ref();
  void check_type(TypeId type);
  struct Libcall {
    size_t offset; // in Libcalls
    uint64_t immediate = 0;
    uint32_t arguments = 0; // popped
    bool can_trap = false;
  };
  void libcall(const Libcall& call);

  // --- integer.cpp, floating.cpp
  void integer_alu(Alu op, ValKind type, Operands operands);
  void apply_alu(Alu op, Width width, Gpr to, const Operand& value);
  void integer_mul(ValKind type);
  void integer_compare(Cond cond, ValKind type);
  void integer_eqz(ValKind type);
  void integer_shift(Shift shift, ValKind type);
  void integer_rotate(Shift rotate, ValKind type);
  void divide(ValKind type, Signedness sign, Division wanted);
  bool divide_by_constant(ValKind type, Signedness sign, Division wanted);
  template <class Emit> void integer_unary(ValKind from, ValKind to, Emit emit);
  Result<void> floating(Op op);
  void float_binary(Sse op, FloatWidth width, Operands operands);
  void float_min_max(FloatWidth width, Extremum wanted);
  void float_compare(Test test, FloatWidth width, Order order);
  void float_round(FloatWidth width, Rounding mode);
  void float_sign(FloatWidth width, SseLogic op);
  void float_copysign(FloatWidth width);
  void float_sqrt(FloatWidth width);
  void float_convert(FloatWidth to_width);
  void truncate_float(ValKind to, Signedness sign, FloatWidth from_width);
  void truncate_saturating(ValKind to, Signedness sign, FloatWidth from_width);
  void convert_integer(ValKind from, Signedness sign, FloatWidth to_width);
  void reinterpret(ValKind to);
  void canonicalize(FloatWidth width, Xmm reg); // deterministic mode

  // --- vector_table.cpp, vector.cpp, vector_float.cpp, vector_memory.cpp
  struct Vector {
    uint64_t low = 0, high = 0;
    bool operator==(const Vector&) const = default;
  };
  struct PoolEntry {
    Vector value;
    Label label;
  };
  enum class Half : uint8_t { low, high };
  enum class Answer : uint8_t { given, negated };
  Label& pooled(Vector value); // the label of a constant behind the function; good until the next call
  Result<void> vector_constant(Vector value);
  void load_vector_constant(Xmm to, Vector value);
  void push_vector(Xmm reg) { push_xmm(ValKind::v128, reg); }
  void release(Xmm reg) { xmms_.release(reg); }
  // Of an instruction with one operand: the register it goes to, the operand released.
  [[nodiscard]] Xmm vector_target(const Operand& operand);
  void vector_binary(Packed2 op, Operands operands, Order order = Order::given);
  void vector_unary(Packed1 op);
  void vector_float_round(FloatWidth width, Packed1Imm op, Rounding mode);
  void vector_not(Xmm reg);
  void vector_compare(Packed2 op, Order order, Answer answer);
  void vector_compare_extremum(Packed2 extremum, Packed2 equal, Answer answer);
  void vector_float_compare(Packed2Imm op, uint8_t predicate, Order order);
  void vector_float_arithmetic(Packed2 op, FloatWidth width, Operands operands);
  void vector_float_min_max(FloatWidth width, Extremum wanted);
  void vector_float_sign(FloatWidth width, SseLogic op);
  void vector_float_sqrt(FloatWidth width);
  void vector_multiply_add(FloatWidth width, Packed2 last);
  void vector_canonicalize(FloatWidth width, Xmm reg); // deterministic mode
  // A shift's count modulo the lanes' bits: a constant, or (nullopt) in the scratch register.
  [[nodiscard]] std::optional<uint8_t> pop_shift_count(uint8_t lane_bits);
  void shift(Packed2 by_register, PackedShift by_constant, Xmm reg, std::optional<uint8_t> count);
  void vector_shift(Packed2 by_register, PackedShift by_constant, uint8_t lane_bits);
  void vector_shift_bytes(Shift wanted);
  void vector_shift_right_signed_64();
  void vector_negate(Packed2 subtract);
  void vector_abs_64();
  void vector_mul_64();
  void vector_popcnt();
  void vector_q15mulr();
  void vector_all_true(Packed2 equal);
  void vector_any_true();
  void vector_bitmask(Op op);
  void vector_splat(ValKind from, Lane lane);
  void splat_lowest(Lane lane, Xmm reg); // uses the scratch register for bytes
  void vector_extract(Lane lane, uint8_t index, Signedness sign);
  void vector_extract_float(FloatWidth width, uint8_t index);
  void vector_replace(Lane lane, uint8_t index);
  void vector_replace_float(FloatWidth width, uint8_t index);
  void vector_shuffle(Vector lanes);
  void vector_swizzle();
  void vector_bitselect();
  void vector_extend_high(Packed1 op);
  void vector_extend_multiply_8(Packed1 extend, Half half);
  void vector_extend_multiply_16(Packed2 upper, Half half);
  void vector_extend_multiply_32(Packed2 multiply, Half half);
  void vector_add_pairs(Op op);
  void vector_dot_bytes(Xmm left, Xmm right); // into left
  void vector_relaxed_dot();
  void vector_relaxed_dot_add();
  Result<void> vector_compare_or_bits(Op op);
  Result<void> vector_integer(Op op);
  Result<void> vector_integer_wide(Op op);
  Result<void> vector_float(Op op);
  Result<void> vector_convert(Op op);
  void vector_truncate_signed();
  void vector_truncate_unsigned();
  void vector_truncate_doubles(Signedness sign);
  void vector_convert_unsigned();
  void vector_convert_low_unsigned();
  Result<void> vector_load(Op op, const MemArg& memarg);
  Result<void> vector_store(const MemArg& memarg);

  // --- memory.cpp, table.cpp
  // Where a load or store goes; what its registers are released with afterwards.
  struct Address {
    Mem mem;
    Operand index;
    Gpr base = kNoGpr;
  };
  Address address(const MemArg& memarg, uint32_t size_bytes);
  void release(const Address& address);
  void load_memory_pointer(Gpr to, uint32_t memory);
  void push_status_result(bool is_64);
  [[nodiscard]] bool is_64_bit_memory(uint32_t memory) const { return module_.memories[memory].limits.is_64; }
  [[nodiscard]] bool is_64_bit_table(uint32_t table) const { return module_.tables[table].type.limits.is_64; }
  Mem table_element(uint32_t table, Operand& index); // checked; its base is r11, its index the operand's register

  [[nodiscard]] static std::unexpected<Error> unsupported(Op op);
  [[nodiscard]] static std::unexpected<Error> unsupported(std::string what);

  const DecodedModule& module_;
  const TypeRegistry& types_;
  const CompileOptions options_;
  const bool has_vector_types_; // a v128 can come from a call or a global, not from instructions on vectors alone
  CompiledCode& out_;
  Emitter e_;
  std::vector<CallFixup> call_fixups_;

  // of the function being compiled
  uint32_t position_ = 0;
  OperandStack stack_;
  RegisterPool<Gpr> gprs_;
  RegisterPool<Xmm> xmms_;
  std::vector<Local> locals_;
  std::vector<Control> controls_;
  std::vector<Operand> arguments_; // of the call being emitted
  std::vector<TrapJump> trap_jumps_;
  std::vector<InterruptCheck> interrupt_checks_;
  std::vector<uint32_t> volatile_pins_;            // locals in registers that calls destroy
  std::vector<uint32_t> edge_stamp_, edge_number_; // br_table: by depth
  std::vector<Label> edges_;                       // of the br_table being emitted
  std::vector<uint32_t> edge_depths_;
  std::vector<PoolEntry> pool_;
  std::span<const ValType> results_;
  uint32_t edge_generation_ = 0;
  uint32_t local_count_ = 0, slots_used_ = 0;
  uint32_t slot_log2_ = 3; // of a slot's bytes: 4 in functions that may hold vectors
  uint32_t entry_ = 0, frame_patch_ = 0, code_limit_ = kMaxCodeBytes;
  uint32_t preserved_used_ = 0; // bit i: kPreserved[i]
};

} // namespace runtime::baseline
