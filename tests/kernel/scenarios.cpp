#include "tests/kernel/scenarios.hpp"
#include "runtime/text/text.hpp"
#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace scenarios {
namespace {

template <class T> T must(store::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().describe("scenario"));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::vector<std::byte> module_bytes(const std::string& wat, const std::filesystem::path& systems) {
  if (wat.empty()) {
    const store::Bytes text = store::as_bytes("this is not WebAssembly");
    return {text.begin(), text.end()};
  }
  std::ifstream file(systems / (wat + ".wat"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) throw std::runtime_error(wat + ".wat is missing or empty");
  auto wasm = runtime::parse_wat(text);
  if (!wasm) throw std::runtime_error(wat + ".wat: " + wasm.error().describe());
  return std::move(*wasm);
}

// A component's folder with nothing but the module.
std::vector<std::byte> component_nar(const std::vector<std::byte>& wasm) {
  std::vector<std::byte> nar;
  store::NarWriter writer([&](store::Bytes bytes) -> store::Result<void> {
    nar.insert(nar.end(), bytes.begin(), bytes.end());
    return {};
  });
  must(writer.directory_begin(""));
  must(writer.file_begin("module.wasm", false, wasm.size()));
  must(writer.file_data(wasm));
  must(writer.file_end());
  must(writer.directory_end());
  must(writer.finish());
  return nar;
}

} // namespace

const std::vector<Scenario>& all() {
  using enum store::ExitPolicy;
  static const std::vector<Scenario> scenarios{
      {"hello", {{.name = "hello", .wat = "says_hello", .grants = {"stdout"}}}},
      {"linked",
       {{.name = "adder", .wat = "adder", .exit = ignore},
        {.name = "consumer", .wat = "consumer", .links = {{"math", "adder"}}, .grants = {"stdout"}}}},
      {"argument",
       {{.name = "echo", .wat = "prints_argument", .args = {"given in the manifest"}, .grants = {"stdout"}}}},
      {"not-granted", {{.name = "mute", .wat = "says_hello"}}},
      {"trap",
       {{.name = "adder", .wat = "adder", .exit = ignore},
        {.name = "crash", .wat = "out_of_bounds", .exit = ignore},
        {.name = "consumer", .wat = "consumer", .links = {{"math", "adder"}}, .grants = {"stdout"}}}},
      {"trap-awaited",
       {{.name = "crash", .wat = "unreachable"}, {.name = "hello", .wat = "says_hello", .grants = {"stdout"}}}},
      {"trap-in-provider",
       {{.name = "adder", .wat = "adder", .exit = ignore},
        {.name = "divider", .wat = "divides_by_zero", .links = {{"math", "adder"}}, .exit = ignore},
        {.name = "hello", .wat = "says_hello", .grants = {"stdout"}},
        {.name = "consumer", .wat = "consumer", .links = {{"math", "adder"}}, .grants = {"stdout"}}}},
      {"stack-overflow",
       {{.name = "recurses", .wat = "recurses", .exit = ignore},
        {.name = "hello", .wat = "says_hello", .grants = {"stdout"}}}},
      {"status-7", {{.name = "seven", .wat = "exits_7"}}},
      {"status-ignored", {{.name = "seven", .wat = "exits_7", .exit = ignore}}},
      {"missing-import",
       {{.name = "consumer", .wat = "consumer", .grants = {"stdout"}},
        {.name = "hello", .wat = "says_hello", .grants = {"stdout"}}}},
      {"invalid-module",
       {{.name = "broken", .wat = ""},
        {.name = "consumer", .wat = "consumer", .links = {{"math", "broken"}}, .grants = {"stdout"}}}},
      {"reactor",
       {{.name = "reactor", .wat = "initialises", .exit = ignore},
        {.name = "asks", .wat = "asks_ready", .links = {{"reactor", "reactor"}}}}},
      {"memory-limit", {{.name = "grows", .wat = "grows", .memory_limit_bytes = 5 << 16}}},
      {"memory-limit-too-small", {{.name = "grows", .wat = "grows", .memory_limit_bytes = 1000}}},
  };
  return scenarios;
}

const Scenario& named(std::string_view name) {
  const auto found = std::ranges::find(all(), name, &Scenario::name);
  if (found == all().end()) throw std::runtime_error("no scenario " + std::string(name));
  return *found;
}

Image build(const Scenario& scenario, const std::filesystem::path& systems) {
  store::Generation generation;
  generation.name = scenario.name;
  std::vector<std::pair<store::StorePath, std::vector<std::byte>>> nars;
  for (const Guest& guest : scenario.guests) {
    auto nar = component_nar(module_bytes(guest.wat, systems));
    const store::Hash hash = store::hash_bytes(nar);
    store::StorePath path = must(store::make_source_path(guest.wat.empty() ? "broken" : guest.wat, hash));
    generation.instances.push_back({.name = guest.name,
                                    .component = path,
                                    .module = "module.wasm",
                                    .links = guest.links,
                                    .args = guest.args,
                                    .env = {},
                                    .grants = guest.grants,
                                    .exit = guest.exit,
                                    .memory_limit_bytes = guest.memory_limit_bytes});
    if (std::ranges::find(nars, path, &decltype(nars)::value_type::first) == nars.end())
      nars.emplace_back(std::move(path), std::move(nar));
  }
  std::ranges::sort(nars, {}, &decltype(nars)::value_type::first);
  for (const auto& [path, nar] : nars)
    generation.closure.push_back({.path = path, .nar_hash = store::hash_bytes(nar), .nar_size_bytes = nar.size()});

  const std::string manifest = generation.to_json();
  const store::Hash hash = store::generation_hash(manifest);
  const store::SecretKey key = store::SecretKey::generate("test-system-1");
  Image image;
  image.generation = hash.to_string();
  image.key = key.public_key().to_string();
  const std::string fingerprint = store::generation_fingerprint(hash);
  must(store::write_boot_image(
      manifest, {key.sign(store::as_bytes(fingerprint))},
      [&](size_t index, const store::ByteSink& sink) { return sink(nars[index].second); },
      [&](store::Bytes bytes) -> store::Result<void> {
        image.bytes.insert(image.bytes.end(), bytes.begin(), bytes.end());
        return {};
      }));
  return image;
}

} // namespace scenarios
