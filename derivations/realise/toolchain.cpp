// Debian keeps the libraries for WebAssembly under the old triple wasm32-wasi, and clang-22 asks for wasm32-wasip1: the
// tree has a link from the one to the other, so that --sysroot=/usr finds them without a deprecated target name.
#include "derivations/realise/toolchain.hpp"
#include "derivations/realise/host_tree.hpp"
#include "store/format/nar.hpp"
#include "store/posix/child_process.hpp"
#include "store/posix/user_error.hpp"
#include <nlohmann/json.hpp>

namespace realise {
namespace {
namespace fs = std::filesystem;

constexpr std::string_view kClang = "/usr/lib/llvm-22/bin/clang";

// What build scripts use besides the shell's own words (echo, printf, test, read, cd, set).
std::vector<ToolchainPiece> shell_pieces() {
  std::vector<ToolchainPiece> pieces{{"/bin/sh", "dash"}};
  for (const char* program : {"cat", "chmod", "cp", "cut", "head", "ln", "ls", "mkdir", "mv", "rm", "sleep", "sort",
                              "tail", "touch", "tr", "uname", "wc"})
    pieces.push_back({fs::path{"/bin"} / program, "coreutils"});
  pieces.push_back({"/bin/grep", "grep"});
  pieces.push_back({"/bin/sed", "sed"});
  return pieces;
}

void check_pieces(const Toolchain& toolchain) {
  std::string text;
  std::set<std::string> packages;
  for (const ToolchainPiece& piece : toolchain.pieces) {
    std::error_code error;
    if (piece.optional || fs::exists(piece.path, error)) continue;
    text += "\n  " + piece.path.string() + " (Debian package " + piece.package + ")";
    packages.insert(piece.package);
  }
  if (text.empty()) return;
  std::string hint = "apt-get install";
  for (const std::string& package : packages) hint += " " + package;
  throw store::UserError("the toolchain “" + toolchain.name + "” cannot be captured: this host lacks" + text, hint);
}

} // namespace

Toolchain clang_toolchain() {
  Toolchain toolchain;
  toolchain.name = "clang";
  toolchain.store_name = "clang-toolchain";
  toolchain.pieces = shell_pieces();
  const fs::path llvm = "/usr/lib/llvm-22";
  const auto need = [&](fs::path path, const char* package) { toolchain.pieces.push_back({std::move(path), package}); };
  need(kClang, "clang-22");
  need("/usr/bin/clang-22", "clang-22");
  need("/usr/bin/wasm-ld-22", "lld-22");
  need(llvm / "bin/wasm-ld", "lld-22");
  need(llvm / "lib/clang/22/include", "libclang-common-22-dev");
  need(llvm / "lib/clang/22/lib/wasi", "libclang-rt-22-dev-wasm32");
  need("/usr/include/wasm32-wasi", "wasi-libc");
  need("/usr/lib/wasm32-wasi", "wasi-libc");
  for (const char* program : {"clang++", "llvm-ar", "llvm-ranlib", "llvm-nm", "llvm-objcopy"})
    toolchain.pieces.push_back({llvm / "bin" / program, "llvm-22", true});
  toolchain.symlinks = {{"/usr/include/wasm32-wasip1", "wasm32-wasi"}, {"/usr/lib/wasm32-wasip1", "wasm32-wasi"}};
  for (const auto& [link, target] : toolchain.symlinks) // a host that has the new names is taken as it is
    if (fs::exists(link)) toolchain.pieces.push_back({link, "wasi-libc"});
  std::erase_if(toolchain.symlinks, [](const auto& link) { return fs::exists(link.first); });
  if (fs::exists(kClang)) {
    toolchain.version = store::output_of(kClang, {"-dumpversion"});
    while (toolchain.version.ends_with('\n')) toolchain.version.pop_back();
  }
  return toolchain;
}

Toolchain shell_toolchain() {
  Toolchain toolchain;
  toolchain.name = "shell";
  toolchain.store_name = "shell-toolchain";
  toolchain.version = "1";
  toolchain.pieces = shell_pieces();
  return toolchain;
}

std::vector<std::string> toolchain_names() { return {"clang", "shell"}; }

ImportedToolchain import_toolchain(store::LocalStore& local, const Toolchain& toolchain) {
  check_pieces(toolchain);
  HostTree tree;
  for (const ToolchainPiece& piece : toolchain.pieces)
    if (!piece.optional || fs::exists(piece.path)) tree.add(piece.path);
  for (const auto& [path, target] : toolchain.symlinks) tree.add_symlink(path, target);

  nlohmann::ordered_json description;
  description["name"] = toolchain.name;
  description["version"] = toolchain.version;
  description["files"] = tree.files();
  const size_t file_count = tree.files().size();
  tree.add_file("/kpkg-toolchain.json", description.dump(1) + "\n");

  store::Hasher hasher;
  store::NarWriter hash_writer{[&](store::Bytes data) -> store::Result<void> {
    hasher.update(data);
    return {};
  }};
  tree.write(hash_writer);
  store::unwrap(hash_writer.finish(), toolchain.name);

  const uint64_t size_bytes = hasher.size_bytes();
  const store::Hash hash = hasher.finish();
  const std::string store_name = toolchain.store_name + "-" + toolchain.version;
  store::PathInfo info{.path = store::unwrap(store::make_source_path(store_name, hash), store_name),
                       .nar_hash = hash,
                       .nar_size_bytes = size_bytes,
                       .references = {},
                       .deriver = {},
                       .signatures = {},
                       .content_address = "fixed:r:" + hash.to_string()};
  local.add_temp_root(info.path);
  if (!local.is_valid(info.path)) {
    static_cast<void>(local.add_nar(info, [&](const store::ByteSink& sink) {
      store::NarWriter writer{sink};
      tree.write(writer);
      store::unwrap(writer.finish(), toolchain.name);
    }));
  }
  ImportedToolchain imported{info.path, toolchain.version, size_bytes, file_count, false};
  const std::string profile = "toolchain-" + toolchain.name;
  if (local.current(profile) != info.path) {
    local.new_generation(profile, info.path);
    imported.changed = true;
  }
  return imported;
}

ImportedToolchain import_toolchain(store::LocalStore& local, std::string_view name) {
  if (name == "clang") return import_toolchain(local, clang_toolchain());
  if (name == "shell") return import_toolchain(local, shell_toolchain());
  std::string known;
  for (const std::string& each : toolchain_names()) known += (known.empty() ? "" : ", ") + each;
  throw store::UserError("there is no toolchain “" + std::string{name} + "” to import", "known ones: " + known);
}

std::optional<store::StorePath> find_toolchain(store::LocalStore& local, std::string_view name) {
  return local.current("toolchain-" + std::string{name});
}

} // namespace realise
