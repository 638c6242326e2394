// Preview 1 on the three standard streams. They present themselves as character devices without the right to seek,
// which is what makes a C library buffer its output by lines.
#include "runtime/wasi/preview1_state.hpp"

namespace runtime::preview1 {
namespace {

constexpr uint8_t kCharacterDevice = 2;
constexpr uint16_t kKnownFlags = 0x1f; // append, dsync, nonblock, rsync, sync
constexpr uint32_t kMaxVectors = 1024; // IOV_MAX

// Calls `each` with the pieces of memory that an iovec array names, in order, until it returns false.
template <class Each> Errno for_each_vector(const GuestMemory& memory, uint32_t at, uint32_t count, Each each) {
  if (count > kMaxVectors) return Errno::inval;
  uint64_t total = 0;
  for (uint32_t i = 0; i < count; ++i) { // all are checked before any is used
    const auto pointer = memory.load<uint32_t>(uint64_t{at} + 8 * i),
               size = memory.load<uint32_t>(uint64_t{at} + 8 * i + 4);
    if (!pointer || !size || !memory.range(*pointer, *size)) return Errno::fault;
    total += *size;
    if (total > UINT32_MAX) return Errno::inval;
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t record = uint64_t{at} + 8 * i;
    // Read again, and checked again: an earlier piece may have been read over the array itself.
    const auto pointer = memory.load<uint32_t>(record), size = memory.load<uint32_t>(record + 4);
    const auto piece = memory.range(pointer.value_or(0), size.value_or(0));
    if (!piece) return Errno::fault;
    if (!piece->empty() && !each(*piece)) return Errno::success;
  }
  return Errno::success;
}

} // namespace

Guest::Guest(std::shared_ptr<const Preview1Options> granted) : options(std::move(granted)) {
  descriptors[0] = {StreamKind::in, 0, kRightRead | kRightSetFlags | kRightFilestat | kRightPoll};
  descriptors[1] = {StreamKind::out, 0, kRightWrite | kRightSetFlags | kRightFilestat | kRightPoll};
  descriptors[2] = {StreamKind::err, 0, kRightWrite | kRightSetFlags | kRightFilestat | kRightPoll};
}

Answer fd_write(Guest& guest, const Arguments& at) {
  const Guest::Descriptor* descriptor = guest.find(at.i32(0));
  if (descriptor == nullptr) return Errno::badf;
  if ((descriptor->rights & kRightWrite) == 0) return Errno::notcapable;
  const auto& write = descriptor->stream == StreamKind::out ? guest.options->write_stdout : guest.options->write_stderr;
  if (!write) return Errno::badf;
  const GuestMemory memory = TRY(at.memory());
  if (!memory.range(at.i32(3), 4)) return Errno::fault;
  uint32_t written = 0;
  bool failed = false;
  const Errno answer = for_each_vector(memory, at.i32(1), at.i32(2), [&](std::span<std::byte> piece) {
    while (!piece.empty()) {
      const Result<size_t> count = write(piece);
      failed = !count;
      if (!count || *count == 0) return false;
      written += static_cast<uint32_t>(*count);
      piece = piece.subspan(*count);
    }
    return true;
  });
  if (answer != Errno::success) return answer;
  if (failed && written == 0) return Errno::io; // a partial write is a success; the error comes with the next one
  return memory.store(at.i32(3), written) ? Errno::success : Errno::fault;
}

Answer fd_read(Guest& guest, const Arguments& at) {
  const Guest::Descriptor* descriptor = guest.find(at.i32(0));
  if (descriptor == nullptr) return Errno::badf;
  if ((descriptor->rights & kRightRead) == 0) return Errno::notcapable;
  const GuestMemory memory = TRY(at.memory());
  if (!memory.range(at.i32(3), 4)) return Errno::fault;
  uint32_t got = 0;
  bool failed = false;
  const Errno answer = for_each_vector(memory, at.i32(1), at.i32(2), [&](std::span<std::byte> piece) {
    if (!guest.options->read_stdin) return false;
    const Result<size_t> count = guest.options->read_stdin(piece);
    failed = !count;
    if (count) got += static_cast<uint32_t>(*count);
    return count && *count == piece.size(); // a short read ends the call: more may not come soon
  });
  if (answer != Errno::success) return answer;
  if (failed && got == 0) return Errno::io;
  return memory.store(at.i32(3), got) ? Errno::success : Errno::fault;
}

Answer fd_close(Guest& guest, const Arguments& at) {
  Guest::Descriptor* descriptor = guest.find(at.i32(0));
  if (descriptor == nullptr) return Errno::badf;
  *descriptor = {};
  return Errno::success;
}

Answer fd_renumber(Guest& guest, const Arguments& at) {
  Guest::Descriptor *from = guest.find(at.i32(0)), *to = guest.find(at.i32(1));
  if (from == nullptr || to == nullptr) return Errno::badf;
  if (from != to) {
    *to = *from;
    *from = {};
  }
  return Errno::success;
}

Answer fd_fdstat_get(Guest& guest, const Arguments& at) {
  const Guest::Descriptor* descriptor = guest.find(at.i32(0));
  if (descriptor == nullptr) return Errno::badf;
  const GuestMemory memory = TRY(at.memory());
  const uint64_t to = at.i32(1); // fdstat: 24 bytes
  const auto place = memory.range(to, 24);
  if (!place) return Errno::fault;
  std::memset(place->data(), 0, place->size());
  const bool written = memory.store(to, kCharacterDevice) && memory.store(to + 2, descriptor->flags) &&
                       memory.store(to + 8, descriptor->rights);
  return written ? Errno::success : Errno::fault;
}

Answer fd_fdstat_set_flags(Guest& guest, const Arguments& at) {
  Guest::Descriptor* descriptor = guest.find(at.i32(0));
  if (descriptor == nullptr) return Errno::badf;
  if ((at.i32(1) & ~uint32_t{kKnownFlags}) != 0) return Errno::inval;
  descriptor->flags = static_cast<uint16_t>(at.i32(1));
  return Errno::success;
}

Answer fd_fdstat_set_rights(Guest& guest, const Arguments& at) {
  Guest::Descriptor* descriptor = guest.find(at.i32(0));
  if (descriptor == nullptr) return Errno::badf;
  if ((at.i64(1) & ~descriptor->rights) != 0 || at.i64(2) != 0) return Errno::notcapable; // rights only shrink
  descriptor->rights = at.i64(1);
  return Errno::success;
}

Answer fd_filestat_get(Guest& guest, const Arguments& at) {
  if (!guest.is_open(at.i32(0))) return Errno::badf;
  const GuestMemory memory = TRY(at.memory());
  const uint64_t to = at.i32(1); // filestat: 64 bytes; all zero but the type and the number of links
  const auto place = memory.range(to, 64);
  if (!place) return Errno::fault;
  std::memset(place->data(), 0, place->size());
  return memory.store(to + 16, kCharacterDevice) && memory.store(to + 24, uint64_t{1}) ? Errno::success : Errno::fault;
}

} // namespace runtime::preview1
