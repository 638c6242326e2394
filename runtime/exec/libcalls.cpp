// What generated code calls for bulk instructions, growth, interruption and subtyping (abi/vmctx.hpp, spec §4.4.6,
// §4.4.7). Bounds are checked before anything is written: a bulk instruction that traps has no effect.
#include "runtime/exec/store.hpp"

#include <algorithm>
#include <cstring>

namespace runtime {
namespace {

InstanceImpl& instance_of(VMContext* vmctx) { return *static_cast<InstanceImpl*>(vmctx->instance); }

constexpr auto kOk = static_cast<uint32_t>(TrapCode::none);
constexpr auto kMemoryBounds = static_cast<uint32_t>(TrapCode::memory_out_of_bounds);
constexpr auto kTableBounds = static_cast<uint32_t>(TrapCode::table_out_of_bounds);

bool inside(uint64_t at, uint64_t size, uint64_t whole) { return size <= whole && at <= whole - size; }
uint64_t size_of(const VMMemory& memory) { return memory.size_bytes.load(std::memory_order_relaxed); }
uint32_t high(uint64_t pair) { return static_cast<uint32_t>(pair >> 32); }
uint32_t low(uint64_t pair) { return static_cast<uint32_t>(pair); }

uint64_t memory_grow(VMContext* vmctx, uint32_t memory, uint64_t delta_pages) {
  return instance_of(vmctx).memories[memory]->try_grow(delta_pages).value_or(~uint64_t{0});
}

uint32_t memory_fill(VMContext* vmctx, uint32_t memory, uint64_t at, uint32_t value, uint64_t size) {
  const VMMemory& target = *vmctx->memories[memory];
  if (!inside(at, size, size_of(target))) return kMemoryBounds;
  if (size != 0) std::memset(target.base + at, static_cast<int>(value & 0xff), size);
  return kOk;
}

uint32_t memory_copy(VMContext* vmctx, uint64_t memories, uint64_t to, uint64_t from, uint64_t size) {
  const VMMemory &target = *vmctx->memories[high(memories)], &source = *vmctx->memories[low(memories)];
  if (!inside(to, size, size_of(target)) || !inside(from, size, size_of(source))) return kMemoryBounds;
  if (size != 0) std::memmove(target.base + to, source.base + from, size);
  return kOk;
}

uint32_t memory_init(VMContext* vmctx, uint64_t segment_and_memory, uint64_t to, uint64_t from, uint64_t size) {
  const VMMemory& target = *vmctx->memories[low(segment_and_memory)];
  const std::span<const std::byte> source = instance_of(vmctx).data[high(segment_and_memory)];
  if (!inside(to, size, size_of(target)) || !inside(from, size, source.size())) return kMemoryBounds;
  if (size != 0) std::memcpy(target.base + to, source.data() + from, size);
  return kOk;
}

void data_drop(VMContext* vmctx, uint32_t segment) { instance_of(vmctx).data[segment] = {}; }

uint64_t table_grow(VMContext* vmctx, uint32_t table, uint64_t init, uint64_t delta) {
  return instance_of(vmctx).tables[table]->try_grow(delta, init).value_or(~uint64_t{0});
}

uint32_t table_fill(VMContext* vmctx, uint32_t table, uint64_t at, uint64_t value, uint64_t size) {
  const VMTable& target = *vmctx->tables[table];
  if (!inside(at, size, target.size)) return kTableBounds;
  std::fill_n(target.elements + at, size, value);
  return kOk;
}

uint32_t table_copy(VMContext* vmctx, uint64_t tables, uint64_t to, uint64_t from, uint64_t size) {
  const VMTable &target = *vmctx->tables[high(tables)], &source = *vmctx->tables[low(tables)];
  if (!inside(to, size, target.size) || !inside(from, size, source.size)) return kTableBounds;
  if (size != 0) std::memmove(target.elements + to, source.elements + from, size * sizeof(uint64_t));
  return kOk;
}

uint32_t table_init(VMContext* vmctx, uint64_t segment_and_table, uint64_t to, uint64_t from, uint64_t size) {
  const VMTable& target = *vmctx->tables[low(segment_and_table)];
  const std::vector<uint64_t>& source = instance_of(vmctx).elements[high(segment_and_table)];
  if (!inside(to, size, target.size) || !inside(from, size, source.size())) return kTableBounds;
  if (size != 0) std::memcpy(target.elements + to, source.data() + from, size * sizeof(uint64_t));
  return kOk;
}

void elem_drop(VMContext* vmctx, uint32_t segment) {
  std::vector<uint64_t>().swap(instance_of(vmctx).elements[segment]); // gives the memory back
}

uint32_t interrupted(VMContext* vmctx) {
  return vmctx->exec->interrupt.load(std::memory_order_relaxed) != 0 ? static_cast<uint32_t>(TrapCode::interrupted)
                                                                     : kOk;
}

uint32_t is_subtype(VMContext* vmctx, uint32_t sub, uint32_t super) {
  return instance_of(vmctx).store.engine.types().is_subtype(TypeId{sub}, TypeId{super}) ? 1 : 0;
}

} // namespace

const Libcalls kLibcalls = {
    .memory_grow = memory_grow,
    .memory_fill = memory_fill,
    .memory_copy = memory_copy,
    .memory_init = memory_init,
    .data_drop = data_drop,
    .table_grow = table_grow,
    .table_fill = table_fill,
    .table_copy = table_copy,
    .table_init = table_init,
    .elem_drop = elem_drop,
    .interrupted = interrupted,
    .is_subtype = is_subtype,
};

} // namespace runtime
