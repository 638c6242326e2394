// kpkg profile set: a new generation.
#include "kpkg/cli/store_path_argument.hpp"
#include "kpkg/commands/commands.hpp"
#include "kpkg/commands/profile_option.hpp"
#include <format>

namespace kpkg {

namespace {

struct Options {
  std::string profile = kDefaultProfile, path;
};

void run(Context& context, const Options& options) {
  const auto path = parse_store_path(options.path);
  const uint64_t number = context.store().new_generation(options.profile, path);
  context.print(std::format("{} generation {}: {}", options.profile, number, path.full()),
                Json{{"profile", options.profile}, {"number", number}, {"path", path.full()}});
}

} // namespace

Command profile_set_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "profile set",
          .summary = "make a valid store path the next generation",
          .description = "The path becomes the current generation of the profile. Former generations stay, for kpkg "
                         "profile rollback, and are kept by kpkg store gc.",
          .positionals = {{.name = "path",
                           .help = "store path",
                           .target = &options->path,
                           .kind = ValueKind::store_path,
                           .required = true}},
          .options = {profile_option(&options->profile)},
          .examples = {{"kpkg profile set ./result", "make what was built the next generation"}},
          .errors = {store::UserErrorCode::failed},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
