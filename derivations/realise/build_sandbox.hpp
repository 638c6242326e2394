// The sandbox around one build: which folders and files a builder sees, and its environment (native_builder.hpp has the
// list).
#pragma once
#include "derivations/realise/sandbox.hpp"
#include "store/local/local_store.hpp"

namespace realise {

// Makes what the sandbox shows below the empty folder `folder`, the outputs' place `folder`/store among it. `inputs`:
// the closure of what the derivation needs, all valid. Throws UserError for what the derivation asks for in vain.
[[nodiscard]] Sandbox make_sandbox(store::LocalStore& local, const store::Derivation& derivation,
                                   const store::StorePathSet& inputs, const std::filesystem::path& folder);

} // namespace realise
