// Content addresses in Nix's form, held against content: «text:sha256:HASH», «fixed:ALGORITHM:HASH» (of a file's
// bytes), «fixed:r:ALGORITHM:HASH» (of the NAR).
#pragma once
#include "store/format/narinfo.hpp"
#include <filesystem>

namespace store {

// A file without the executable bit: what texts and flat hashes are of.
[[nodiscard]] bool is_plain_file(const std::filesystem::path& tree);

// The hash that such an address names: of the tree's NAR (`recursive`), or of a file's bytes.
[[nodiscard]] Hash content_hash(const std::filesystem::path& tree, bool recursive, HashAlgorithm algorithm);

// What is wrong with info.content_address, for a message; empty where the tree has that content and the path follows
// from it. A path that refers to itself is not looked at: its address is of a content with that reference blanked.
// Throws UserError where the tree cannot be read.
[[nodiscard]] std::string wrong_content_address(const PathInfo& info, const std::filesystem::path& tree);

} // namespace store
