// kpkg profile switch: another generation becomes current.
#include "kpkg/commands/commands.hpp"
#include "kpkg/commands/profile_option.hpp"

namespace kpkg {

Command profile_switch_command() {
  struct Options {
    std::string profile = kDefaultProfile;
    uint64_t number = 0;
  };
  const auto options = std::make_shared<Options>();
  return {.name = "profile switch",
          .summary = "make another generation current",
          .description = "Makes a generation that kpkg profile list shows the current one.",
          .positionals = {{.name = "number", .help = "generation", .target = &options->number, .required = true}},
          .options = {profile_option(&options->profile)},
          .examples = {{"kpkg profile switch 3", "make generation 3 current"}},
          .errors = {store::UserErrorCode::failed},
          .run = [options](Context& context) { switch_generation(context, options->profile, options->number); }};
}

} // namespace kpkg
