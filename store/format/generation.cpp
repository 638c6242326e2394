// Generation manifests. The canonical form (RFC 8785) of an object with fixed keys is a grammar without choices, so
// that the reader needs no general JSON parser: it expects the very bytes that the writer writes, which leaves no room
// for spaces, other escapes, duplicate or unknown keys, fractions or depth. (It also runs in the kernel.)
#include "store/format/generation.hpp"
#include "store/base/json_text.hpp"
#include "store/base/utf8.hpp"
#include <algorithm>
#include <charconv>

namespace store {
namespace {

constexpr size_t kMaxInstanceNameLength = 64;
constexpr size_t kMaxModuleLength = 255;

std::unexpected<Error> fail(ErrorCode code, std::string message, uint64_t offset = kNoOffset) {
  return std::unexpected(Error{code, std::move(message), offset});
}

std::string quoted(std::string_view text) {
  std::string shown = "\"";
  for (const char c : text.substr(0, 80)) shown.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  return shown.append("\"");
}

// --- writing

// RFC 8785 sorts keys by UTF-16 code units. That is the order of UTF-8 bytes but for one thing: characters above
// U+FFFF (first byte F0 and more), written as surrogates, come before U+E000–U+FFFF (EE and EF).
bool utf16_less(std::string_view a, std::string_view b) {
  const auto rank = [](char c) -> unsigned {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0xee || byte == 0xef ? byte + 0x100u : byte;
  };
  return std::ranges::lexicographical_compare(a, b, {}, rank, rank);
}

void append_object(std::string& out, const std::map<std::string, std::string>& map) {
  std::vector<const std::pair<const std::string, std::string>*> entries;
  for (const auto& entry : map) entries.push_back(&entry);
  std::ranges::sort(entries, [](const auto* a, const auto* b) { return utf16_less(a->first, b->first); });
  out.push_back('{');
  for (const auto* entry : entries) {
    if (entry != entries.front()) out.push_back(',');
    append_json_string(out, entry->first);
    out.push_back(':');
    append_json_string(out, entry->second);
  }
  out.push_back('}');
}

void append_array(std::string& out, const std::vector<std::string>& texts) {
  out.push_back('[');
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_json_string(out, texts[i]);
  }
  out.push_back(']');
}

std::string_view to_string(ExitPolicy policy) { return policy == ExitPolicy::wait ? "wait" : "ignore"; }

// --- reading

class Cursor {
public:
  explicit Cursor(std::string_view text) : text_(text) {}
  [[nodiscard]] uint64_t offset() const { return offset_; }
  [[nodiscard]] bool at_end() const { return offset_ == text_.size(); }

  Result<void> expect(std::string_view literal) {
    if (skip(literal)) return {};
    const std::string_view found = text_.substr(offset_, std::max<size_t>(literal.size(), 16));
    return fail(ErrorCode::malformed,
                "expected " + std::string{literal} + " but found " + (found.empty() ? "the end" : printable(found)),
                offset_);
  }

  bool skip(std::string_view literal) {
    if (!text_.substr(offset_).starts_with(literal)) return false;
    offset_ += literal.size();
    return true;
  }

  Result<std::string> string() {
    TRY_VOID(expect("\""));
    std::string value;
    while (offset_ < text_.size()) {
      const char c = text_[offset_];
      if (c == '"') {
        ++offset_;
        return value;
      }
      if (static_cast<unsigned char>(c) < 0x20)
        return fail(ErrorCode::malformed, "an unescaped control character in a text", offset_);
      if (c != '\\') {
        value.push_back(c);
        ++offset_;
        continue;
      }
      value.push_back(TRY(escaped()));
    }
    return fail(ErrorCode::malformed, "the text is not closed", offset_);
  }

  Result<uint64_t> number() {
    uint64_t value = 0;
    const char* begin = text_.data() + offset_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (end == begin || (*begin == '0' && end != begin + 1))
      return fail(ErrorCode::malformed, "expected a number", offset_);
    if (error != std::errc{} || value > kMaxJsonInteger)
      return fail(ErrorCode::limit, "a number above 2^53 - 1", offset_);
    offset_ += static_cast<size_t>(end - begin);
    return value;
  }

