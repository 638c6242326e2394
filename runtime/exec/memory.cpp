// Linear memories and tables (spec §4.2.8, §4.2.7).
//
// A 32-bit memory reserves 8 GiB + 64 KiB whatever its size: any 32-bit index plus any 32-bit constant offset plus the
// width of an access stays inside, so that what lies beyond the memory's end faults. A 64-bit memory's accesses are
// checked by generated code; it reserves its maximum, up to kMax64BitBytes. The base never moves.
#include "runtime/exec/store.hpp"

#include <algorithm>
#include <cstdlib>

namespace runtime {
namespace {

constexpr uint64_t kReserved32BitBytes = (uint64_t{8} << 30) + kWasmPageBytes;
constexpr uint64_t kMax32BitPages = 65536;
constexpr uint64_t kMax64BitBytes = uint64_t{64} << 30;

Error resource(std::string message) { return {.kind = ErrorKind::resource, .message = std::move(message)}; }

} // namespace

Result<std::unique_ptr<MemoryImpl>> MemoryImpl::make(Store::Impl& store, const MemoryType& type) {
  std::unique_ptr<MemoryImpl> memory(new MemoryImpl(store, type));
  const Limits& limits = type.limits;
  const uint64_t most = limits.is_64 ? kMax64BitBytes / kWasmPageBytes : kMax32BitPages;
  if (limits.min > most)
    return std::unexpected(resource("a memory of " + std::to_string(limits.min) + " pages is beyond this engine's " +
                                    std::to_string(most)));
  memory->max_pages_ = std::min(limits.max.value_or(most), most);
  memory->reserved_bytes_ =
      limits.is_64 ? std::max(memory->max_pages_, uint64_t{1}) * kWasmPageBytes : kReserved32BitBytes;
  if (limits.min * kWasmPageBytes >
      store.options.memory_limit_bytes - std::min(store.memory_bytes, store.options.memory_limit_bytes))
    return std::unexpected(resource("a memory of " + std::to_string(limits.min) + " pages is beyond the limit of " +
                                    std::to_string(store.options.memory_limit_bytes) + " bytes"));
  memory->vm.base = TRY(platform::reserve(memory->reserved_bytes_));
  TRY_VOID(platform::commit(memory->vm.base, limits.min * kWasmPageBytes));
  memory->vm.size_bytes = limits.min * kWasmPageBytes;
  store.memory_bytes += limits.min * kWasmPageBytes;
  return memory;
}

MemoryImpl::~MemoryImpl() {
  if (vm.base == nullptr) return;
  store_.memory_bytes -= vm.size_bytes.load();
  platform::release(vm.base, reserved_bytes_);
}

std::optional<uint64_t> MemoryImpl::try_grow(uint64_t delta_pages) {
  const uint64_t old_bytes = vm.size_bytes.load(std::memory_order_relaxed), old_pages = old_bytes / kWasmPageBytes;
  if (delta_pages > max_pages_ - old_pages) return std::nullopt;
  const uint64_t delta_bytes = delta_pages * kWasmPageBytes;
  if (store_.memory_bytes > store_.options.memory_limit_bytes ||
      delta_bytes > store_.options.memory_limit_bytes - store_.memory_bytes)
    return std::nullopt;
  if (delta_bytes != 0) {
    if (!platform::commit(vm.base + old_bytes, delta_bytes)) return std::nullopt;
    store_.memory_bytes += delta_bytes;
    vm.size_bytes.store(old_bytes + delta_bytes);
  }
  return old_pages;
}

Result<uint64_t> MemoryImpl::grow(uint64_t delta_pages) {
  if (const std::optional<uint64_t> old = try_grow(delta_pages)) return *old;
  return std::unexpected(resource("a memory of " + std::to_string(pages()) + " pages cannot grow by " +
                                  std::to_string(delta_pages) + ": its maximum is " + std::to_string(max_pages_) +
                                  " pages, the store's " + std::to_string(store_.options.memory_limit_bytes) +
                                  " bytes"));
}

// --- tables

Result<std::unique_ptr<TableImpl>> TableImpl::make(Store::Impl& store, const TableType& type, uint64_t init) {
  std::unique_ptr<TableImpl> table(new TableImpl(store, type));
  if (!table->try_grow(type.limits.min, init))
    return std::unexpected(resource("a table of " + std::to_string(type.limits.min) +
                                    " elements is beyond the limit of " +
                                    std::to_string(store.options.table_limit_elements)));
  return table;
}

TableImpl::~TableImpl() {
  store_.table_elements -= vm.size;
  std::free(vm.elements);
}

std::optional<uint64_t> TableImpl::try_grow(uint64_t delta, uint64_t init) {
  const uint64_t old = vm.size;
  const uint64_t others = store_.table_elements - old;
  if (others > store_.options.table_limit_elements) return std::nullopt;
  const uint64_t most = std::min(type_.limits.max.value_or(~uint64_t{0}), store_.options.table_limit_elements - others);
  if (old > most || delta > most - old) return std::nullopt;
  if (old + delta > capacity_) {
    // Half more each time, so that growing by one costs constant time on average.
    const uint64_t wanted = std::min(most, std::max(old + delta, capacity_ + capacity_ / 2));
    void* grown = std::realloc(vm.elements, wanted * sizeof(uint64_t));
    if (grown == nullptr) return std::nullopt;
    vm.elements = static_cast<uint64_t*>(grown);
    capacity_ = wanted;
  }
  std::fill_n(vm.elements + old, delta, init);
  vm.size = old + delta;
  store_.table_elements += delta;
  return old;
}

Result<void> TableImpl::check_element(const Value& value) const {
  return store_.check_value(value, type_.element, "a table's element");
}

Result<Value> TableImpl::get(uint64_t index) const {
  if (index >= vm.size) return std::unexpected(trap_error(TrapCode::table_out_of_bounds));
  return Value{type_.element, {vm.elements[index], 0}};
}

Result<void> TableImpl::set(uint64_t index, Value value) {
  TRY_VOID(check_element(value));
  if (index >= vm.size) return std::unexpected(trap_error(TrapCode::table_out_of_bounds));
  vm.elements[index] = value.bits[0];
  return {};
}

Result<uint64_t> TableImpl::grow(uint64_t delta, Value init) {
  TRY_VOID(check_element(init));
  if (const std::optional<uint64_t> old = try_grow(delta, init.bits[0])) return *old;
  return std::unexpected(
      resource("a table of " + std::to_string(vm.size) + " elements cannot grow by " + std::to_string(delta)));
}

} // namespace runtime
