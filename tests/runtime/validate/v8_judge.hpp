// V8 (of node) as another's opinion on modules.
#pragma once
#include "tests/runtime/validate/scratch_folder.hpp"
#include <vector>

namespace runtime {

// What V8 says to each module: «ok», or the reason of its refusal with the offset behind «@+»; nothing when node fails.
// flags: node's options.
inline std::vector<std::string> judge_by_v8(const std::vector<std::vector<std::byte>>& modules,
                                            const std::string& flags = {}) {
  // Reads modules, each behind its length in four bytes, and prints a line for each.
  static constexpr const char* kJudge = R"js(
const all = require('fs').readFileSync(process.argv[2]);
const out = [];
for (let at = 0; at < all.length;) {
  const size = all.readUInt32LE(at);
  const module = all.subarray(at + 4, at + 4 + size);
  at += 4 + size;
  try { new WebAssembly.Module(module); out.push('ok'); } catch (e) { out.push(String(e.message).replace(/\s+/g, ' ')); }
}
require('fs').writeFileSync(process.argv[3], out.join('\n') + '\n');
)js";
  const ScratchFolder folder;
  const std::string judge = folder.path() / "judge.cjs", batch = folder.path() / "batch",
                    verdicts = folder.path() / "verdicts";
  std::ofstream(judge) << kJudge;
  {
    std::ofstream out(batch, std::ios::binary);
    for (const std::vector<std::byte>& module : modules) {
      const uint8_t size[4] = {static_cast<uint8_t>(module.size()), static_cast<uint8_t>(module.size() >> 8),
                               static_cast<uint8_t>(module.size() >> 16), 0};
      out.write(reinterpret_cast<const char*>(size), 4);
      out.write(reinterpret_cast<const char*>(module.data()), static_cast<std::streamsize>(module.size()));
    }
  }
  std::vector<std::string> reasons;
  if (!run("node " + flags + " '" + judge + "' '" + batch + "' '" + verdicts + "'")) return reasons;
  std::ifstream lines(verdicts);
  for (std::string reason; std::getline(lines, reason);) reasons.push_back(reason);
  return reasons;
}

} // namespace runtime
