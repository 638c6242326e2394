// What one preview 1 guest has open, and the functions on it. Private to wasi/.
#pragma once
#include "runtime/wasi/errno.hpp"
#include "runtime/wasi/guest_memory.hpp"
#include "runtime/wasi/preview1.hpp"
#include <array>

namespace runtime::preview1 {

// The arguments of one call. i32 parameters arrive with an undefined high half.
class Arguments {
public:
  explicit Arguments(HostCall& call) : call_(call) {}
  [[nodiscard]] uint32_t i32(size_t index) const { return static_cast<uint32_t>(call_.values[index]); }
  [[nodiscard]] uint64_t i64(size_t index) const { return call_.values[index]; }
  [[nodiscard]] Result<GuestMemory> memory() const { return GuestMemory(TRY(call_.memory())->bytes()); }
  [[nodiscard]] Store& store() const { return call_.store; }

private:
  HostCall& call_;
};

enum class StreamKind : uint8_t { closed, in, out, err };

inline constexpr uint64_t kRightRead = 1u << 1, kRightSetFlags = 1u << 3, kRightWrite = 1u << 6,
                          kRightFilestat = 1u << 21, kRightPoll = 1u << 27;
inline constexpr uint32_t kClockRealtime = 0, kClockMonotonic = 1;

struct Guest {
  explicit Guest(std::shared_ptr<const Preview1Options> granted);
  struct Descriptor {
    StreamKind stream = StreamKind::closed;
    uint16_t flags = 0;
    uint64_t rights = 0;
  };
  std::shared_ptr<const Preview1Options> options;
  std::array<Descriptor, 3> descriptors; // all there are

  [[nodiscard]] Descriptor* find(uint32_t fd) {
    return fd < descriptors.size() && descriptors[fd].stream != StreamKind::closed ? &descriptors[fd] : nullptr;
  }
  [[nodiscard]] bool is_open(uint32_t fd) { return find(fd) != nullptr; }
};

using Answer = Result<Errno>; // an Error stops the guest
Answer fd_close(Guest&, const Arguments&);
Answer fd_fdstat_get(Guest&, const Arguments&);
Answer fd_fdstat_set_flags(Guest&, const Arguments&);
Answer fd_fdstat_set_rights(Guest&, const Arguments&);
Answer fd_filestat_get(Guest&, const Arguments&);
Answer fd_read(Guest&, const Arguments&);
Answer fd_renumber(Guest&, const Arguments&);
Answer fd_write(Guest&, const Arguments&);
Answer poll_oneoff(Guest&, const Arguments&);

// Nanoseconds; none: not granted or no such clock.
[[nodiscard]] std::optional<uint64_t> read_clock(const Guest& guest, uint32_t id);

} // namespace runtime::preview1
