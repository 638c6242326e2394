// A guest's memory as a WASI function sees it: every pointer and length is checked, errors are values. Little-endian;
// nothing need be aligned (the specification's alignment is the guest's business, as in other hosts).
#pragma once
#include "runtime/engine.hpp"
#include <cstring>

namespace runtime {

class GuestMemory {
public:
  explicit GuestMemory(std::span<std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::optional<std::span<std::byte>> range(uint64_t at, uint64_t size) const {
    if (size > bytes_.size() || at > bytes_.size() - size) return std::nullopt;
    return bytes_.subspan(at, size);
  }
  template <class T> [[nodiscard]] std::optional<T> load(uint64_t at) const {
    const auto place = range(at, sizeof(T));
    if (!place) return std::nullopt;
    T value;
    std::memcpy(&value, place->data(), sizeof value);
    return value;
  }
  template <class T> [[nodiscard]] bool store(uint64_t at, T value) const {
    const auto place = range(at, sizeof value);
    if (place) std::memcpy(place->data(), &value, sizeof value);
    return place.has_value();
  }

private:
  std::span<std::byte> bytes_;
};

} // namespace runtime
