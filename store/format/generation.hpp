// A system generation: ONE hash that names a closed graph of components, who imports what from whom, and what each may
// touch. The manifest is JSON (schemas/generation.schema.json) in canonical form (RFC 8785: sorted keys, no spaces);
// the generation's hash is SHA-256 of exactly those bytes. A system key signs the text
// «kpkg-generation-1;sha256:NIX32;» (kept apart from other signed texts by its first word).
//
//   {"closure":[{"narHash":"sha256:NIX32","narSize":N,"path":"/kpkg/store/…"},…],
//    "instances":[{"args":[…],"component":"/kpkg/store/…","env":{…},"exit":"wait","grants":["stdout",…],
//                  "links":{"IMPORT MODULE":"INSTANCE",…},"memoryLimit":N,"module":"component.wasm","name":"…"},…],
//    "name":"…","version":1}
//
// Every key is present, also where its value is empty. Texts are UTF-8; numbers are integers below 2^53.
#pragma once
#include "store/format/signature.hpp"
#include "store/format/store_path.hpp"
#include <map>

namespace store {

inline constexpr uint64_t kMaxGenerationManifestBytes = 16u << 20;
inline constexpr size_t kMaxInstances = 4096;
inline constexpr size_t kMaxClosureEntries = 65536;
inline constexpr uint64_t kMaxJsonInteger = (uint64_t{1} << 53) - 1;
inline constexpr std::array<std::string_view, 5> kGrants = {"stdout", "stderr", "stdin", "clock", "random"};

struct ClosureEntry { // one store path of the closure
  StorePath path;
  Hash nar_hash;
  uint64_t nar_size_bytes = 0;
};

enum class ExitPolicy : uint8_t {
  ignore, // its end says nothing about the system
  wait,   // the system ends when all `wait` instances have ended; its status counts
};

struct InstanceSpec {
  std::string name;                           // unique, [a-z0-9-]{1,64}
  StorePath component;                        // a member of the closure
  std::string module{};                       // file inside it, "component.wasm" or "module.wasm"
  std::map<std::string, std::string> links{}; // import module name → instance name that provides it
  std::vector<std::string> args{};            // argv[1…] (argv[0] is the name)
  std::map<std::string, std::string> env{};
  std::vector<std::string> grants{}; // what it may touch: "stdout", "stderr", "stdin", "clock", "random"
  ExitPolicy exit = ExitPolicy::wait;
  uint64_t memory_limit_bytes = 0; // 0: none but the module's own maximum
};

struct Generation {
  std::string name;                      // of the system
  std::vector<InstanceSpec> instances{}; // in start order: a provider stands before its users
  std::vector<ClosureEntry> closure{};   // sorted by path

  // Strict: text that is not canonical, unknown keys, and everything that check() refuses are errors.
  [[nodiscard]] static Result<Generation> parse(std::string_view json);
  // Whether this is a manifest that parse() would return: names, links to instances that stand before (so that there
  // is no cycle), no duplicates, components inside the sorted closure, known grants, UTF-8, limits.
  [[nodiscard]] Result<void> check() const;
  [[nodiscard]] std::string to_json() const; // canonical, of one that check() accepts
};

[[nodiscard]] Hash generation_hash(std::string_view manifest_json);
[[nodiscard]] std::string generation_fingerprint(const Hash& hash); // what a system key signs

} // namespace store
