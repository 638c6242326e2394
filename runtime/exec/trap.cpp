// The fault handler and the stack walk: see trap.hpp. Everything up to the landing runs inside a signal or interrupt
// handler: no allocation, no lock, no call into the C library.
#include "runtime/exec/trap.hpp"

#include "runtime/exec/store.hpp"

namespace runtime {
namespace {

// One guest runs on a thread at a time. A scheduler that switches stacks inside a host function need not save this:
// it is set again whenever a host function returns.
thread_local constinit Store::Impl* t_current = nullptr;

void add_frame(const Store::Impl& store, CapturedTrap& trap, uintptr_t pc, bool is_return_address) {
  const CodeObject* code = store.code_at(pc);
  if (code == nullptr || code->module == nullptr) return; // trampolines are nobody's frames
  if (trap.count == kMaxBacktraceFrames) {
    trap.truncated = true;
    return;
  }
  uint32_t wasm_offset = 0;
  if (is_return_address) {
    if (const CallSite* site = code->call_returning_to(pc)) wasm_offset = site->wasm_offset;
  } else if (const TrapSite* site = code->trap_at(pc)) {
    wasm_offset = site->wasm_offset;
  }
  trap.frames[trap.count++] = {code, static_cast<uint32_t>(pc - code->begin()) - (is_return_address ? 1 : 0),
                               wasm_offset};
}

// Follows the frame pointers from `fp` up to the entry trampoline's frame. Wasm frames are never instrumented, and what
// a sanitizer believes about the stack below the C++ frames is stale.
__attribute__((no_sanitize("address"))) void walk(const Store::Impl& store, CapturedTrap& trap, uintptr_t fp,
                                                  uintptr_t entry_fp) {
  while (fp != entry_fp && !trap.truncated) {
    const auto* frame = reinterpret_cast<const FrameRecord*>(fp);
    add_frame(store, trap, frame->return_pc, true);
    if (frame->caller_fp <= fp) return; // not a chain of frames
    fp = frame->caller_fp;
  }
}

void capture(Store::Impl& store, const platform::Fault& fault) {
  CapturedTrap& trap = store.trap;
  trap.count = 0;
  trap.truncated = false;
  trap.address = fault.kind == platform::FaultKind::memory_access ? fault.address : 0;
  add_frame(store, trap, fault.pc, false);
  const Activation* activation = store.exec.top;
  walk(store, trap, fault.fp, activation->entry_fp);
  for (activation = activation->previous; activation != nullptr && !trap.truncated; activation = activation->previous) {
    add_frame(store, trap, activation->exit_pc, true);
    walk(store, trap, activation->exit_fp, activation->entry_fp);
  }
}

bool on_fault(platform::Fault& fault) {
  Store::Impl* store = t_current;
  if (store == nullptr || store->exec.top == nullptr) return false;
  const CodeObject* code = store->code_at(fault.pc);
  const TrapSite* site = code != nullptr ? code->trap_at(fault.pc) : nullptr;
  if (site == nullptr) return false;
  capture(*store, fault);
  const Activation& landing = *store->exec.top;
  fault.result = site->code == TrapCode::from_status ? fault.result & 0xff : static_cast<uint64_t>(site->code);
  fault.pc = landing.landing_pc;
  fault.sp = landing.landing_sp;
  fault.fp = landing.landing_fp;
  return true;
}

} // namespace

Store::Impl* set_current_store(Store::Impl* store) {
  Store::Impl* before = t_current;
  t_current = store;
  return before;
}

void install_fault_handler() { platform::set_fault_handler(on_fault); }

std::vector<Frame> name_frames(const CapturedTrap& trap) {
  std::vector<Frame> frames;
  frames.reserve(trap.count);
  for (size_t i = 0; i < trap.count; ++i) {
    const auto& pc = trap.frames[i];
    const Module::Impl& module = *pc.code->module;
    const std::optional<uint32_t> defined = pc.code->defined_function_at(pc.code_offset);
    if (!defined) continue;
    const uint32_t index = module.decoded->imported_functions + *defined;
    frames.push_back({module.name, module.function_name(index), index, pc.wasm_offset});
  }
  return frames;
}

} // namespace runtime
