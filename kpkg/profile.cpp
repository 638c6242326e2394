// kpkg profile: named series of generations; the current one of each is a root of the store.
#include "kpkg/command.hpp"
#include <ctime>
#include <format>

namespace kpkg {

namespace {

struct Options {
  std::string profile = "default";
  std::string path;
  uint64_t number = 0;
};

std::string date(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  ::localtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts)};
}

} // namespace

void add_profile(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("profile", "generations of installed paths: list, set, switch, roll back");
  command->require_subcommand(1);
  auto options = std::make_shared<Options>();
  const auto sub = [&](const char* name, const char* help) {
    auto* result = command->add_subcommand(name, help);
    result->add_option("-p,--profile", options->profile, "name of the profile")->capture_default_str();
    return result;
  };
  sub("list", "the generations of a profile")->final_callback([options, &context] {
    std::string text;
    Json json = Json::array();
    for (const auto& generation : context.store().generations(options->profile)) {
      text += std::format("{:>4}{} {}  {}\n", generation.number, generation.current ? "*" : " ",
                          date(generation.created_unix_s), generation.path.full());
      json.push_back({{"number", generation.number},
                      {"path", generation.path.full()},
                      {"created", generation.created_unix_s},
                      {"current", generation.current}});
    }
    context.print(text, json);
  });
  auto* set = sub("set", "make a valid store path the next generation");
  set->add_option("path", options->path, "store path")->required();
  set->final_callback([options, &context] {
    const auto path = parse_store_path(options->path);
    const uint64_t number = context.store().new_generation(options->profile, path);
    context.print(std::format("{} generation {}: {}", options->profile, number, path.full()),
                  Json{{"profile", options->profile}, {"number", number}, {"path", path.full()}});
  });
  const auto switch_to = [&context](const std::string& profile, uint64_t number) {
    context.store().switch_generation(profile, number);
    context.print(std::format("{} generation {} is current", profile, number),
                  Json{{"profile", profile}, {"number", number}});
  };
  auto* change = sub("switch", "make another generation current");
  change->add_option("number", options->number, "generation")->required();
  change->final_callback([options, switch_to] { switch_to(options->profile, options->number); });
  sub("rollback", "make the generation before the current one current")->final_callback([options, switch_to, &context] {
    std::optional<uint64_t> before;
    for (const auto& generation : context.store().generations(options->profile)) {
      if (generation.current) {
        if (!before)
          throw Failure(kFailed, "profile " + options->profile + " has no generation before " +
                                     std::to_string(generation.number));
        return switch_to(options->profile, *before);
      }
      before = generation.number;
    }
    throw Failure(kFailed, "profile " + options->profile + " has no generations");
  });
}

} // namespace kpkg
