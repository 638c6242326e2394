// derivationStrict: from a set of attributes to a derivation in the store. `derivation` itself is a wrapper in the
// language (globals.cpp) around this.
//
// Every attribute becomes an environment variable (strings coerced, paths copied), or all of them one JSON text with
// __structuredAttrs. What the strings refer to (their contexts) become the inputs. The text of the result, and with it
// every path, equals Nix's to the byte.
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/coerce.hpp"
#include "derivations/lang/json.hpp"
#include "derivations/lang/machine.hpp"
#include "store/format/encoding.hpp"

namespace lang {

namespace {

// The attributes that mean something besides becoming part of the environment.
struct Parts {
  store::Derivation derivation;
  std::vector<std::string> outputs{"out"};
  std::optional<std::string> hash;
  std::string hash_algorithm;
  bool recursive = false;
  bool structured = false;
  ContextBuilder context;
};

class DerivationMaker {
public:
  DerivationMaker(Machine& m, Pos pos, const Bindings& attrs) : m_(m), attrs_(attrs) {
    const Attr& name = m.need_attr(attrs, m.names.name, pos, "the argument of derivation");
    pos_ = name.pos ? name.pos : pos;
    p_.derivation.name = m.to_plain_string(name.value, pos_);
  }

  Value make() {
    FrameGuard guard{m_, pos_, "while evaluating the derivation ", p_.derivation.name};
    bool ignore_nulls = false;
    if (const Attr* attr = attrs_.find(m_.names.structured_attrs))
      p_.structured = m_.to_boolean(attr->value, at(*attr));
    if (const Attr* attr = attrs_.find(m_.names.ignore_nulls)) ignore_nulls = m_.to_boolean(attr->value, at(*attr));
    std::string json = "{";
    for (const Attr* attr : m_.by_name(attrs_)) {
      if (attr->name == m_.names.ignore_nulls) continue;
      FrameGuard attr_guard{m_, at(*attr), "while evaluating the attribute ", m_.symbols.text(attr->name)};
      if (!(ignore_nulls && m_.force(attr->value, at(*attr)).is(Tag::null))) add(*attr, json);
      attr_guard.done();
    }
    if (p_.structured) p_.derivation.env["__json"] = json + "}";
    check();
    add_inputs();
    const Value result = finish();
    guard.done();
    return result;
  }

private:
  [[nodiscard]] Pos at(const Attr& attr) const { return attr.pos ? attr.pos : pos_; }
  [[noreturn]] void fail(ErrorKind kind, Pos pos, const std::string& message, std::string hint = {}) {
    m_.fail(kind, pos, message, std::move(hint));
  }

  void add(const Attr& attr, std::string& json) {
    const Names& names = m_.names;
    const Pos pos = at(attr);
    if (attr.name == names.content_addressed || attr.name == names.impure) {
      if (m_.to_boolean(attr.value, pos))
        fail(ErrorKind::unsupported, pos,
             "derivations with " + std::string{m_.symbols.text(attr.name)} + " = true are not supported",
             "a derivation whose outputs are known by their hash has outputHash");
    } else if (attr.name == names.args) {
      for (Value* item : m_.to_list(attr.value, pos))
        p_.derivation.args.emplace_back(
            coerce(m_, m_.force(item, pos), pos, p_.context, Coerce::more | Coerce::copy_to_store));
    } else if (p_.structured) {
      if (attr.name != names.structured_attrs) add_structured(attr, json);
    } else {
      const std::string_view text =
          coerce(m_, m_.force(attr.value, pos), pos, p_.context, Coerce::more | Coerce::copy_to_store);
      p_.derivation.env.insert_or_assign(std::string{m_.symbols.text(attr.name)}, std::string{text});
      if (attr.name == names.builder) p_.derivation.builder = text;
      if (attr.name == names.system) p_.derivation.system = text;
      if (attr.name == names.output_hash) p_.hash = text;
      if (attr.name == names.output_hash_algo) p_.hash_algorithm = text;
      if (attr.name == names.output_hash_mode) set_mode(text, pos);
      if (attr.name == names.outputs) set_outputs(words(text), pos);
    }
  }

