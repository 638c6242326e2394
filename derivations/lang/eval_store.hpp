// What evaluation needs of a store, and the two stores an evaluator can stand on: one that writes, one that does not.
#pragma once
#include "store/local/local_store.hpp"
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace lang {

// All paths are logical; `physical` says where the file really is.
class EvalStore {
public:
  virtual ~EvalStore() = default;
  virtual store::StorePath add_source(const std::filesystem::path& path, std::string_view name,
                                      const store::PathFilter& filter) = 0;
  virtual store::StorePath add_text(std::string_view name, std::string_view contents,
                                    const store::StorePathSet& references) = 0;
  // Fills in the outputs' paths, here and in env.
  virtual store::StorePath add_derivation(store::Derivation& derivation) = 0;
  [[nodiscard]] virtual store::Derivation read_derivation(const store::StorePath& drv_path) = 0;
  [[nodiscard]] virtual bool is_valid(const store::StorePath& path) = 0;
  [[nodiscard]] virtual std::filesystem::path physical(const store::StorePath& path) = 0;
  // Contents of a text path that has no file (MemoryEvalStore).
  [[nodiscard]] virtual std::optional<std::string> text(const store::StorePath& path) = 0;
  // What a valid path refers to.
  [[nodiscard]] virtual store::StorePathSet references(const store::StorePath& path) = 0;
  // Builds, so that the outputs are valid: import from derivation.
  virtual void realise(const store::StorePath& drv_path, const std::set<std::string>& outputs) = 0;
};

// Writes through to a local store. `realise_hook` builds; without one, import from derivation is a clear error.
class LocalEvalStore final : public EvalStore {
public:
  using RealiseHook = std::function<void(const store::StorePath& drv_path, const std::set<std::string>& outputs)>;
  explicit LocalEvalStore(store::LocalStore& store, RealiseHook realise_hook = {});
  store::StorePath add_source(const std::filesystem::path& path, std::string_view name,
                              const store::PathFilter& filter) override;
  store::StorePath add_text(std::string_view name, std::string_view contents,
                            const store::StorePathSet& references) override;
  store::StorePath add_derivation(store::Derivation& derivation) override;
  store::Derivation read_derivation(const store::StorePath& drv_path) override;
  bool is_valid(const store::StorePath& path) override;
  std::filesystem::path physical(const store::StorePath& path) override;
  std::optional<std::string> text(const store::StorePath& path) override;
  store::StorePathSet references(const store::StorePath& path) override;
  void realise(const store::StorePath& drv_path, const std::set<std::string>& outputs) override;

private:
  store::LocalStore& store_;
  RealiseHook realise_hook_;
};

// Computes the same paths and writes nothing: `kpkg eval`, tests.
class MemoryEvalStore final : public EvalStore {
public:
  explicit MemoryEvalStore(std::string store_dir = std::string{store::kStoreDir});
  store::StorePath add_source(const std::filesystem::path& path, std::string_view name,
                              const store::PathFilter& filter) override;
  store::StorePath add_text(std::string_view name, std::string_view contents,
                            const store::StorePathSet& references) override;
  store::StorePath add_derivation(store::Derivation& derivation) override;
  store::Derivation read_derivation(const store::StorePath& drv_path) override;
  bool is_valid(const store::StorePath& path) override;
  std::filesystem::path physical(const store::StorePath& path) override; // of a source: where it came from
  std::optional<std::string> text(const store::StorePath& path) override;
  store::StorePathSet references(const store::StorePath& path) override;
  void realise(const store::StorePath& drv_path, const std::set<std::string>& outputs) override; // always an error

  [[nodiscard]] const std::map<store::StorePath, store::Derivation>& derivations() const { return derivations_; }

private:
  std::string store_dir_;
  std::map<store::StorePath, std::filesystem::path> sources_;
  struct Text {
    std::string contents;
    store::StorePathSet references;
  };
  std::map<store::StorePath, Text> texts_;
  std::map<store::StorePath, store::Derivation> derivations_;
  store::DerivationHashes hashes_;
};

} // namespace lang
