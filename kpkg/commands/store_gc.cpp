// kpkg store gc: deletes what no root needs.
#include "kpkg/commands/commands.hpp"
#include <format>

namespace kpkg {

namespace {

struct Options {
  bool dry_run = false;
};

void run(Context& context, const Options& options) {
  const auto result = context.store().collect_garbage({.dry_run = options.dry_run});
  Json deleted = Json::array();
  for (const auto& path : result.deleted) {
    deleted.push_back(path.full());
    context.say((options.dry_run ? "would delete " : "deleted ") + path.full());
  }
  context.print(std::format("{} paths, {} bytes {}", result.deleted.size(), result.freed_bytes,
                            options.dry_run ? "would be freed" : "freed"),
                Json{{"deleted", deleted}, {"freedBytes", result.freed_bytes}, {"dryRun", options.dry_run}});
}

} // namespace

Command store_gc_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "store gc",
          .summary = "delete what no root needs",
          .description = "Roots are the links that builds left, installed paths and the generations of profiles. It "
                         "may run beside builds.",
          .options = {{.names = "--dry-run", .help = "only tell", .target = &options->dry_run}},
          .examples = {{"kpkg store gc --dry-run", "show what would be deleted"}},
          .errors = {store::UserErrorCode::failed},
          .run = [options](Context& context) { run(context, *options); }};
}

} // namespace kpkg
