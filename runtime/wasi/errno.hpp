// The errno values of WASI preview 1 (witx `errno`) that this host answers with.
#pragma once
#include <cstdint>

namespace runtime {

enum class Errno : uint16_t {
  success = 0,
  badf = 8,
  fault = 21,
  inval = 28,
  io = 29,
  nosys = 52,
  notdir = 54,
  notsock = 57,
  notsup = 58,
  spipe = 70,
  notcapable = 76,
};

} // namespace runtime
