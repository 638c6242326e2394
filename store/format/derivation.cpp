// The text form of derivations. Reading accepts exactly what writing produces: order, escapes and spaces included.
#include "store/format/derivation.hpp"
#include "store/format/encoding.hpp"
#include <algorithm>

namespace store {
namespace {

std::unexpected<Error> malformed(std::string message, size_t offset) {
  return std::unexpected(Error{ErrorCode::malformed, std::move(message), offset});
}

// --- writing

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t begin = 0;
  while (true) {
    const size_t special = text.find_first_of("\"\\\n\r\t", begin);
    out.append(text.substr(begin, special - begin));
    if (special == std::string_view::npos) break;
    out.push_back('\\');
    switch (text[special]) {
    case '\n': out.push_back('n'); break;
    case '\r': out.push_back('r'); break;
    case '\t': out.push_back('t'); break;
    default: out.push_back(text[special]);
    }
    begin = special + 1;
  }
  out.push_back('"');
}

template <class Range, class Append> void append_list(std::string& out, const Range& range, const Append& append) {
  out.push_back('[');
  bool first = true;
  for (const auto& element : range) {
    if (!first) out.push_back(',');
    first = false;
    append(element);
  }
  out.push_back(']');
}

// `inputs` are texts already: .drv paths, or base16 hashes when they are substituted.
std::string write(const Derivation& drv, const std::map<std::string, std::set<std::string>>& inputs,
                  std::string_view store_dir, bool mask_outputs) {
  std::string out = "Derive(";
  append_list(out, drv.outputs, [&](const auto& entry) {
    const auto& [id, output] = entry;
    out.push_back('(');
    append_string(out, id);
    out.push_back(',');
    append_string(out, mask_outputs || !output.path ? std::string{} : output.path->full(store_dir));
    out.push_back(',');
    append_string(out, output.method_algorithm);
    out.push_back(',');
    append_string(out, output.hash_base16);
    out.push_back(')');
  });
  out.push_back(',');
  append_list(out, inputs, [&](const auto& entry) {
    out.push_back('(');
    append_string(out, entry.first);
    out.push_back(',');
    append_list(out, entry.second, [&](const std::string& id) { append_string(out, id); });
    out.push_back(')');
  });
  out.push_back(',');
  append_list(out, drv.input_srcs, [&](const StorePath& path) { append_string(out, path.full(store_dir)); });
  out.push_back(',');
  append_string(out, drv.system);
  out.push_back(',');
  append_string(out, drv.builder);
  out.push_back(',');
  append_list(out, drv.args, [&](const std::string& arg) { append_string(out, arg); });
  out.push_back(',');
  append_list(out, drv.env, [&](const auto& entry) {
    out.push_back('(');
    append_string(out, entry.first);
    out.push_back(',');
    append_string(out, mask_outputs && drv.outputs.contains(entry.first) ? std::string_view{} : entry.second);
    out.push_back(')');
  });
  out.push_back(')');
  return out;
}

// --- reading

class Cursor {
public:
  explicit Cursor(std::string_view text) : text_(text) {}
  [[nodiscard]] size_t offset() const { return offset_; }
  [[nodiscard]] bool at_end() const { return offset_ == text_.size(); }
  [[nodiscard]] bool peek(char c) const { return offset_ < text_.size() && text_[offset_] == c; }

  Result<void> expect(std::string_view literal) {
    if (!text_.substr(offset_).starts_with(literal))
      return malformed("expected \"" + std::string{literal} + "\" but found " + found(), offset_);
    offset_ += literal.size();
    return {};
  }

  Result<std::string> string() {
    TRY_VOID(expect("\""));
    std::string value;
    while (true) {
      const size_t special = text_.find_first_of("\"\\\n\r\t", offset_);
      if (special == std::string_view::npos) return malformed("the string is not closed", text_.size());
      value.append(text_.substr(offset_, special - offset_));
      offset_ = special + 1;
      if (text_[special] == '"') return value;
      if (text_[special] != '\\') return malformed("an unescaped control character in a string", special);
      const char escaped = offset_ < text_.size() ? text_[offset_] : '\0';
      switch (escaped) {
      case 'n': value.push_back('\n'); break;
      case 'r': value.push_back('\r'); break;
      case 't': value.push_back('\t'); break;
      case '"':
      case '\\': value.push_back(escaped); break;
      default: return malformed("an escape other than \\\" \\\\ \\n \\r \\t", special);
      }
      ++offset_;
    }
  }

