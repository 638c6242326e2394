// Generation manifests: canonical text, and every rule of Generation::check.
#include <new>

#include "store/format/generation.hpp"
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace store;

namespace {

const StorePath kComponent = StorePath::parse_base_name("00bgd045z0d4icpbc2yyz4gx48ak44la-a").value();
const StorePath kOther = StorePath::parse_base_name("10bgd045z0d4icpbc2yyz4gx48ak44la-b").value();

InstanceSpec instance(std::string name) {
  return {.name = std::move(name), .component = kComponent, .module = "module.wasm"};
}

Generation example() {
  Generation generation{.name = "demo"};
  generation.closure = {{kComponent, hash_text("a"), 120}, {kOther, hash_text("b"), 240}};
  generation.instances = {instance("provider"), instance("consumer")};
  generation.instances[1].links = {{"greet", "provider"}};
  generation.instances[1].args = {"-v", "\"quoted\"\n"};
  generation.instances[1].env = {{"LANG", "ä"}};
  generation.instances[1].grants = {"stdout", "clock"};
  generation.instances[0].exit = ExitPolicy::ignore;
  generation.instances[0].memory_limit_bytes = 65536;
  return generation;
}

std::string fault(const Generation& generation) {
  const Result<void> result = generation.check();
  // What check() refuses, parse() refuses too.
  CHECK(Generation::parse(generation.to_json()).has_value() == result.has_value());
  return result ? "" : result.error().message;
}

} // namespace

TEST_CASE("a manifest is written canonically and read back") {
  const std::string json = example().to_json();
  CHECK(
      json ==
      R"({"closure":[{"narHash":")" + hash_text("a").to_string() +
          R"(","narSize":120,"path":"/kpkg/store/00bgd045z0d4icpbc2yyz4gx48ak44la-a"},{"narHash":")" +
          hash_text("b").to_string() +
          R"(","narSize":240,"path":"/kpkg/store/10bgd045z0d4icpbc2yyz4gx48ak44la-b"}],"instances":[{"args":[],)"
          R"("component":"/kpkg/store/00bgd045z0d4icpbc2yyz4gx48ak44la-a","env":{},"exit":"ignore","grants":[],"links":{},)"
          R"("memoryLimit":65536,"module":"module.wasm","name":"provider"},{"args":["-v","\"quoted\"\n"],)"
          R"("component":"/kpkg/store/00bgd045z0d4icpbc2yyz4gx48ak44la-a","env":{"LANG":"ä"},"exit":"wait",)"
          R"("grants":["stdout","clock"],"links":{"greet":"provider"},"memoryLimit":0,"module":"module.wasm","name":"consumer"}],)"
          R"("name":"demo","version":1})");
  const Result<Generation> read = Generation::parse(json);
  if (!read) FAIL(read.error().describe("manifest"));
  CHECK(read->to_json() == json);
  CHECK(read->instances[1].links.at("greet") == "provider");
  CHECK(read->instances[1].args[1] == "\"quoted\"\n");
  CHECK(read->instances[0].exit == ExitPolicy::ignore);
}

TEST_CASE("keys are sorted by UTF-16 code units, as RFC 8785 says") {
  Generation generation = example();
  generation.instances[0].env = {
      {"\xee\x80\x80", "U+E000"}, {"\xf0\x9f\x98\x80", "U+1F600"}, {"\xed\x9f\xbf", "U+D7FF"}, {"z", ""}};
  const std::string json = generation.to_json();
  CHECK(json.find("\"z\"") < json.find("U+D7FF"));
  CHECK(json.find("U+D7FF") < json.find("U+1F600"));
  CHECK(json.find("U+1F600") < json.find("U+E000"));
  CHECK(Generation::parse(json));
}

TEST_CASE("control characters are escaped in the one canonical way") {
  Generation generation = example();
  generation.instances[0].args = {"\b\f\n\r\t\x01\x1f\x7f/"};
  const std::string json = generation.to_json();
  CHECK(json.contains(R"(["\b\f\n\r\t\u0001\u001f)"
                      "\x7f"
                      R"(/"])"));
  CHECK(Generation::parse(json)->instances[0].args == generation.instances[0].args);
  for (const std::string_view other : {R"(\u000a)", R"(\u001F)", R"(\/)", R"(\u0041)", R"(\x)"}) {
    std::string bad = json;
    bad.replace(bad.find(R"(\n)"), 2, other);
    CHECK_FALSE(Generation::parse(bad));
  }
}

TEST_CASE("text that is not the canonical one is rejected with its place") {
  const std::string json = example().to_json();
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = json;
    return text.replace(text.find(from), from.size(), to);
  };
  CHECK(Generation::parse(" " + json).error().offset == 0);
  CHECK(Generation::parse(json + "\n").error().offset == json.size());
  CHECK(Generation::parse(changed(R"(,"instances")", R"(, "instances")")).error().offset ==
        json.find(R"(,"instances")"));
  for (const std::string& bad :
       {changed("120", "120.0"), changed("120", "0120"), changed("120", "-1"), changed("120", "1e2"),
        changed("120", "9007199254740992"), changed("120", "\"120\""), changed("\"version\":1", "\"version\":2"),
        changed("\"version\":1", "\"version\":1,\"zzz\":0"), changed("\"name\":\"demo\",", ""),
        changed("\"env\":{}", "\"env\":[]"), changed("\"wait\"", "\"never\""),
        changed("\"links\":{}", "\"links\":{},\"links\":{}"),
        changed("\"LANG\":\"ä\"", "\"LANG\":\"ä\",\"LANG\":\"b\""),
        changed("\"LANG\":\"ä\"", "\"LANG\":\"ä\",\"A\":\"b\""), changed("[\"-v\"", "[,\"-v\""),
        changed("/kpkg/store/00", "/nix/store/00"), changed(hash_text("a").to_string(), hash_text("a").sri()),
        changed(hash_text("a").to_string(), "sha256:" + hash_text("a").base16())})
    CHECK_FALSE(Generation::parse(bad));
  for (size_t length = 0; length < json.size(); length += 7) CHECK_FALSE(Generation::parse(json.substr(0, length)));
  CHECK(Generation::parse(std::string(kMaxGenerationManifestBytes + 1, ' ')).error().code == ErrorCode::limit);
}

