#include "kpkg/commands/profile_option.hpp"
#include <format>

namespace kpkg {

Option profile_option(std::string* profile) {
  return {.names = "-p,--profile", .value_name = "NAME", .help = "name of the profile", .target = profile};
}

void switch_generation(Context& context, const std::string& profile, uint64_t number) {
  context.store().switch_generation(profile, number);
  context.print(std::format("{} generation {} is current", profile, number),
                Json{{"profile", profile}, {"number", number}});
}

} // namespace kpkg