  // The elements between brackets already opened, up to and with `close`.
  template <class Element> Result<void> elements(std::string_view close, const Element& element) {
    if (skip(close)) return {};
    while (true) {
      TRY_VOID(element());
      if (skip(close)) return {};
      TRY_VOID(expect(","));
    }
  }

  Result<std::vector<std::string>> array() {
    std::vector<std::string> texts;
    TRY_VOID(expect("["));
    TRY_VOID(elements("]", [&]() -> Result<void> {
      texts.push_back(TRY(string()));
      return {};
    }));
    return texts;
  }

  Result<std::map<std::string, std::string>> object() {
    std::map<std::string, std::string> texts;
    std::string last;
    TRY_VOID(expect("{"));
    TRY_VOID(elements("}", [&]() -> Result<void> {
      const uint64_t at = offset_;
      std::string key = TRY(string());
      TRY_VOID(expect(":"));
      std::string value = TRY(string());
      if (!texts.empty() && !utf16_less(last, key))
        return fail(ErrorCode::malformed,
                    "the key " + quoted(key) + (last == key ? " stands twice" : " is out of order"), at);
      last = key;
      texts.emplace(std::move(key), std::move(value));
      return {};
    }));
    return texts;
  }

  Result<StorePath> path() {
    const uint64_t at = offset_;
    const std::string text = TRY(string());
    Result<StorePath> path = StorePath::parse(text);
    if (!path) return fail(ErrorCode::malformed, path.error().message, at);
    return path;
  }

  Result<Hash> hash() {
    const uint64_t at = offset_;
    const std::string text = TRY(string());
    Result<Hash> hash = Hash::parse(text, HashAlgorithm::sha256);
    if (!hash) return fail(ErrorCode::malformed, hash.error().message, at);
    if (hash->to_string() != text) return fail(ErrorCode::malformed, "a hash is written sha256:NIX32", at);
    return hash;
  }

private:
  static std::string printable(std::string_view text) {
    std::string shown;
    for (const char c : text) shown.push_back(c >= 0x20 && c < 0x7f ? c : '?');
    return shown;
  }

  // The character of an escape, each in the one form that RFC 8785 leaves.
  Result<char> escaped() {
    for (int c = 0; c < 0x60; ++c) {
      if (c >= 0x20 && c != '"' && c != '\\') continue;
      std::string written;
      append_json_string(written, std::string_view{std::array{static_cast<char>(c)}.data(), 1});
      if (skip(std::string_view{written}.substr(1, written.size() - 2))) return static_cast<char>(c);
    }
    return fail(ErrorCode::malformed, "an escape that the canonical form does not have", offset_);
  }

