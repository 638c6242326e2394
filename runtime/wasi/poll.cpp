// poll_oneoff: waits for the first of several clocks; streams are always ready, for reads and writes on them block.
#include "runtime/platform/platform.hpp"
#include "runtime/wasi/preview1_state.hpp"
#include <algorithm>

namespace runtime::preview1 {
namespace {

constexpr uint32_t kMaxSubscriptions = 4096;
constexpr uint64_t kSubscriptionBytes = 48, kEventBytes = 32;
constexpr uint8_t kClock = 0, kFdRead = 1, kFdWrite = 2;
constexpr uint16_t kAbsoluteTime = 1;
constexpr uint64_t kSliceNs = 10'000'000; // how late an interrupt may find a sleeping guest

struct Subscription { // offsets: userdata 0, tag 8, then clock: id 16, timeout 24, flags 40; or descriptor 16
  uint64_t userdata = 0;
  uint8_t tag = 0;
  uint32_t id = 0; // clock or descriptor
  uint64_t deadline_ns = 0;
  Errno error = Errno::success;
};

Subscription read_subscription(Guest& guest, const GuestMemory& memory, uint64_t at) {
  Subscription wanted;
  wanted.userdata = memory.load<uint64_t>(at).value_or(0);
  wanted.tag = memory.load<uint8_t>(at + 8).value_or(0);
  wanted.id = memory.load<uint32_t>(at + 16).value_or(0);
  if (wanted.tag == kClock) {
    const uint64_t timeout = memory.load<uint64_t>(at + 24).value_or(0);
    const uint16_t flags = memory.load<uint16_t>(at + 40).value_or(0);
    const std::optional<uint64_t> now = read_clock(guest, wanted.id);
    if (!now)
      wanted.error = guest.options->clocks ? Errno::inval : Errno::notcapable;
    else if ((flags & kAbsoluteTime) != 0)
      wanted.deadline_ns = timeout;
    else
      wanted.deadline_ns = timeout > ~*now ? ~uint64_t{0} : *now + timeout;
  } else if (wanted.tag == kFdRead || wanted.tag == kFdWrite) {
    const Guest::Descriptor* descriptor = guest.find(wanted.id);
    const uint64_t right = wanted.tag == kFdRead ? kRightRead : kRightWrite;
    if (descriptor == nullptr)
      wanted.error = Errno::badf;
    else if ((descriptor->rights & right) == 0)
      wanted.error = Errno::notcapable;
  } else {
    wanted.error = Errno::inval;
  }
  return wanted;
}

} // namespace

Answer poll_oneoff(Guest& guest, const Arguments& at) {
  const GuestMemory memory = TRY(at.memory());
  const uint32_t count = at.i32(2);
  if (count == 0 || count > kMaxSubscriptions) return Errno::inval;
  if (!memory.range(at.i32(0), count * kSubscriptionBytes) || !memory.range(at.i32(1), count * kEventBytes) ||
      !memory.range(at.i32(3), 4))
    return Errno::fault;
  std::vector<Subscription> wanted; // all read before any event is written: the two arrays may overlap
  wanted.reserve(count);
  for (uint32_t i = 0; i < count; ++i)
    wanted.push_back(read_subscription(guest, memory, at.i32(0) + i * kSubscriptionBytes));

  const auto is_ready = [&](const Subscription& item) {
    return item.tag != kClock || item.error != Errno::success ||
           read_clock(guest, item.id).value_or(~uint64_t{0}) >= item.deadline_ns;
  };
  while (std::ranges::none_of(wanted, is_ready)) {
    if (at.store().interrupted())
      return std::unexpected(Error{
          .kind = ErrorKind::trap, .message = trap_message(TrapCode::interrupted), .trap = TrapCode::interrupted});
    uint64_t wait_ns = kSliceNs;
    for (const Subscription& item : wanted) {
      const uint64_t now = read_clock(guest, item.id).value_or(0);
      wait_ns = std::min(wait_ns, item.deadline_ns > now ? item.deadline_ns - now : 0);
    }
    platform::idle_until(platform::monotonic_ns() + wait_ns);
  }

  uint32_t events = 0;
  for (const Subscription& item : wanted) {
    if (!is_ready(item)) continue;
    const uint64_t to = at.i32(1) + events++ * kEventBytes; // userdata 0, error 8, type 10, bytes 16, flags 24
    std::memset(memory.range(to, kEventBytes)->data(), 0, kEventBytes);
    const bool written =
        memory.store(to, item.userdata) && memory.store(to + 8, static_cast<uint16_t>(item.error)) &&
        memory.store(to + 10, item.tag) &&
        memory.store(to + 16, item.tag == kClock || item.error != Errno::success ? uint64_t{0} : uint64_t{1});
    if (!written) return Errno::fault;
  }
  return memory.store(at.i32(3), events) ? Errno::success : Errno::fault;
}

} // namespace runtime::preview1
