// From an evaluated system (kpkgs.mkSystem) to a generation and its boot image.
//
// A system is JSON: { "type": "system", "name", "instances": [ { "name", "component", "module", "links", "args", "env",
// "grants", "exit", "memoryLimit" } … ] } with components as store paths. The generation's manifest adds what only the
// store knows: the closed set of paths with their NAR hashes. It is itself a text path that references the components,
// so that a profile keeps the whole system alive.
#pragma once
#include "store/format/boot_image.hpp"
#include "store/local/local_store.hpp"
#include "store/posix/user_error.hpp"

namespace realise {

struct BuiltGeneration {
  store::Generation generation;
  std::string manifest;           // canonical JSON
  store::Hash hash;               // of the manifest: the generation's name
  store::StorePath manifest_path; // «…-NAME-generation.json»
};

// All components must be valid in `local`. Throws UserError for JSON that is no system.
[[nodiscard]] BuiltGeneration build_generation(store::LocalStore& local, std::string_view system_json);

// Writes the boot image of a generation, signed; replaces `file` atomically. Returns the image's size in bytes.
uint64_t write_boot_image(store::LocalStore& local, const BuiltGeneration& built, const store::SecretKey& key,
                          const std::filesystem::path& file);

} // namespace realise
