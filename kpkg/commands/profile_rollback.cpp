// kpkg profile rollback: the generation before the current one becomes current.
#include "kpkg/commands/commands.hpp"
#include "kpkg/commands/profile_option.hpp"

namespace kpkg {

namespace {

void run(Context& context, const std::string& profile) {
  std::optional<uint64_t> before;
  for (const auto& generation : context.store().generations(profile)) {
    if (generation.current) {
      if (!before)
        throw store::UserError("profile " + profile + " has no generation before " + std::to_string(generation.number));
      return switch_generation(context, profile, *before);
    }
    before = generation.number;
  }
  throw store::UserError("profile " + profile + " has no generations");
}

} // namespace

Command profile_rollback_command() {
  const auto profile = std::make_shared<std::string>(kDefaultProfile);
  return {.name = "profile rollback",
          .summary = "make the generation before the current one current",
          .description = "Nothing is deleted: kpkg profile switch goes forward again.",
          .options = {profile_option(profile.get())},
          .examples = {{"kpkg profile rollback", "go back one generation"}},
          .errors = {store::UserErrorCode::failed},
          .run = [profile](Context& context) { run(context, *profile); }};
}

} // namespace kpkg