  // "[" element "," … "]", each read by `element(offset)`.
  template <class Element> Result<void> list(const Element& element) {
    TRY_VOID(expect("["));
    if (peek(']')) return expect("]");
    while (true) {
      TRY_VOID(element(offset_));
      if (peek(']')) return expect("]");
      TRY_VOID(expect(","));
    }
  }

private:
  [[nodiscard]] std::string found() const {
    return at_end() ? "the end" : "\"" + std::string{text_.substr(offset_, 16)} + "\"";
  }
  std::string_view text_;
  size_t offset_ = 0;
};

// Appends at the end of a sorted container: what would land elsewhere is out of order.
template <class Map, class Key> Result<void> check_order(const Map& map, const Key& key, std::string_view what,
                                                         size_t offset) {
  if (map.empty()) return {};
  const auto& last = [&]() -> const Key& {
    if constexpr (requires { typename Map::mapped_type; })
      return std::prev(map.end())->first;
    else
      return *std::prev(map.end());
  }();
  if (last < key) return {};
  return malformed(std::string{what} + (last == key ? " listed twice" : " out of order"), offset);
}

Result<StorePath> read_path(std::string_view text, std::string_view store_dir, size_t offset) {
  Result<StorePath> path = StorePath::parse(text, store_dir);
  if (!path) return malformed(std::move(path).error().message, offset);
  return path;
}

struct MethodAlgorithm {
  bool recursive = false;
  HashAlgorithm algorithm = HashAlgorithm::sha256;
};

Result<MethodAlgorithm> parse_method_algorithm(std::string_view text, size_t offset) {
  if (text.starts_with("text:") || text.starts_with("git:"))
    return std::unexpected(
        Error{ErrorCode::unsupported, "outputs hashed by \"" + std::string{text} + "\" are not supported", offset});
  const bool recursive = text.starts_with("r:");
  auto algorithm = parse_hash_algorithm(text.substr(recursive ? 2 : 0));
  if (!algorithm) return std::unexpected(Error{algorithm.error().code, std::move(algorithm).error().message, offset});
  return MethodAlgorithm{recursive, *algorithm};
}

Result<DerivationOutput> read_output(std::string_view path, std::string method_algorithm, std::string hash,
                                     std::string_view store_dir, size_t offset) {
  DerivationOutput output;
  if (!path.empty()) output.path = TRY(read_path(path, store_dir, offset));
  if (hash == "impure")
    return std::unexpected(Error{ErrorCode::unsupported, "impure derivations are not supported", offset});
  if (method_algorithm.empty() && !hash.empty())
    return malformed("an output with a hash but without its algorithm", offset);
  if (!method_algorithm.empty()) {
    const MethodAlgorithm method = TRY(parse_method_algorithm(method_algorithm, offset));
    if (!hash.empty()) {
      if (hash.size() != 2 * hash_size_bytes(method.algorithm) ||
          hash.find_first_not_of("0123456789abcdef") != std::string::npos)
        return malformed("a fixed output's hash is not " + std::to_string(2 * hash_size_bytes(method.algorithm)) +
                             " lower case base16 digits",
                         offset);
      if (!output.path) return malformed("a fixed output without its path", offset);
    } else if (output.path) {
      return malformed("a floating content-addressed output with a path", offset);
    }
  }
  output.method_algorithm = std::move(method_algorithm);
  output.hash_base16 = std::move(hash);
  return output;
}

} // namespace

