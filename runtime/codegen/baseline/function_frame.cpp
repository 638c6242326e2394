// The baseline compiler: a function's beginning and end. Which locals live in registers, prologue and epilogue
// (calling_convention.hpp describes the frame), and the code behind the function: traps, interruption checks, large
// frames.
#include "runtime/codegen/baseline/baseline.hpp"
#include <algorithm>
#include <format>

namespace runtime::baseline {
namespace {

// No call preserves them: worth it when the local is used more often than calls would store and load it.
constexpr std::array kVolatilePins = {Gpr::r8, Gpr::r9, Gpr::r10, Gpr::rdi};
constexpr uint32_t kFirstPinnedXmm = 8, kPinnedXmms = 7;
constexpr RegisterSet<Gpr> kTemporaryGprs = {Gpr::rax, Gpr::rcx, Gpr::rdx, Gpr::rsi,
                                             Gpr::rdi, Gpr::r8,  Gpr::r9,  Gpr::r10};
constexpr RegisterSet<Xmm> kTemporaryXmms = RegisterSet<Xmm>::first(15); // all but kScratchXmm

// A pinned local costs a store and a load of the preserved register for each execution of the function.
constexpr uint32_t kMinimumUses = 3;

// The N locals with the highest counts above a threshold, best first.
template <size_t N> struct Best {
  struct Candidate {
    uint32_t uses, local;
  };
  std::array<Candidate, N> candidates;
  size_t count = 0;
  void offer(uint32_t uses, uint32_t local) {
    if (count == N && candidates[N - 1].uses >= uses) return;
    if (count < N) ++count;
    size_t at = count - 1;
    for (; at > 0 && candidates[at - 1].uses < uses; --at) candidates[at] = candidates[at - 1];
    candidates[at] = {uses, local};
  }
};

} // namespace

void Baseline::assign_registers(const FunctionInfo& function) {
  RegisterSet<Gpr> gprs = kTemporaryGprs;
  RegisterSet<Xmm> xmms = kTemporaryXmms;
  preserved_used_ = 0;
  volatile_pins_.clear();
  Best<kPreserved.size() + kVolatilePins.size()> integers;
  Best<kPinnedXmms> floats;
  for (uint32_t i = 0; i < function.local_uses.size() && i < local_count_; ++i) {
    const uint32_t uses = function.local_uses[i];
    if (uses < kMinimumUses) continue;
    if (in_xmm(function.locals[i].kind()))
      floats.offer(uses, i);
    else
      integers.offer(uses, i);
  }
  for (uint32_t i = 0; i < integers.count; ++i) {
    const auto [uses, local] = integers.candidates[i];
    if (i < kPreserved.size()) {
      locals_[local].pin(kPreserved[i]);
      preserved_used_ |= 1u << i;
    } else if (uses / 2 > function.call_weight) {
      const Gpr reg = kVolatilePins[i - kPreserved.size()];
      locals_[local].pin(reg);
      gprs.remove(reg);
      volatile_pins_.push_back(local);
    }
  }
  for (uint32_t i = 0; i < floats.count; ++i) {
    const auto [uses, local] = floats.candidates[i];
    if (uses / 2 <= function.call_weight) continue;
    const Xmm reg = static_cast<Xmm>(kFirstPinnedXmm + i);
    locals_[local].pin(reg);
    xmms.remove(reg);
    volatile_pins_.push_back(local);
  }
  gprs_.reset(gprs);
  xmms_.reset(xmms);
}

Result<void> Baseline::function_begin(const FunctionInfo& function) {
  position_ = module_.bodies[function.index - module_.imported_functions].offset;
  local_count_ = static_cast<uint32_t>(function.locals.size());
  locals_.clear();
  bool has_vectors = function.has_vectors || has_vector_types_;
  for (const ValType type : function.locals) {
    has_vectors |= type.kind() == ValKind::v128;
    locals_.emplace_back(type.kind());
  }
  slot_log2_ = has_vectors ? 4 : 3;
  pool_.clear();
  stack_.reset(local_count_);
  controls_.clear();
  trap_jumps_.clear();
  interrupt_checks_.clear();
  slots_used_ = 0;
  results_ = function.results;
  assign_registers(function);

  e_.align(16);
  entry_ = e_.offset();
  code_limit_ = std::min(kMaxCodeBytes, entry_ + kMaxFunctionCodeBytes);
  e_.push(Gpr::rbp);
  e_.mov(Width::w64, Gpr::rbp, Gpr::rsp);
  e_.mov(Width::w64, kScratch, kExec);
  e_.alu(Alu::cmp, Width::w64, Gpr::rsp, {kScratch, offsetof(ExecContext, stack_limit)});
  trap_if(Cond::b, TrapCode::stack_exhausted);
  frame_patch_ = e_.sub_imm32(Gpr::rsp, 0);
  for (size_t i = 0; i < kPreserved.size(); ++i)
    if ((preserved_used_ >> i & 1) != 0)
      e_.mov(Width::w64, {Gpr::rbp, -8 * static_cast<int32_t>(i + 1)}, kPreserved[i]);
  receive_parameters(function);
  zero_locals(function);
  check_interrupt();
  return {};
}

void Baseline::receive_parameters(const FunctionInfo& function) {
  Locations locations = Locations::params();
  MoveResolver<Gpr> gprs;
  MoveResolver<Xmm> xmms;
  bool has_overflow = false;
  for (uint32_t i = 0; i < function.params.size(); ++i) {
    const Location from = locations.next(function.params[i]);
    const Local& local = locals_[i];
    if (from.is_overflow())
      has_overflow = true;
    else if (local.is_pinned() && from.is_gpr())
      gprs.add(local.gpr(), from.gpr());
    else if (local.is_pinned())
      xmms.add(local.xmm(), from.xmm());
    else if (from.is_gpr())
      e_.mov(Width::w64, home(i), from.gpr());
    else
      store_xmm_to(local.type(), home(i), from.xmm());
  }
  resolve(gprs);
  resolve(xmms);
  if (!has_overflow) return;
  e_.mov(Width::w64, kScratch, kExec);
  locations = Locations::params();
  for (uint32_t i = 0; i < function.params.size(); ++i) {
    const Location from = locations.next(function.params[i]);
    if (!from.is_overflow()) continue;
    const Mem source = overflow_slot(kScratch, from.overflow_index());
    const Local& local = locals_[i];
    if (!local.is_pinned()) {
      copy_memory(local.type(), home(i), source);
    } else if (local.in_xmm()) {
      load_xmm_from(local.type(), local.xmm(), source);
    } else {
      e_.mov(local.type() == ValKind::i32 ? Width::w32 : Width::w64, local.gpr(), source);
    }
  }
}

void Baseline::zero_locals(const FunctionInfo& function) {
  const auto first = static_cast<uint32_t>(function.params.size());
  uint32_t in_frame = 0;
  for (uint32_t i = first; i < local_count_; ++i) {
    const Local& local = locals_[i];
    if (!local.is_pinned())
      ++in_frame;
    else if (local.in_xmm())
      e_.logic(SseLogic::xor_, local.xmm(), local.xmm());
    else
      e_.alu(Alu::xor_, Width::w32, local.gpr(), local.gpr());
  }
  if (in_frame == 0) return;
  e_.alu(Alu::xor_, Width::w32, Gpr::rax, Gpr::rax);
  if (in_frame <= 16) {
    for (uint32_t i = first; i < local_count_; ++i)
      if (!locals_[i].is_pinned()) {
        e_.mov(Width::w64, home(i), Gpr::rax);
        if (locals_[i].type() == ValKind::v128) e_.mov(Width::w64, {Gpr::rbp, home(i).disp + 8}, Gpr::rax);
      }
    return;
  }
  // All homes from the first to the last one, which has the lowest address.
  const uint32_t count = (local_count_ - first) << (slot_log2_ - 3); // of 8 bytes each
  e_.mov_imm(kScratch, count);
  Label again;
  e_.bind(again);
  Mem last = home(local_count_ - 1);
  last.disp -= 8; // r11 counts down from count to 1
  last.index = kScratch;
  last.scale_log2 = 3;
  e_.mov(Width::w64, last, Gpr::rax);
  e_.alu_imm(Alu::sub, Width::w64, kScratch, 1);
  e_.jcc(Cond::ne, again);
}

void Baseline::epilogue() {
  for (size_t i = 0; i < kPreserved.size(); ++i)
    if ((preserved_used_ >> i & 1) != 0)
      e_.mov(Width::w64, kPreserved[i], {Gpr::rbp, -8 * static_cast<int32_t>(i + 1)});
  e_.leave();
}

void Baseline::emit_return() {
  const size_t count = results_.size();
  place_values(stack_.topmost(count), results_, Locations::results(), nullptr);
  epilogue();
  e_.ret();
}

Result<void> Baseline::function_end(bool live) {
  if (live) {
    settle_flags();
    emit_return();
  }
  const uint64_t slots = uint64_t{local_count_} + slots_used_;
  const uint64_t frame_bytes = (kFrameHeaderBytes + (slots << slot_log2_) + 15) / 16 * 16;
  if (frame_bytes > kMaxFrameBytes)
    return std::unexpected(Error{
        .kind = ErrorKind::limit,
        .message = std::format("a function's stack frame of {} bytes is more than {}", frame_bytes, kMaxFrameBytes),
        .offset = position_});
  e_.patch32(frame_patch_, static_cast<uint32_t>(frame_bytes));
  if (frame_bytes > kUncheckedFrameBytes) emit_large_frame(static_cast<uint32_t>(frame_bytes));
  emit_out_of_line();
  emit_pool();
  out_.functions.push_back({entry_, e_.offset()});
  return check_code_size();
}

// Replaces the prologue's `sub rsp, imm32` (7 bytes) by a jump to code that first compares the whole frame with what
// is left of the stack. rsp is not below the limit here, so the difference cannot wrap.
void Baseline::emit_large_frame(uint32_t frame_bytes) {
  const uint32_t sub = frame_patch_ - 3, back = frame_patch_ + 4;
  e_.patch8(sub, 0xe9);
  e_.patch_relative(sub + 1, e_.offset());
  e_.patch8(sub + 5, 0x66); // a two-byte nop fills the rest
  e_.patch8(sub + 6, 0x90);
  e_.mov(Width::w64, Gpr::rax, Gpr::rsp);
  e_.alu(Alu::sub, Width::w64, Gpr::rax, {kScratch, offsetof(ExecContext, stack_limit)});
  e_.alu_imm(Alu::cmp, Width::w64, Gpr::rax, static_cast<int32_t>(frame_bytes));
  position_ = trap_jumps_.front().wasm_offset; // of the prologue's check
  trap_if(Cond::b, TrapCode::stack_exhausted);
  (void)e_.sub_imm32(Gpr::rsp, static_cast<int32_t>(frame_bytes));
  e_.patch_relative(e_.jmp_rel32(), back);
}

void Baseline::emit_out_of_line() {
  for (const InterruptCheck& check : interrupt_checks_) {
    position_ = check.wasm_offset;
    e_.patch_relative(check.at, e_.offset());
    save_volatile_pins();
    e_.mov(Width::w64, Gpr::rdi, kVmctx);
    e_.mov(Width::w64, kScratch, vmctx_field(offsetof(VMContext, libcalls)));
    e_.call({kScratch, offsetof(Libcalls, interrupted)});
    call_site();
    e_.test(Width::w32, Gpr::rax, Gpr::rax);
    trap_if(Cond::ne, TrapCode::from_status);
    restore_volatile_pins();
    e_.patch_relative(e_.jmp_rel32(), check.back);
  }
  uint32_t previous = 0; // trap_jumps_ may hold neighbours with the same trap
  for (size_t i = 0; i < trap_jumps_.size(); ++i) {
    const TrapJump& jump = trap_jumps_[i];
    const bool same =
        i > 0 && trap_jumps_[i - 1].wasm_offset == jump.wasm_offset && trap_jumps_[i - 1].code == jump.code;
    if (!same) {
      previous = e_.offset();
      out_.traps.push_back({previous, jump.wasm_offset, jump.code});
      e_.ud2();
    }
    e_.patch_relative(jump.at, previous);
  }
}

void Baseline::emit_pool() {
  if (pool_.empty()) return;
  e_.align(16);
  for (PoolEntry& entry : pool_) {
    e_.bind(entry.label);
    for (const uint64_t half : {entry.value.low, entry.value.high}) {
      e_.data32(static_cast<uint32_t>(half));
      e_.data32(static_cast<uint32_t>(half >> 32));
    }
  }
}

} // namespace runtime::baseline