  std::string_view text_;
  size_t offset_ = 0;
};

Result<ClosureEntry> read_closure_entry(Cursor& cursor) {
  TRY_VOID(cursor.expect(R"({"narHash":)"));
  const Hash hash = TRY(cursor.hash());
  TRY_VOID(cursor.expect(R"(,"narSize":)"));
  const uint64_t size_bytes = TRY(cursor.number());
  TRY_VOID(cursor.expect(R"(,"path":)"));
  StorePath path = TRY(cursor.path());
  TRY_VOID(cursor.expect("}"));
  return ClosureEntry{.path = std::move(path), .nar_hash = hash, .nar_size_bytes = size_bytes};
}

Result<InstanceSpec> read_instance(Cursor& cursor) {
  TRY_VOID(cursor.expect(R"({"args":)"));
  std::vector<std::string> args = TRY(cursor.array());
  TRY_VOID(cursor.expect(R"(,"component":)"));
  InstanceSpec instance{.name = {}, .component = TRY(cursor.path()), .args = std::move(args)};
  TRY_VOID(cursor.expect(R"(,"env":)"));
  instance.env = TRY(cursor.object());
  TRY_VOID(cursor.expect(R"(,"exit":)"));
  const uint64_t exit_at = cursor.offset();
  const std::string exit = TRY(cursor.string());
  if (exit == "wait")
    instance.exit = ExitPolicy::wait;
  else if (exit == "ignore")
    instance.exit = ExitPolicy::ignore;
  else
    return fail(ErrorCode::malformed, "\"exit\" is neither \"wait\" nor \"ignore\"", exit_at);
  TRY_VOID(cursor.expect(R"(,"grants":)"));
  instance.grants = TRY(cursor.array());
  TRY_VOID(cursor.expect(R"(,"links":)"));
  instance.links = TRY(cursor.object());
  TRY_VOID(cursor.expect(R"(,"memoryLimit":)"));
  instance.memory_limit_bytes = TRY(cursor.number());
  TRY_VOID(cursor.expect(R"(,"module":)"));
  instance.module = TRY(cursor.string());
  TRY_VOID(cursor.expect(R"(,"name":)"));
  instance.name = TRY(cursor.string());
  TRY_VOID(cursor.expect("}"));
  return instance;
}

// --- checking

bool is_text(std::string_view text) { return is_utf8(text) && !text.contains('\0'); }

// [a-z0-9-], 1 to 64 of them.
bool is_instance_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxInstanceNameLength &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

// A relative path without empty, "." and ".." components.
bool is_module_path(std::string_view path) {
  if (path.empty() || path.size() > kMaxModuleLength || !is_text(path)) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

Result<void> check_instance(const InstanceSpec& instance, const std::set<std::string_view>& earlier,
                            const std::set<std::string_view>& all, const std::vector<ClosureEntry>& closure) {
  const std::string who = "instance " + quoted(instance.name);
  const auto wrong = [&](std::string_view what) { return fail(ErrorCode::invalid, who + ": " + std::string{what}); };
  if (!is_instance_name(instance.name)) return wrong("a name is 1 to 64 of [a-z0-9-]");
  if (earlier.contains(instance.name)) return wrong("the name is taken twice");
  if (!std::ranges::binary_search(closure, instance.component, {}, &ClosureEntry::path))
    return wrong("its component " + instance.component.full() + " is not in the closure");
  if (!is_module_path(instance.module)) return wrong("the module is not a plain relative path");
  for (const auto& [import, target] : instance.links) {
    if (!is_text(import)) return wrong("an import's name is not UTF-8 text");
    if (target == instance.name) return wrong("it links the import " + quoted(import) + " to itself");
    if (!all.contains(target))
      return wrong("it links the import " + quoted(import) + " to the unknown instance " + quoted(target));
    if (!earlier.contains(target)) {
      return wrong("it links the import " + quoted(import) + " to " + quoted(target) +
                   ", which stands after it (the links form a cycle, or the instances are out of order)");
    }
  }
  for (const std::string& arg : instance.args)
    if (!is_text(arg)) return wrong("an argument is not UTF-8 text");
  for (const auto& [key, value] : instance.env) {
    if (key.empty() || key.contains('=') || !is_text(key))
      return wrong("an environment variable's name is empty or has a \"=\"");
    if (!is_text(value)) return wrong("the environment variable " + quoted(key) + " is not UTF-8 text");
  }
  std::set<std::string_view> grants;
  for (const std::string& grant : instance.grants) {
    if (std::ranges::find(kGrants, grant) == kGrants.end())
      return wrong("unknown grant " + quoted(grant) + " (known: stdout, stderr, stdin, clock, random)");
    if (!grants.insert(grant).second) return wrong("the grant " + quoted(grant) + " stands twice");
  }
  if (instance.memory_limit_bytes > kMaxJsonInteger) return wrong("the memory limit is above 2^53 - 1");
  return {};
}

} // namespace

Result<void> Generation::check() const {
  if (!is_instance_name(name))
    return fail(ErrorCode::invalid, "the system's name " + quoted(name) + " is not 1 to 64 of [a-z0-9-]");
  if (instances.size() > kMaxInstances)
    return fail(ErrorCode::limit, "more than " + std::to_string(kMaxInstances) + " instances");
  if (closure.size() > kMaxClosureEntries)
    return fail(ErrorCode::limit, "more than " + std::to_string(kMaxClosureEntries) + " paths in the closure");
  for (size_t i = 0; i < closure.size(); ++i) {
    if (closure[i].nar_hash.algorithm != HashAlgorithm::sha256)
      return fail(ErrorCode::invalid, "the NAR hash of " + closure[i].path.full() + " is no sha256");
    if (closure[i].nar_size_bytes == 0 || closure[i].nar_size_bytes > kMaxJsonInteger)
      return fail(ErrorCode::invalid, "the NAR size of " + closure[i].path.full() + " is no possible one");
    if (i > 0 && !(closure[i - 1].path < closure[i].path))
      return fail(ErrorCode::invalid, "the closure is not sorted, or has a path twice, at " + closure[i].path.full());
  }
  std::set<std::string_view> all, earlier;
  for (const InstanceSpec& instance : instances) all.insert(instance.name);
  for (const InstanceSpec& instance : instances) {
    TRY_VOID(check_instance(instance, earlier, all, closure));
    earlier.insert(instance.name);
  }
  return {};
}

Result<Generation> Generation::parse(std::string_view json) {
  if (json.size() > kMaxGenerationManifestBytes)
    return fail(ErrorCode::limit,
                "the manifest is larger than " + std::to_string(kMaxGenerationManifestBytes) + " bytes");
  Generation generation{.name = {}};
  Cursor cursor{json};
  TRY_VOID(cursor.expect(R"({"closure":[)"));
  TRY_VOID(cursor.elements("]", [&]() -> Result<void> {
    if (generation.closure.size() == kMaxClosureEntries)
      return fail(ErrorCode::limit, "more than " + std::to_string(kMaxClosureEntries) + " paths in the closure",
                  cursor.offset());
    generation.closure.push_back(TRY(read_closure_entry(cursor)));
    return {};
  }));
  TRY_VOID(cursor.expect(R"(,"instances":[)"));
  TRY_VOID(cursor.elements("]", [&]() -> Result<void> {
    if (generation.instances.size() == kMaxInstances)
      return fail(ErrorCode::limit, "more than " + std::to_string(kMaxInstances) + " instances", cursor.offset());
    generation.instances.push_back(TRY(read_instance(cursor)));
    return {};
  }));
  TRY_VOID(cursor.expect(R"(,"name":)"));
  generation.name = TRY(cursor.string());
  TRY_VOID(cursor.expect(R"(,"version":)"));
  const uint64_t version_at = cursor.offset();
  const uint64_t version = TRY(cursor.number());
  if (version != 1)
    return fail(ErrorCode::unsupported, "manifest version " + std::to_string(version) + " (known: 1)", version_at);
  TRY_VOID(cursor.expect("}"));
  if (!cursor.at_end()) return fail(ErrorCode::malformed, "bytes after the manifest's end", cursor.offset());
  TRY_VOID(generation.check());
  return generation;
}

std::string Generation::to_json() const {
  std::string out = R"({"closure":[)";
  for (const ClosureEntry& entry : closure) {
    if (&entry != closure.data()) out.push_back(',');
    out.append(R"({"narHash":")").append(entry.nar_hash.to_string());
    out.append(R"(","narSize":)").append(std::to_string(entry.nar_size_bytes));
    out.append(R"(,"path":")").append(entry.path.full()).append("\"}");
  }
  out.append(R"(],"instances":[)");
  for (const InstanceSpec& instance : instances) {
    if (&instance != instances.data()) out.push_back(',');
    out.append(R"({"args":)");
    append_array(out, instance.args);
    out.append(R"(,"component":")").append(instance.component.full());
    out.append(R"(","env":)");
    append_object(out, instance.env);
    out.append(R"(,"exit":")").append(to_string(instance.exit));
    out.append(R"(","grants":)");
    append_array(out, instance.grants);
    out.append(R"(,"links":)");
    append_object(out, instance.links);
    out.append(R"(,"memoryLimit":)").append(std::to_string(instance.memory_limit_bytes));
    out.append(R"(,"module":)");
    append_json_string(out, instance.module);
    out.append(R"(,"name":)");
    append_json_string(out, instance.name);
    out.push_back('}');
  }
  out.append(R"(],"name":)");
  append_json_string(out, name);
  out.append(R"(,"version":1})");
  return out;
}

Hash generation_hash(std::string_view manifest_json) { return hash_text(manifest_json); }

std::string generation_fingerprint(const Hash& hash) { return "kpkg-generation-1;" + hash.to_string() + ";"; }

} // namespace store
