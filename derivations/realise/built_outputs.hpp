// What a builder has made, and the checks that it must pass.
#pragma once
#include "store/local/local_store.hpp"
#include <filesystem>
#include <string>
#include <vector>

namespace realise {

struct Made {
  std::string id;
  store::StorePath path;
  std::filesystem::path tree;
  std::string content_address;
};

// The outputs of the derivation in the folder `private_store`. All of this file throws UserError where a check fails.
[[nodiscard]] std::vector<Made> find_outputs(const store::Derivation& derivation,
                                             const std::filesystem::path& private_store);
// The hash that a fixed output promises; fills in made.content_address.
void check_fixed_output(const store::Derivation& derivation, Made& made);
// allowedReferences, disallowedReferences, and that a fixed output has none. `candidates`: what could be referred to.
void check_references(const store::Derivation& derivation, const Made& made, const store::StorePathSet& candidates);
// The second build of --check: the same content as in the store.
void compare_with_store(store::LocalStore& local, const store::Derivation& derivation, const std::vector<Made>& made);

} // namespace realise