Result<Derivation> Derivation::parse(std::string_view aterm, std::string_view name, std::string_view store_dir) {
  TRY_VOID(check_store_path_name(name));
  Derivation drv{.name = std::string{name}};
  Cursor cursor{aterm};
  if (aterm.starts_with("DrvWithVersion("))
    return std::unexpected(Error{ErrorCode::unsupported, "dynamic derivations (DrvWithVersion) are not supported", 0});
  TRY_VOID(cursor.expect("Derive("));

  TRY_VOID(cursor.list([&](size_t offset) -> Result<void> {
    TRY_VOID(cursor.expect("("));
    std::string id = TRY(cursor.string());
    if (id.empty()) return malformed("an output without a name", offset);
    if (const auto good = check_store_path_name(id); !good)
      return malformed("an output's name: " + good.error().message, offset);
    TRY_VOID(check_order(drv.outputs, id, "an output", offset));
    TRY_VOID(cursor.expect(","));
    const std::string path = TRY(cursor.string());
    TRY_VOID(cursor.expect(","));
    std::string method_algorithm = TRY(cursor.string());
    TRY_VOID(cursor.expect(","));
    std::string hash = TRY(cursor.string());
    TRY_VOID(cursor.expect(")"));
    DerivationOutput output = TRY(read_output(path, std::move(method_algorithm), std::move(hash), store_dir, offset));
    drv.outputs.emplace_hint(drv.outputs.end(), std::move(id), std::move(output));
    return {};
  }));
  if (drv.outputs.empty()) return malformed("a derivation without outputs", cursor.offset());
  TRY_VOID(cursor.expect(","));

  TRY_VOID(cursor.list([&](size_t offset) -> Result<void> {
    TRY_VOID(cursor.expect("("));
    const std::string text = TRY(cursor.string());
    StorePath path = TRY(read_path(text, store_dir, offset));
    if (!path.is_derivation()) return malformed("an input derivation whose name does not end in .drv", offset);
    TRY_VOID(check_order(drv.input_drvs, path, "an input derivation", offset));
    TRY_VOID(cursor.expect(","));
    std::set<std::string> ids;
    TRY_VOID(cursor.list([&](size_t id_offset) -> Result<void> {
      std::string id = TRY(cursor.string());
      TRY_VOID(check_order(ids, id, "an input's output", id_offset));
      ids.emplace_hint(ids.end(), std::move(id));
      return {};
    }));
    TRY_VOID(cursor.expect(")"));
    drv.input_drvs.emplace_hint(drv.input_drvs.end(), std::move(path), std::move(ids));
    return {};
  }));
  TRY_VOID(cursor.expect(","));

  TRY_VOID(cursor.list([&](size_t offset) -> Result<void> {
    const std::string text = TRY(cursor.string());
    StorePath path = TRY(read_path(text, store_dir, offset));
    TRY_VOID(check_order(drv.input_srcs, path, "an input source", offset));
    drv.input_srcs.emplace_hint(drv.input_srcs.end(), std::move(path));
    return {};
  }));
  TRY_VOID(cursor.expect(","));
  drv.system = TRY(cursor.string());
  TRY_VOID(cursor.expect(","));
  drv.builder = TRY(cursor.string());
  TRY_VOID(cursor.expect(","));
  TRY_VOID(cursor.list([&](size_t) -> Result<void> {
    drv.args.push_back(TRY(cursor.string()));
    return {};
  }));
  TRY_VOID(cursor.expect(","));
  TRY_VOID(cursor.list([&](size_t offset) -> Result<void> {
    TRY_VOID(cursor.expect("("));
    std::string key = TRY(cursor.string());
    TRY_VOID(check_order(drv.env, key, "an environment variable", offset));
    TRY_VOID(cursor.expect(","));
    std::string value = TRY(cursor.string());
    TRY_VOID(cursor.expect(")"));
    drv.env.emplace_hint(drv.env.end(), std::move(key), std::move(value));
    return {};
  }));
  TRY_VOID(cursor.expect(")"));
  if (!cursor.at_end()) return malformed("bytes after the derivation's end", cursor.offset());
  return drv;
}

std::string Derivation::to_aterm(std::string_view store_dir, bool mask_outputs) const {
  std::map<std::string, std::set<std::string>> inputs;
  for (const auto& [path, ids] : input_drvs) inputs.emplace_hint(inputs.end(), path.full(store_dir), ids);
  return write(*this, inputs, store_dir, mask_outputs);
}

