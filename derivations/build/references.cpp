// The search slides a window of 32 bytes and looks from its end for a byte that is no nix32 digit: most windows of
// binary data are skipped whole. The last 31 bytes of a chunk are kept for the next chunk of the same file.
#include "derivations/build/references.hpp"
#include "store/format/encoding.hpp"
#include "store/local/local_store.hpp"
#include <array>
#include <unordered_map>

namespace build {
namespace {

constexpr size_t kDigest = store::kStorePathDigestLength;

constexpr std::array<bool, 256> kIsDigit = [] {
  std::array<bool, 256> table{};
  for (const char c : store::kNix32Alphabet) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

class Scanner final : public store::NarVisitor {
public:
  explicit Scanner(const store::StorePathSet& candidates) {
    for (const store::StorePath& path : candidates) by_digest_.emplace(path.digest(), &path);
  }
  store::Result<void> file_begin(std::string_view name, bool, uint64_t) override {
    search(name);
    tail_.clear();
    return {};
  }
  store::Result<void> file_data(store::Bytes data) override {
    tail_.append(reinterpret_cast<const char*>(data.data()), data.size());
    search(tail_);
    if (tail_.size() >= kDigest) tail_.erase(0, tail_.size() - (kDigest - 1));
    return {};
  }
  store::Result<void> file_end() override { return {}; }
  store::Result<void> symlink(std::string_view name, std::string_view target) override {
    search(name);
    search(target);
    return {};
  }
  store::Result<void> directory_begin(std::string_view name) override {
    search(name);
    return {};
  }
  store::Result<void> directory_end() override { return {}; }

  store::StorePathSet found;

private:
  void search(std::string_view text) {
    for (size_t begin = 0; begin + kDigest <= text.size();) {
      size_t at = kDigest;
      while (at > 0 && kIsDigit[static_cast<unsigned char>(text[begin + at - 1])]) --at;
      if (at > 0) {
        begin += at;
        continue;
      }
      if (const auto hit = by_digest_.find(text.substr(begin, kDigest)); hit != by_digest_.end())
        found.insert(*hit->second);
      ++begin;
    }
  }
  std::unordered_map<std::string_view, const store::StorePath*> by_digest_; // views into the candidates
  std::string tail_;
};

} // namespace

store::StorePathSet scan_references(const std::filesystem::path& tree, const store::StorePathSet& candidates) {
  Scanner scanner{candidates};
  store::dump_path(tree, scanner);
  return std::move(scanner.found);
}

} // namespace build
