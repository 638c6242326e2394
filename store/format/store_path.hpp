// Store paths: STOREDIR/DIGEST-NAME, where DIGEST is 32 nix32 digits: the 20-byte fold of
// sha256("TYPE:sha256:INNERHEX:STOREDIR:NAME"). (Nix manual, "Complete Store Path Calculation".)
// A StorePath never holds the store directory: it is the base name «DIGEST-NAME», parsed and checked.
#pragma once
#include "store/format/hash.hpp"
#include <compare>
#include <set>
#include <string>

namespace store {

inline constexpr std::string_view kStoreDir = "/kpkg/store"; // logical, always; hashes depend on it
inline constexpr size_t kStorePathDigestLength = 32;         // nix32 digits
inline constexpr size_t kMaxStorePathNameLength = 211;

// 1–211 of [0-9a-zA-Z+-._?=]; not "." or "..", not starting with ".-" or "..-".
[[nodiscard]] Result<void> check_store_path_name(std::string_view name);

class StorePath {
public:
  // From «DIGEST-NAME».
  [[nodiscard]] static Result<StorePath> parse_base_name(std::string_view base_name);
  // From «/kpkg/store/DIGEST-NAME», nothing after it.
  [[nodiscard]] static Result<StorePath> parse(std::string_view full_path, std::string_view store_dir = kStoreDir);
  [[nodiscard]] const std::string& base_name() const { return base_name_; }
  [[nodiscard]] std::string_view digest() const {
    return std::string_view{base_name_}.substr(0, kStorePathDigestLength);
  }
  [[nodiscard]] std::string_view name() const {
    return std::string_view{base_name_}.substr(kStorePathDigestLength + 1);
  }
  [[nodiscard]] std::string full(std::string_view store_dir = kStoreDir) const; // «/kpkg/store/DIGEST-NAME»
  [[nodiscard]] bool is_derivation() const { return base_name_.ends_with(".drv"); }
  friend auto operator<=>(const StorePath&, const StorePath&) = default;

private:
  explicit StorePath(std::string base_name) : base_name_(std::move(base_name)) {}
  std::string base_name_;
};

using StorePathSet = std::set<StorePath>;

// The fingerprint types of the manual. All take the store directory, so that tests can compare with /nix/store.
// Text (toFile, .drv files): inner = sha256(contents); references are part of the type.
[[nodiscard]] Result<StorePath> make_text_path(std::string_view name, Bytes contents, const StorePathSet& references,
                                               std::string_view store_dir = kStoreDir);
// Content-addressed by NAR sha256 ("source"): added sources, toolchains, recursive sha256 fixed outputs.
[[nodiscard]] Result<StorePath> make_source_path(std::string_view name, const Hash& nar_sha256,
                                                 const StorePathSet& references = {}, bool self_reference = false,
                                                 std::string_view store_dir = kStoreDir);
// Fixed output: `recursive` hashes the NAR, else the single file's contents. Recursive sha256 is make_source_path.
[[nodiscard]] Result<StorePath> make_fixed_output_path(std::string_view name, bool recursive, const Hash& hash,
                                                       std::string_view store_dir = kStoreDir);
// Input-addressed output `output_id` of a derivation: `hash_modulo` from Derivation; the name gets "-ID" unless "out".
[[nodiscard]] Result<StorePath> make_output_path(std::string_view drv_name, std::string_view output_id,
                                                 const Hash& hash_modulo, std::string_view store_dir = kStoreDir);

} // namespace store
