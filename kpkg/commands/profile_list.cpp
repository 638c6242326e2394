// kpkg profile list: the generations of a profile.
#include "kpkg/commands/commands.hpp"
#include "kpkg/commands/profile_option.hpp"
#include <ctime>
#include <format>

namespace kpkg {

namespace {

std::string date(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  ::localtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts)};
}

void run(Context& context, const std::string& profile) {
  std::string text;
  Json json = Json::array();
  for (const auto& generation : context.store().generations(profile)) {
    text += std::format("{:>4}{} {}  {}\n", generation.number, generation.current ? "*" : " ",
                        date(generation.created_unix_s), generation.path.full());
    json.push_back({{"number", generation.number},
                    {"path", generation.path.full()},
                    {"created", generation.created_unix_s},
                    {"current", generation.current}});
  }
  context.print(text, json);
}

} // namespace

Command profile_list_command() {
  const auto profile = std::make_shared<std::string>(kDefaultProfile);
  return {.name = "profile list",
          .summary = "the generations of a profile",
          .description = "Prints number, date and path of each generation; a star marks the current one.",
          .options = {profile_option(profile.get())},
          .examples = {{"kpkg profile list", "list the generations of the default profile"}},
          .errors = {store::UserErrorCode::failed},
          .run = [profile](Context& context) { run(context, *profile); }};
}

} // namespace kpkg
