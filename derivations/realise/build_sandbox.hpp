// The sandbox around one build: which folders and files a builder sees, and its environment (native_builder.hpp has the
// list).
#pragma once
#include "derivations/realise/build_folder.hpp"
#include "derivations/realise/sandbox.hpp"
#include "store/local/local_store.hpp"

namespace realise {

// Makes what the sandbox shows in the build's empty folder. `inputs`: the closure of what the derivation needs, all
// valid; `passed_variables`: what else of this process's environment a builder with a network may ask for. Throws
// UserError for what the derivation asks for in vain.
[[nodiscard]] Sandbox make_sandbox(store::LocalStore& local, const store::Derivation& derivation,
                                   const store::StorePathSet& inputs, const BuildFolder& folder,
                                   const std::vector<std::string>& passed_variables);

// Where the builder leaves its outputs, by their base names.
[[nodiscard]] std::filesystem::path outputs_folder(const BuildFolder& folder);

} // namespace realise