bool Derivation::is_fixed_output() const {
  return outputs.size() == 1 && outputs.begin()->first == "out" && outputs.begin()->second.is_fixed();
}

Result<StorePath> Derivation::drv_path(std::string_view store_dir) const {
  return make_text_path(name + ".drv", as_bytes(to_aterm(store_dir)), inputs(), store_dir);
}

StorePathSet Derivation::inputs() const {
  StorePathSet paths = input_srcs;
  for (const auto& [path, ids] : input_drvs) paths.insert(path);
  return paths;
}

Result<Derivation> Derivation::parse_file(std::string_view aterm, const StorePath& drv_path,
                                          std::string_view store_dir) {
  constexpr std::string_view kExtension = ".drv";
  if (!drv_path.is_derivation()) return malformed("the name of a derivation ends in .drv", kNoOffset);
  return parse(aterm, drv_path.name().substr(0, drv_path.name().size() - kExtension.size()), store_dir);
}

DerivationHashes::DerivationHashes(Loader load, std::string store_dir)
    : load_(std::move(load)), store_dir_(std::move(store_dir)) {}

// The inputs become a map keyed by their hash: it sorts anew, and two derivations with one hash become one entry with
// the outputs of both.
Hash DerivationHashes::hash_with_inputs(const Derivation& derivation, bool mask_outputs) const {
  if (derivation.is_fixed_output()) {
    const DerivationOutput& out = derivation.outputs.begin()->second;
    return hash_text("fixed:out:" + out.method_algorithm + ":" + out.hash_base16 + ":" +
                     (out.path ? out.path->full(store_dir_) : std::string{}));
  }
  std::map<std::string, std::set<std::string>> inputs;
  for (const auto& [path, ids] : derivation.input_drvs)
    inputs[unmasked_.at(path).base16()].insert(ids.begin(), ids.end());
  return hash_text(write(derivation, inputs, store_dir_, mask_outputs));
}

Result<void> DerivationHashes::hash_inputs(const Derivation& derivation) {
  struct Frame {
    StorePath path;
    Derivation drv;
    std::map<StorePath, std::set<std::string>>::const_iterator next;
  };
  std::vector<std::unique_ptr<Frame>> stack; // frames do not move: `next` points into `drv`
  StorePathSet open;
  const auto refuse_floating = [](const Derivation& drv, const StorePath& path) -> Result<void> {
    for (const auto& [id, output] : drv.outputs) {
      if (!output.path)
        return std::unexpected(
            Error{ErrorCode::unsupported, "output \"" + id + "\" of " + path.base_name() +
                                              " has no path before it is built (content-addressed or deferred)"});
    }
    return {};
  };
  for (const auto& [root, ids] : derivation.input_drvs) {
    const StorePath* wanted = &root;
    while (wanted != nullptr) {
      if (!unmasked_.contains(*wanted)) {
        if (!open.insert(*wanted).second)
          return std::unexpected(Error{ErrorCode::invalid, wanted->base_name() + " depends on itself"});
        auto frame = std::make_unique<Frame>(*wanted, TRY(load_(*wanted)));
        TRY_VOID(refuse_floating(frame->drv, frame->path));
        // What a fixed-output derivation was made from is no part of its hash.
        frame->next = frame->drv.is_fixed_output() ? frame->drv.input_drvs.end() : frame->drv.input_drvs.begin();
        stack.push_back(std::move(frame));
      }
      wanted = nullptr;
      while (!stack.empty() && wanted == nullptr) {
        Frame& top = *stack.back();
        if (top.next != top.drv.input_drvs.end()) {
          wanted = &(top.next++)->first;
        } else {
          unmasked_.emplace(top.path, hash_with_inputs(top.drv, false));
          open.erase(top.path);
          stack.pop_back();
        }
      }
    }
  }
  return {};
}

Result<Hash> DerivationHashes::hash_modulo(const Derivation& derivation) {
  if (!derivation.is_fixed_output()) TRY_VOID(hash_inputs(derivation));
  return hash_with_inputs(derivation, true);
}

