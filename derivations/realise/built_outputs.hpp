// What a builder has made, and the checks that it must pass besides the store's own (LocalStore::take_outputs).
#pragma once
#include "store/local/local_store.hpp"
#include <filesystem>
#include <map>
#include <string>

namespace realise {

// Where the outputs of the derivation lie in the folder `outputs`, by their ids. All of this file throws UserError
// where a check fails.
[[nodiscard]] std::map<std::string, std::filesystem::path> find_outputs(const store::Derivation& derivation,
                                                                        const std::filesystem::path& outputs);
// allowedReferences and disallowedReferences.
void check_references(const store::Derivation& derivation, const store::TakenOutputs& taken);
// The second build of --check: the same content as in the store.
void compare_with_store(store::LocalStore& local, const store::Derivation& derivation,
                        const store::TakenOutputs& taken);

} // namespace realise
