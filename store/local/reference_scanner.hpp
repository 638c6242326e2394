// Finds which store path digests occur in a stream of bytes, wherever its chunks are cut. A reference is the 32 digits
// of a candidate, without regard to what surrounds them, because that is how it survives in binaries.
#pragma once
#include "store/format/store_path.hpp"
#include <unordered_map>
#include <vector>

namespace store {

class ReferenceScanner {
public:
  explicit ReferenceScanner(StorePathSet candidates);
  ReferenceScanner(const ReferenceScanner&) = delete; // `missing_` points into `candidates_`
  ReferenceScanner& operator=(const ReferenceScanner&) = delete;
  void feed(Bytes chunk);
  [[nodiscard]] const StorePathSet& found() const { return found_; }

private:
  void scan(std::string_view text);
  std::unordered_map<std::string_view, StorePathSet::const_iterator> missing_; // by digest, not yet found
  StorePathSet candidates_;
  StorePathSet found_;
  std::string tail_; // the last 31 bytes before the next chunk
};

} // namespace store