Result<void> DerivationHashes::remember(const StorePath& drv_path, const Derivation& derivation) {
  if (unmasked_.contains(drv_path)) return {};
  for (const auto& [id, output] : derivation.outputs) {
    if (!output.path)
      return std::unexpected(
          Error{ErrorCode::invalid, "output \"" + id + "\" of " + drv_path.base_name() + " has no path yet"});
  }
  if (!derivation.is_fixed_output()) TRY_VOID(hash_inputs(derivation));
  unmasked_.emplace(drv_path, hash_with_inputs(derivation, false));
  return {};
}

Result<void> DerivationHashes::fill_output_paths(Derivation& derivation) {
  if (derivation.outputs.empty()) return std::unexpected(Error{ErrorCode::invalid, "a derivation without outputs"});
  bool input_addressed = false;
  for (auto& [id, output] : derivation.outputs) {
    if (!output.method_algorithm.empty() && !output.is_fixed())
      return std::unexpected(Error{ErrorCode::unsupported, "floating content-addressed outputs are not supported"});
    if (output.is_fixed() && !(derivation.outputs.size() == 1 && id == "out"))
      return std::unexpected(Error{ErrorCode::invalid, "a fixed-output derivation has one output, \"out\""});
    input_addressed |= !output.is_fixed();
    derivation.env[id].clear(); // part of the text that is hashed, even when masked
  }
  if (!input_addressed) {
    DerivationOutput& out = derivation.outputs.begin()->second;
    const MethodAlgorithm method = TRY(parse_method_algorithm(out.method_algorithm, kNoOffset));
    const Hash hash = TRY(Hash::parse(out.hash_base16, method.algorithm));
    out.hash_base16 = hash.base16();
    out.path = TRY(make_fixed_output_path(derivation.name, method.recursive, hash, store_dir_));
    derivation.env["out"] = out.path->full(store_dir_);
    return {};
  }
  const Hash modulo = TRY(hash_modulo(derivation));
  for (auto& [id, output] : derivation.outputs) {
    output.path = TRY(make_output_path(derivation.name, id, modulo, store_dir_));
    derivation.env[id] = output.path->full(store_dir_);
  }
  return {};
}

Result<void> DerivationHashes::check_output_paths(const Derivation& derivation) {
  if (std::ranges::none_of(derivation.outputs, [](const auto& output) { return output.second.path.has_value(); }))
    return {};
  Derivation derived = derivation;
  for (auto& [id, output] : derived.outputs) {
    output.path.reset();
    derived.env[id].clear();
  }
  TRY_VOID(fill_output_paths(derived));
  for (const auto& [id, output] : derivation.outputs) {
    const StorePath& follows = *derived.outputs.at(id).path;
    const auto mismatch = [&](const std::string& stated) {
      return std::unexpected(Error{ErrorCode::mismatch, "its output \"" + id + "\" is stated as " + stated +
                                                            ", but from what it says follows " +
                                                            follows.full(store_dir_)});
    };
    if (output.path != follows) return mismatch(output.path ? output.path->full(store_dir_) : "unknown");
    const auto variable = derivation.env.find(id);
    if (variable == derivation.env.end() || variable->second != follows.full(store_dir_))
      return mismatch(variable == derivation.env.end() ? "nothing in its environment"
                                                       : "\"" + variable->second + "\" in its environment");
    if (follows.is_derivation())
      return std::unexpected(
          Error{ErrorCode::mismatch, "its output \"" + id + "\" would have the name of a derivation"});
  }
  return {};
}

Result<Derivation> DerivationHashes::admit(std::string_view text, const StorePath& drv_path) {
  const auto refuse = [](std::string why) {
    return std::unexpected(Error{.code = ErrorCode::mismatch, .message = std::move(why)});
  };
  Result<Derivation> derivation = Derivation::parse_file(text, drv_path, store_dir_);
  if (!derivation) return refuse(derivation.error().describe("its text"));
  if (const Result<StorePath> path = derivation->drv_path(store_dir_); !path || *path != drv_path)
    return refuse("its text has another path" + (path ? ", " + path->full(store_dir_) : std::string{}));
  if (const Result<void> outputs = check_output_paths(*derivation); !outputs) return refuse(outputs.error().message);
  return derivation;
}

} // namespace store