  void add_structured(const Attr& attr, std::string& json) {
    const Names& names = m_.names;
    const Pos pos = at(attr);
    if (json.size() > 1) json += ',';
    Value key = m_.make_string(m_.symbols.text(attr.name));
    print_json(m_, json, &key, pos, p_.context, true);
    json += ':';
    print_json(m_, json, attr.value, pos, p_.context, true);
    if (attr.name == names.builder) p_.derivation.builder = m_.to_string(attr.value, pos, &p_.context);
    if (attr.name == names.system) p_.derivation.system = m_.to_plain_string(attr.value, pos);
    if (attr.name == names.output_hash) p_.hash = m_.to_plain_string(attr.value, pos);
    if (attr.name == names.output_hash_algo) p_.hash_algorithm = m_.to_plain_string(attr.value, pos);
    if (attr.name == names.output_hash_mode) set_mode(m_.to_plain_string(attr.value, pos), pos);
    if (attr.name == names.outputs) {
      std::vector<std::string> outputs;
      for (Value* item : m_.to_list(attr.value, pos)) outputs.emplace_back(m_.to_plain_string(item, pos));
      set_outputs(std::move(outputs), pos);
    }
  }

  static std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> result;
    for (size_t start; (start = text.find_first_not_of(" \t\n\r")) != std::string_view::npos;) {
      text.remove_prefix(start);
      const size_t end = std::min(text.find_first_of(" \t\n\r"), text.size());
      result.emplace_back(text.substr(0, end));
      text.remove_prefix(end);
    }
    return result;
  }

  void set_mode(std::string_view mode, Pos pos) {
    if (mode != "recursive" && mode != "flat")
      fail(ErrorKind::value, pos, "invalid value '" + std::string{mode} + "' for outputHashMode",
           "it is \"flat\" or \"recursive\"");
    p_.recursive = mode == "recursive";
  }

  void set_outputs(std::vector<std::string> outputs, Pos pos) {
    std::set<std::string_view> seen;
    for (const std::string& output : outputs) {
      if (!seen.insert(output).second) fail(ErrorKind::value, pos, "duplicate derivation output '" + output + "'");
      if (output == "drv")
        fail(ErrorKind::value, pos, "a derivation output cannot be named 'drv'", "drvPath is the derivation itself");
      if (const auto good = store::check_store_path_name(output); !good)
        fail(ErrorKind::value, pos, good.error().describe("derivation output '" + output + "'"));
    }
    if (outputs.empty()) fail(ErrorKind::value, pos, "a derivation cannot have an empty set of outputs");
    p_.outputs = std::move(outputs);
  }

  void check() {
    const std::string& name = p_.derivation.name;
    if (p_.derivation.builder.empty())
      fail(ErrorKind::missing_attribute, pos_, "required attribute 'builder' missing in the derivation '" + name + "'");
    if (p_.derivation.system.empty())
      fail(ErrorKind::missing_attribute, pos_, "required attribute 'system' missing in the derivation '" + name + "'");
    if (name.ends_with(".drv"))
      fail(ErrorKind::value, pos_, "derivation names are not allowed to end in '.drv', but '" + name + "' does");
    if (const auto good = store::check_store_path_name(name); !good)
      fail(ErrorKind::value, pos_, good.error().describe("derivation name '" + name + "'"));
  }

  // What the strings refer to.
  void add_inputs() {
    for (const Symbol symbol : p_.context.elements()) {
      ContextElement element = m_.context_element(symbol);
      switch (element.kind) {
      case ContextElement::Kind::path: p_.derivation.input_srcs.insert(element.path); break;
      case ContextElement::Kind::output:
        p_.derivation.input_drvs[element.path].insert(std::move(element.output));
        break;
      case ContextElement::Kind::derivation: add_with_outputs(element.path); break;
      }
    }
  }

