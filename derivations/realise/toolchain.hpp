// Toolchains of the host as content of the store: one store path that holds a compiler with exactly the files that it
// needs, at their host paths, so that the sandbox of a build can mount it as its root (`sandboxRoot`,
// native_builder.hpp) and the hash of a derivation names everything that built it.
//
// The path is content-addressed (source, NAR and SHA-256): the same host files give the same path on every machine. At
// its root lies kpkg-toolchain.json: {"name","version","files":[…]}, sorted. The profile `toolchain-NAME` keeps it
// alive and remembers earlier ones as generations.
#pragma once
#include "store/local/local_store.hpp"
#include "store/posix/user_error.hpp"

namespace realise {

struct ToolchainPiece {
  std::filesystem::path path; // on the host: a file, or a folder with everything in it
  std::string package;        // the Debian package that has it, for the error when it is missing; "" if essential
  bool optional = false;
};

struct Toolchain {
  std::string name;       // the profile is toolchain-NAME
  std::string store_name; // the path's name without the version
  std::string version;
  std::vector<ToolchainPiece> pieces;
  std::vector<std::pair<std::filesystem::path, std::string>> symlinks; // that the host does not have
};

struct ImportedToolchain {
  store::StorePath path;
  std::string version;
  uint64_t nar_size_bytes = 0;
  size_t file_count = 0;
  bool changed = false; // a new generation of the profile was made
};

// clang-22 and wasm-ld-22 with headers, compiler-rt's builtins and wasi-libc for wasm32-wasip1, and a few programs that
// build scripts use: /bin/sh, cp, mkdir and their like. Throws UserError when clang-22 is missing.
[[nodiscard]] Toolchain clang_toolchain();

// A shell and the same few programs without a compiler: enough for scripts that put files together.
[[nodiscard]] Toolchain shell_toolchain();

// Names that import_toolchain() knows.
[[nodiscard]] std::vector<std::string> toolchain_names();

// Captures a toolchain. The host's files are hashed first and written only when the store does not have them. Throws
// UserError naming every missing piece with its package.
ImportedToolchain import_toolchain(store::LocalStore& local, const Toolchain& toolchain);
ImportedToolchain import_toolchain(store::LocalStore& local, std::string_view name);

// The one in use: the profile's current generation.
[[nodiscard]] std::optional<store::StorePath> find_toolchain(store::LocalStore& local, std::string_view name);

} // namespace realise
