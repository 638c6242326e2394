// The machine's heap: memory/heap.hpp over all frames through the direct map. Zero-initialised by the linker, so that
// it exists before constructors run.
#include "kernel/debug/panic.hpp"
#include "kernel/memory/heap.hpp"
#include "kernel/memory/physical.hpp"

namespace kernel {
namespace {
constinit Heap machine_heap;
} // namespace

Heap& heap() { return machine_heap; }
void set_up_heap() {
  if (!machine_heap.set_up(frames(), direct(0))) panic("no memory for the heap's table of frames");
}

} // namespace kernel