TEST_CASE("links lead to earlier instances: unknown ones, itself and cycles are refused") {
  Generation generation = example();
  generation.instances[1].links = {{"greet", "nobody"}};
  CHECK(fault(generation) == "instance \"consumer\": it links the import \"greet\" to the unknown instance \"nobody\"");
  generation.instances[1].links = {{"greet", "consumer"}};
  CHECK(fault(generation) == "instance \"consumer\": it links the import \"greet\" to itself");
  generation.instances[1].links = {{"greet", "provider"}};
  generation.instances[0].links = {{"back", "consumer"}};
  CHECK(fault(generation).contains("which stands after it"));
}

TEST_CASE("what names no possible system is refused") {
  const auto with = [](auto change) {
    Generation generation = example();
    change(generation);
    return fault(generation);
  };
  CHECK(with([](Generation&) {}).empty());
  CHECK(with([](Generation& g) { g.name = "Not Allowed"; }).contains("the system's name"));
  CHECK(with([](Generation& g) { g.instances[1].name = "provider"; }).contains("taken twice"));
  CHECK(with([](Generation& g) { g.instances[1].name = ""; }).contains("1 to 64"));
  CHECK(with([](Generation& g) { g.instances[1].name = std::string(65, 'a'); }).contains("1 to 64"));
  CHECK(with([](Generation& g) { g.instances[1].grants = {"disk"}; }).contains("unknown grant \"disk\""));
  CHECK(with([](Generation& g) { g.instances[1].grants = {"clock", "clock"}; }).contains("stands twice"));
  CHECK(with([](Generation& g) { g.closure.erase(g.closure.begin()); }).contains("is not in the closure"));
  CHECK(with([](Generation& g) { std::swap(g.closure[0], g.closure[1]); }).contains("not sorted"));
  CHECK(with([](Generation& g) { g.closure[1] = g.closure[0]; }).contains("twice"));
  CHECK(with([](Generation& g) { g.closure[0].nar_size_bytes = 0; }).contains("NAR size"));
  CHECK(with([](Generation& g) { g.closure[0].nar_size_bytes = uint64_t{1} << 53; }).contains("NAR size"));
  CHECK(with([](Generation& g) { g.closure[0].nar_hash = hash_text("a", HashAlgorithm::sha1); }).contains("no sha256"));
  CHECK(with([](Generation& g) { g.instances[0].memory_limit_bytes = uint64_t{1} << 53; }).contains("memory limit"));
  for (const std::string& module :
       {std::string{}, std::string{"/etc/passwd"}, std::string{"a/../b"}, std::string{"a//b"}, std::string{"a/"},
        std::string{"."}, std::string{"a\0b", 3}, std::string(256, 'a')})
    CHECK(with([&](Generation& g) { g.instances[0].module = module; }).contains("module"));
  for (const std::string& key : {std::string{}, std::string{"A=B"}, std::string{"\xff"}})
    CHECK(with([&](Generation& g) { g.instances[0].env = {{key, "v"}}; }).contains("environment variable"));
  for (const std::string& text : {std::string{"\xff"}, std::string{"\xc0\x80"}, std::string{"\xed\xa0\x80"},
                                  std::string{"\xf4\x90\x80\x80"}, std::string{"\xe2\x82"}, std::string{"a\0b", 3}})
    CHECK(with([&](Generation& g) { g.instances[0].args = {text}; }).contains("an argument is not UTF-8"));
  CHECK(with([](Generation& g) {
          for (int i = 0; i < 4095; ++i) g.instances.push_back(instance("i" + std::to_string(i)));
        }).contains("more than 4096 instances"));
}

TEST_CASE("a generation's hash is of its text, and what is signed names its kind") {
  const std::string json = example().to_json();
  CHECK(generation_hash(json) == hash_text(json));
  CHECK(generation_fingerprint(hash_text("abc")) ==
        "kpkg-generation-1;sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s;");
}

TEST_CASE("the JSON Schema asks for the keys and grants that the code writes") {
  const char* source = std::getenv("KPKG_SOURCE_DIR");
  if (source == nullptr) {
    WARN("KPKG_SOURCE_DIR is not set: the schema was not compared");
    return;
  }
  std::ifstream file{std::string{source} + "/schemas/generation.schema.json"};
  const nlohmann::json schema = nlohmann::json::parse(file), manifest = nlohmann::json::parse(example().to_json());
  const auto agree = [](const nlohmann::json& object_schema, const nlohmann::json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items()) {
      keys.push_back(key);
      CHECK(object_schema.at("properties").contains(key));
    }
    CHECK(object_schema.at("required") == nlohmann::json(keys));
    CHECK(object_schema.at("properties").size() == keys.size());
    CHECK(object_schema.at("additionalProperties") == false);
  };
  const nlohmann::json& instances = schema.at("properties").at("instances").at("items");
  agree(schema, manifest);
  agree(instances, manifest.at("instances").at(0));
  agree(schema.at("properties").at("closure").at("items"), manifest.at("closure").at(0));
  CHECK(instances.at("properties").at("grants").at("items").at("enum") == nlohmann::json(kGrants));
}