  // A .drv file, all that it refers to, and the outputs of every derivation among them.
  void add_with_outputs(const store::StorePath& drv) {
    store::StorePathSet seen;
    std::vector<store::StorePath> work{drv};
    while (!work.empty()) {
      const store::StorePath path = work.back();
      work.pop_back();
      if (!seen.insert(path).second) continue;
      p_.derivation.input_srcs.insert(path);
      m_.with_store(pos_, [&] {
        if (path.is_derivation())
          for (const auto& [id, output] : m_.store.read_derivation(path).outputs)
            p_.derivation.input_drvs[path].insert(id);
        for (const store::StorePath& reference : m_.store.references(path)) work.push_back(reference);
      });
    }
  }

  void set_fixed_output() {
    if (p_.outputs != std::vector<std::string>{"out"})
      fail(ErrorKind::value, pos_, "multiple outputs are not supported in fixed-output derivations");
    std::optional<store::HashAlgorithm> algorithm;
    if (!p_.hash_algorithm.empty()) {
      const auto known = store::parse_hash_algorithm(p_.hash_algorithm);
      if (!known)
        fail(ErrorKind::value, pos_, "unknown hash algorithm '" + p_.hash_algorithm + "'",
             "known are md5, sha1, sha256 and sha512");
      algorithm = *known;
    }
    store::Hash hash;
    if (p_.hash->empty()) { // all zeroes: to be told the real one by the build
      if (!algorithm) fail(ErrorKind::value, pos_, "an empty outputHash needs an outputHashAlgo");
      hash.algorithm = *algorithm;
    } else {
      auto parsed = algorithm ? store::Hash::parse(*p_.hash, *algorithm) : store::Hash::parse(*p_.hash);
      if (!parsed) fail(ErrorKind::value, pos_, parsed.error().describe("outputHash '" + *p_.hash + "'"));
      hash = *parsed;
    }
    store::DerivationOutput output;
    output.method_algorithm = (p_.recursive ? "r:" : "") + std::string{store::to_string(hash.algorithm)};
    output.hash_base16 = hash.base16();
    p_.derivation.outputs.emplace("out", std::move(output));
  }

  Value finish() {
    if (p_.hash)
      set_fixed_output();
    else
      for (const std::string& id : p_.outputs) p_.derivation.outputs.emplace(id, store::DerivationOutput{});
    for (const std::string& id : p_.outputs) p_.derivation.env[id] = "";
    return m_.with_store(pos_, [&] {
      const store::StorePath drv_path = m_.store.add_derivation(p_.derivation);
      Bindings* result = m_.new_bindings(1 + p_.outputs.size());
      result->items[result->size++] = {
          m_.names.drv_path,
          {},
          m_.box(m_.make_string(m_.full(drv_path), {.kind = ContextElement::Kind::derivation, .path = drv_path}))};
      for (const auto& [id, output] : p_.derivation.outputs) {
        result->items[result->size++] = {
            m_.symbols.intern(id),
            {},
            m_.box(m_.make_string(m_.full(*output.path),
                                  {.kind = ContextElement::Kind::output, .path = drv_path, .output = id}))};
      }
      Machine::sort(*result);
      return Value::of_attrs(result);
    });
  }

  Machine& m_;
  const Bindings& attrs_;
  Pos pos_;
  Parts p_;
};

Value derivation_strict(Machine& m, Pos pos, Value** args) {
  return DerivationMaker{m, pos, m.to_attrs(args[0], pos)}.make();
}

// What stands for the path of an own output until the builder's environment is made.
Value placeholder(Machine& m, Pos pos, Value** args) {
  const std::string text = "nix-output:" + std::string{m.to_plain_string(args[0], pos)};
  return m.make_string("/" + store::hash_text(text).nix32());
}

constexpr Primop kBuiltins[] = {
    {"derivationStrict", 1, derivation_strict, "attrs",
     "Writes a derivation to the store: { drvPath; and the path of every output by its name; }. `derivation` is the "
     "convenient form."},
    {"placeholder", 1, placeholder, "output",
     "A text that becomes the path of the output `output` in the builder's environment."},
};

} // namespace

std::span<const Primop> derivation_builtins() { return kBuiltins; }

} // namespace lang
