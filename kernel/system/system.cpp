#include "kernel/system/system.hpp"
#include "kernel/system/guest_console.hpp"
#include "runtime/engine.hpp"
#include "runtime/platform/platform.hpp"
#include "runtime/wasi/preview1.hpp"
#include "store/format/boot_image.hpp"
#include <algorithm>
#include <format>
#include <map>
#include <memory>
#include <optional>

namespace kernel {
namespace {

constexpr uint64_t kMostPages = ~uint64_t{0} >> 16;

struct Running {
  const store::InstanceSpec* spec = nullptr;
  size_t group = 0; // of instances that share a Store
  std::shared_ptr<const runtime::Module> module;
  std::shared_ptr<const runtime::Preview1Options> options;
  runtime::Instance* instance = nullptr; // once linked
  bool ended = false;
  uint32_t status = 0;
};

class System {
public:
  System(const SystemRequest& request, const SystemHost& host) : request_(request), host_(host), console_(host.write) {}
  SystemResult run();

private:
  template <class... Args> void say(std::string_view phase, std::format_string<Args...> text, Args&&... args) {
    console_.line(std::format("{}: {}", phase, std::format(text, std::forward<Args>(args)...)));
  }
  SystemResult end(SystemEnd how, std::string_view phase, std::string_view why) {
    say(phase, "{}", why);
    return {how, 0};
  }

  std::optional<SystemResult> verify();
  void group_instances();
  void compile(Running& running);
  void link(Running& running);
  void run_command(Running& running);
  void fail(Running& running, std::string_view phase, const runtime::Error& error);
  void finish(Running& running, uint32_t status);
  [[nodiscard]] bool provider_gone(Running& running);
  [[nodiscard]] std::shared_ptr<const runtime::Preview1Options> options_for(const store::InstanceSpec& spec);
  [[nodiscard]] Running& named(std::string_view name) { return running_[index_.find(name)->second]; }

