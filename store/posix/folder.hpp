// Making folders with exactly the permissions that are asked for, whatever the umask.
#pragma once
#include <filesystem>

namespace store {

// Makes the folder with permissions `mode` where it is missing; missing ones above it get 0755. One that exists keeps
// its permissions. UserError.
void make_folder(const std::filesystem::path& folder, unsigned mode);

} // namespace store
