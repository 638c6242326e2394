// The folder of one build, ROOT/var/builds/DIGEST-PID-N, on the file system of the store, so that an output gets there
// with one reading. Its lock file says that its process lives; a folder whose lock is free is rubbish and swept.
#pragma once
#include "derivations/realise/sandbox.hpp"
#include "store/posix/lock_file.hpp"
#include <filesystem>
#include <optional>
#include <string>

namespace realise {

class BuildFolder {
public:
  BuildFolder(const std::filesystem::path& store_root, std::string_view digest);
  ~BuildFolder(); // removes it, whatever modes a builder has left behind
  BuildFolder(const BuildFolder&) = delete;
  BuildFolder& operator=(const BuildFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Who the build is outside of its sandbox, different from that of every other build that runs; owns the folder.
  [[nodiscard]] const HostIdentity& identity() const { return identity_; }
  // Moves the sandbox's root in it to ROOT/var/failed/NAME-N, where it stays until the user removes it.
  [[nodiscard]] std::filesystem::path keep(std::string_view name);

private:
  void take_identity();
  std::filesystem::path root_, path_;
  std::optional<store::LockFile> lock_, identity_lock_;
  HostIdentity identity_;
};

void sweep_build_folders(const std::filesystem::path& store_root);

} // namespace realise