  const SystemRequest& request_;
  const SystemHost& host_;
  GuestConsole console_;
  store::BootImage image_;
  runtime::Engine engine_;
  std::vector<std::unique_ptr<runtime::Store>> stores_; // by group
  std::vector<Running> running_;                        // in the manifest's order
  std::map<std::string, size_t, std::less<>> index_;    // instance name → place
};

// Hash and signature of the manifest, then every NAR. nullopt: all is well.
std::optional<SystemResult> System::verify() {
  const auto expected = store::Hash::parse(request_.generation);
  if (!expected) {
    return end(SystemEnd::bad_request, "boot",
               std::format("kpkg.generation: {}", expected.error().describe(request_.generation)));
  }
  std::vector<store::PublicKey> trusted;
  for (const std::string& text : request_.keys) {
    auto key = store::PublicKey::parse(text);
    if (!key) return end(SystemEnd::bad_request, "boot", std::format("kpkg.key: {}", key.error().describe(text)));
    trusted.push_back(std::move(*key));
  }
  if (trusted.empty()) return end(SystemEnd::bad_request, "boot", "kpkg.generation needs at least one kpkg.key");
  if (request_.image.empty())
    return end(SystemEnd::bad_request, "boot", "there is no boot image: the loader handed over no module");

  const auto refuse = [&](const store::Error& error) {
    return end(SystemEnd::refused, "refused", error.describe("boot image"));
  };
  auto image = store::BootImage::parse(request_.image);
  if (!image) return refuse(image.error());
  image_ = std::move(*image);
  if (const auto valid = image_.verify(*expected, trusted); !valid) return refuse(valid.error());
  say("verify", "generation {} of system \"{}\" has a trusted signature", image_.hash.to_string(),
      image_.generation.name);

  const uint64_t begin = host_.now_us();
  uint64_t bytes = 0;
  for (size_t i = 0; i < image_.nars.size(); ++i) {
    if (const auto valid = image_.check_nar_hash(i); !valid) return refuse(valid.error());
    if (const auto valid = store::check_nar(image_.nars[i]); !valid) return refuse(valid.error());
    bytes += image_.nars[i].size();
  }
  say("verify", "{} store paths, {} bytes, have the hashes of the manifest ({} us)", image_.nars.size(), bytes,
      host_.now_us() - begin);
  return std::nullopt;
}

// Instances that are linked, directly or not, get one Store. Its memory limit is the sum of its members', if all have
// one.
void System::group_instances() {
  const auto& specs = image_.generation.instances;
  running_.resize(specs.size());
  for (size_t i = 0; i < specs.size(); ++i) {
    running_[i].spec = &specs[i];
    running_[i].group = i;
    index_.emplace(specs[i].name, i);
  }
  for (size_t i = 0; i < specs.size(); ++i) {
    for (const auto& [import, provider] : specs[i].links) {
      const size_t from = running_[i].group;
      const size_t to = named(provider).group;
      for (Running& running : running_)
        if (running.group == from) running.group = to;
    }
  }
  stores_.resize(specs.size());
  for (size_t group = 0; group < specs.size(); ++group) {
    runtime::StoreOptions options{.memory_limit_bytes = 0};
    bool used = false;
    bool limited = true;
    for (const Running& running : running_) {
      if (running.group != group) continue;
      used = true;
      limited = limited && running.spec->memory_limit_bytes != 0;
      const uint64_t limit = running.spec->memory_limit_bytes;
      options.memory_limit_bytes += std::min(limit, ~options.memory_limit_bytes); // no wrap
    }
    if (!limited) options.memory_limit_bytes = ~uint64_t{0};
    if (used) stores_[group] = std::make_unique<runtime::Store>(engine_, options);
  }
}

void System::finish(Running& running, uint32_t status) {
  running.ended = true;
  running.status = status;
}

// Reports why an instance ends here. A trap also ends whoever stood on its stack.
void System::fail(Running& running, std::string_view phase, const runtime::Error& error) {
  console_.end_line();
  const std::string& name = running.spec->name;
  if (error.kind != runtime::ErrorKind::trap) {
    say(phase, "instance \"{}\" ends: {}", name, error.describe());
    return finish(running, kStatusNotStarted);
  }
  say("trap", "instance \"{}\" ends: {}", name, error.message);
  for (size_t i = 0; i < error.backtrace.size(); ++i) {
    const runtime::Frame& frame = error.backtrace[i];
    say("trap", "  #{} {}!{} at byte {:#x} of its module", i, frame.module, frame.function, frame.wasm_offset);
    const auto found = index_.find(frame.module);
    if (found == index_.end()) continue;
    Running& other = running_[found->second];
    if (&other == &running || other.ended) continue;
    say("trap", "instance \"{}\" ends with it: the call left it in the middle", other.spec->name);
    finish(other, kStatusTrapped);
  }
  finish(running, kStatusTrapped);
}

// Of a link: an instance that was never linked, or that has trapped. (A provider that ended by itself still answers
// calls.)
bool System::provider_gone(Running& running) {
  for (const auto& [import, provider] : running.spec->links) {
    const Running& source = named(provider);
    if (source.instance && !(source.ended && source.status == kStatusTrapped)) continue;
    say("link", "instance \"{}\" is not started: \"{}\", which provides its \"{}\", is gone", running.spec->name,
        provider, import);
    finish(running, kStatusNotStarted);
    return true;
  }
  return false;
}

void System::compile(Running& running) {
  const store::InstanceSpec& spec = *running.spec;
  const uint64_t begin = host_.now_us();
  const auto nar = image_.nar_of(spec.component);
  const auto file = nar ? store::find_in_nar(*nar, spec.module) : std::unexpected(nar.error());
  if (!file) {
    say("compile", "instance \"{}\" ends: {}", spec.name,
        file.error().describe(spec.component.full() + "/" + spec.module));
    return finish(running, kStatusNotStarted);
  }
  std::vector<std::byte> wasm(file->contents.begin(), file->contents.end());
  auto module = runtime::Module::compile(engine_, std::move(wasm), spec.name);
  if (!module) return fail(running, "compile", module.error());
  running.module = std::move(*module);
  say("compile", "{}: {} bytes of {} ({} us)", spec.name, file->contents.size(), spec.module, host_.now_us() - begin);
}

std::shared_ptr<const runtime::Preview1Options> System::options_for(const store::InstanceSpec& spec) {
  const auto granted = [&](std::string_view what) { return std::ranges::find(spec.grants, what) != spec.grants.end(); };
  auto options = std::make_shared<runtime::Preview1Options>();
  options->args.push_back(spec.name);
  options->args.insert(options->args.end(), spec.args.begin(), spec.args.end());
  options->env.assign(spec.env.begin(), spec.env.end());
  options->clocks = granted("clock");
  options->random = granted("random");
  const auto write = [this, name = spec.name](std::span<const std::byte> data) -> runtime::Result<size_t> {
    console_.guest(name, {reinterpret_cast<const char*>(data.data()), data.size()});
    return data.size();
  };
  if (granted("stdout")) options->write_stdout = write;
  if (granted("stderr")) options->write_stderr = write;
  if (granted("stdin")) options->read_stdin = runtime::platform::read_stream;
  return options;
}

// Links an instance's imports, instantiates it, and initialises a reactor.
void System::link(Running& running) {
  if (running.ended || provider_gone(running)) return;
  const store::InstanceSpec& spec = *running.spec;
  runtime::Store& store = *stores_[running.group];
  uint64_t needed = 0; // a 64-bit memory may ask for more than 64 bits hold
  const runtime::DecodedModule& decoded = running.module->decoded();
  for (size_t i = decoded.imported_memories; i < decoded.memories.size(); ++i)
    if (__builtin_add_overflow(needed, std::min(decoded.memories[i].limits.min, kMostPages) << 16, &needed))
      needed = ~uint64_t{0};
  if (spec.memory_limit_bytes != 0 && needed > spec.memory_limit_bytes) {
    say("link", "instance \"{}\" ends: it needs {} bytes of memory to begin with, and its limit is {}", spec.name,
        needed, spec.memory_limit_bytes);
    return finish(running, kStatusNotStarted);
  }
  runtime::Linker linker;
  running.options = options_for(spec);
  runtime::define_preview1(linker, store, running.options);
  for (const auto& [import, provider] : spec.links) linker.define_instance(import, *named(provider).instance);
  auto imports = linker.resolve(*running.module);
  if (!imports) return fail(running, "link", imports.error());
  auto instance = store.instantiate(running.module, *imports, spec.name);
  if (!instance) return fail(running, "link", instance.error());
  running.instance = *instance;
  std::string from;
  for (const auto& [import, provider] : spec.links)
    from += std::format("{}{} from {}", from.empty() ? "" : ", ", import, provider);
  say("link", "{}: {}", spec.name, from.empty() ? "needs no other instance" : from);

  // A command runs later; a reactor has something to do now; what has neither export waits to be called.
  if (running.instance->find_export("_start") || !running.instance->find_export("_initialize")) return;
  const auto initialised = runtime::run_command(store, *running.instance);
  if (!initialised) return fail(running, "run", initialised.error());
  if (*initialised == 0) return; // a provider: ready to be called
  say("run", "{}: its initialisation ended with status {}", spec.name, *initialised);
  running.instance = nullptr;
  finish(running, *initialised);
}

void System::run_command(Running& running) {
  if (running.ended || !running.instance || provider_gone(running)) return;
  if (!running.instance->find_export("_start")) return;
  const uint64_t begin = host_.now_us();
  say("run", "{}", running.spec->name);
  const auto status = runtime::run_command(*stores_[running.group], *running.instance);
  console_.end_line();
  if (!status) return fail(running, "run", status.error());
  say("exit", "{}: status {} ({} us)", running.spec->name, *status, host_.now_us() - begin);
  finish(running, *status);
}

SystemResult System::run() {
  if (const auto refused = verify()) return *refused;
  group_instances();
  for (Running& running : running_) {
    host_.on_guest_stack([&] { compile(running); });
  }
  for (Running& running : running_) {
    host_.on_guest_stack([&] { link(running); });
  }
  for (Running& running : running_) {
    host_.on_guest_stack([&] { run_command(running); });
  }
  uint32_t status = 0;
  for (const Running& running : running_)
    if (running.spec->exit == store::ExitPolicy::wait && status == 0) status = running.status;
  say("system", "exit status {}", status);
  return {SystemEnd::ran, status};
}

} // namespace

SystemResult run_system(const SystemRequest& request, const SystemHost& host) { return System(request, host).run(); }

} // namespace kernel
