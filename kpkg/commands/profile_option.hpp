// What the profile commands share: the option that names the profile, and making a generation current.
#pragma once
#include "kpkg/cli/command.hpp"

namespace kpkg {

inline constexpr const char* kDefaultProfile = "default";

[[nodiscard]] Option profile_option(std::string* profile);
void switch_generation(Context& context, const std::string& profile, uint64_t number); // and says so

} // namespace kpkg
