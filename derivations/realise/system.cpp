#include "derivations/realise/system.hpp"
#include "store/posix/durable_file.hpp"
#include "store/posix/file_io.hpp"
#include <nlohmann/json.hpp>

namespace realise {

namespace {

using nlohmann::json;

// The value is not what a system is: the expression is at fault.
store::UserError wrong_system(const std::string& message, std::string hint = {}) {
  return {store::UserErrorCode::evaluation, message, std::move(hint)};
}

template <class T> T member(const json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) throw wrong_system(where + " has no \"" + key + "\"", "make systems with kpkgs.mkSystem");
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    throw wrong_system(where + ": \"" + key + "\" has the wrong type");
  }
}

store::InstanceSpec instance_of(store::LocalStore& local, const json& value, size_t index) {
  const std::string where = "instance " + std::to_string(index);
  if (!value.is_object()) throw wrong_system(where + " is no set");
  store::InstanceSpec instance{
      .name = member<std::string>(value, "name", where),
      .component = store::unwrap(store::StorePath::parse(member<std::string>(value, "component", where)), where),
      .module = member<std::string>(value, "module", where),
      .links = member<std::map<std::string, std::string>>(value, "links", where),
      .args = member<std::vector<std::string>>(value, "args", where),
      .env = member<std::map<std::string, std::string>>(value, "env", where),
      .grants = member<std::vector<std::string>>(value, "grants", where)};
  const auto exit = member<std::string>(value, "exit", where);
  if (exit == "wait")
    instance.exit = store::ExitPolicy::wait;
  else if (exit == "ignore")
    instance.exit = store::ExitPolicy::ignore;
  else
    throw wrong_system("instance " + instance.name + ": exit is \"wait\" or \"ignore\", not \"" + exit + "\"");
  const auto limit = member<int64_t>(value, "memoryLimit", where);
  if (limit < 0) throw wrong_system("instance " + instance.name + ": memoryLimit is negative");
  instance.memory_limit_bytes = static_cast<uint64_t>(limit);
  if (!local.is_valid(instance.component))
    throw store::UserError("instance " + instance.name + ": " + instance.component.full() + " is not in the store",
                           "build it, or fetch it with kpkg install");
  try {
    static_cast<void>(store::open_beneath(local.physical(instance.component), instance.module));
  } catch (const store::UserError& error) {
    if (error.code() == store::UserErrorCode::refused)
      throw store::UserError(error.code(), "instance " + instance.name + ": " + error.what());
    throw store::UserError("instance " + instance.name + ": " + instance.component.full() + " has no " +
                           instance.module);
  }
  return instance;
}

} // namespace

BuiltGeneration build_generation(store::LocalStore& local, std::string_view system_json) {
  const json system = json::parse(system_json, nullptr, false);
  if (!system.is_object() || system.value("type", "") != "system")
    throw wrong_system("the expression is no system", "make systems with kpkgs.mkSystem");
  store::Generation generation{
      .name = member<std::string>(system, "name", "the system"), .instances = {}, .closure = {}};
  store::StorePathSet components;
  const auto instances = member<json>(system, "instances", "the system");
  if (!instances.is_array()) throw wrong_system("the system's instances are no list");
  for (const auto& value : instances) {
    generation.instances.push_back(instance_of(local, value, generation.instances.size()));
    components.insert(generation.instances.back().component);
  }
  for (const auto& path : local.closure(components)) {
    const auto info = local.query(path);
    if (!info) throw store::UserError(path.full() + " disappeared from the store");
    generation.closure.push_back({.path = path, .nar_hash = info->nar_hash, .nar_size_bytes = info->nar_size_bytes});
  }
  std::string manifest = generation.to_json();
  // The rules of the format are checked in one place: what the kernel would refuse is refused here.
  store::Generation checked = store::unwrap(store::Generation::parse(manifest), "system " + generation.name);
  const store::Hash hash = store::generation_hash(manifest);
  const store::PathInfo info = local.add_text(checked.name + "-generation.json", manifest, components);
  return {.generation = std::move(checked), .manifest = std::move(manifest), .hash = hash, .manifest_path = info.path};
}

uint64_t write_boot_image(store::LocalStore& local, const BuiltGeneration& built, const store::SecretKey& key,
                          const std::filesystem::path& file) {
  store::FileReplacement image{file};
  uint64_t size_bytes = 0;
  const auto signature = key.sign(store::as_bytes(store::generation_fingerprint(built.hash)));
  store::unwrap(store::write_boot_image(
                    built.manifest, {signature},
                    [&](size_t index, const store::ByteSink& out) -> store::Result<void> {
                      local.dump_nar(built.generation.closure[index].path, out);
                      return {};
                    },
                    [&](store::Bytes data) -> store::Result<void> {
                      size_bytes += data.size();
                      image.write(data);
                      return {};
                    }),
                file.string());
  image.commit();
  return size_bytes;
}

} // namespace realise
