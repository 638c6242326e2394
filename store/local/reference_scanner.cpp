// The window is tested from its end: a byte that is no nix32 digit rules out every window that contains it, so that in
// most data only one byte of 32 is looked at.
#include "store/local/reference_scanner.hpp"
#include "store/format/encoding.hpp"
#include <array>

namespace store {
namespace {

constexpr size_t kWindow = kStorePathDigestLength;

constexpr std::array<bool, 256> kIsDigit = [] {
  std::array<bool, 256> table{};
  for (const char c : kNix32Alphabet) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

} // namespace

ReferenceScanner::ReferenceScanner(StorePathSet candidates) : candidates_(std::move(candidates)) {
  for (auto path = candidates_.cbegin(); path != candidates_.cend(); ++path) missing_.emplace(path->digest(), path);
}

void ReferenceScanner::scan(std::string_view text) {
  if (missing_.empty()) return;
  size_t known = 0; // how many bytes at the window's beginning are known to be digits
  for (size_t begin = 0; begin + kWindow <= text.size();) {
    size_t length = kWindow;
    while (length > known && kIsDigit[static_cast<unsigned char>(text[begin + length - 1])]) --length;
    if (length > known) {
      begin += length;
      known = 0;
      continue;
    }
    if (const auto hit = missing_.find(text.substr(begin, kWindow)); hit != missing_.end()) {
      found_.insert(*hit->second);
      missing_.erase(hit);
      if (missing_.empty()) return;
    }
    ++begin;
    known = kWindow - 1;
  }
}

void ReferenceScanner::feed(Bytes chunk) {
  const std::string_view text{reinterpret_cast<const char*>(chunk.data()), chunk.size()};
  const size_t overlap = std::min(text.size(), kWindow - 1);
  scan(tail_ + std::string{text.substr(0, overlap)}); // what the border cuts
  scan(text);
  if (text.size() >= kWindow - 1) {
    tail_ = text.substr(text.size() - (kWindow - 1));
  } else {
    tail_ += text;
    if (tail_.size() > kWindow - 1) tail_.erase(0, tail_.size() - (kWindow - 1));
  }
}

} // namespace store
