// Derivations: build instructions as data, and their text form, ATerm (.drv). (Nix manual, "Derivation ATerm Format",
// "Input-addressed output paths".) The text is canonical: one derivation, one byte sequence.
//
//   Derive([(id,path,method+algorithm,hash)…],[(drv path,[output id…])…],[source
//   path…],system,builder,[arg…],[(key,value)…])
//
// without spaces; lists sorted bytewise without duplicates (arguments excepted); every leaf a "string" in which exactly
// " \\ newline, carriage return and tab are escaped, and every other byte stands for itself.
#pragma once
#include "store/format/store_path.hpp"
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace store {

struct DerivationOutput {
  std::optional<StorePath> path{}; // none: floating content-addressed, or deferred
  std::string method_algorithm{};  // "" input-addressed; "r:sha256", "sha256", … fixed or floating
  std::string hash_base16{};       // fixed only
  friend bool operator==(const DerivationOutput&, const DerivationOutput&) = default;
  [[nodiscard]] bool is_fixed() const { return !hash_base16.empty(); }
};

struct Derivation {
  std::string name;                                        // not in the text: from the path, without ".drv"
  std::map<std::string, DerivationOutput> outputs{};       // by id
  std::map<StorePath, std::set<std::string>> input_drvs{}; // which outputs of which derivations
  StorePathSet input_srcs{};
  std::string system{};
  std::string builder{}; // a full path, or "builtin:…"
  std::vector<std::string> args{};
  std::map<std::string, std::string> env{}; // bytes, not necessarily UTF-8
  friend bool operator==(const Derivation&, const Derivation&) = default;

  // Strict: exactly the bytes to_aterm() writes. `name` as above.
  [[nodiscard]] static Result<Derivation> parse(std::string_view aterm, std::string_view name,
                                                std::string_view store_dir = kStoreDir);
  // The same of the file at a .drv path, which has the name.
  [[nodiscard]] static Result<Derivation> parse_file(std::string_view aterm, const StorePath& drv_path,
                                                     std::string_view store_dir = kStoreDir);
  // `mask_outputs` writes "" for the output paths and for the env entries named after outputs.
  [[nodiscard]] std::string to_aterm(std::string_view store_dir = kStoreDir, bool mask_outputs = false) const;
  [[nodiscard]] bool is_fixed_output() const; // exactly one output "out" with a hash
  [[nodiscard]] StorePathSet inputs() const;  // input_srcs ∪ keys(input_drvs)
  // Path of the .drv file: a text path with references inputs().
  [[nodiscard]] Result<StorePath> drv_path(std::string_view store_dir = kStoreDir) const;
};

// The hash modulo of derivations ("quotient hash"), memoised per .drv path: inputs are replaced by their own hashes
// modulo, fixed-output inputs by "fixed:out:…". Works with an explicit stack, so that no depth of inputs can overflow
// the native one. Not thread-safe.
class DerivationHashes {
public:
  // `load` reads the derivation at a .drv path; asked once per path.
  using Loader = std::function<Result<Derivation>(const StorePath&)>;
  explicit DerivationHashes(Loader load, std::string store_dir = std::string{kStoreDir});
  // Of a derivation being named: own outputs masked.
  [[nodiscard]] Result<Hash> hash_modulo(const Derivation& derivation);
  // Fills in outputs[…].path and env[output] of a derivation whose outputs have none: input-addressed ones by the hash
  // modulo, fixed ones by their hash. Floating content-addressed outputs are `unsupported`.
  [[nodiscard]] Result<void> fill_output_paths(Derivation& derivation);
  // What the derivation states of its outputs (paths, also in env) is what fill_output_paths would make of the rest;
  // mismatch where it is not. One whose outputs have no paths states nothing.
  [[nodiscard]] Result<void> check_output_paths(const Derivation& derivation);
  // The derivation of a file that stands, or shall stand, at `drv_path`: that follows from the text, and what the
  // derivation states of its outputs, too. The error's message is the end of «PATH is refused: …».
  [[nodiscard]] Result<Derivation> admit(std::string_view text, const StorePath& drv_path);
  // Saves the load of a derivation that the caller has just made and stored at `drv_path`.
  [[nodiscard]] Result<void> remember(const StorePath& drv_path, const Derivation& derivation);

private:
  [[nodiscard]] Result<void> hash_inputs(const Derivation& derivation); // all its inputs into unmasked_
  [[nodiscard]] Hash hash_with_inputs(const Derivation& derivation, bool mask_outputs) const;
  Loader load_;
  std::string store_dir_;
  std::map<StorePath, Hash> unmasked_;
};

} // namespace store
