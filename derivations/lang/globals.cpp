// What every text can name: the builtins, and `derivation`, which is written in the language.
#include "derivations/lang/machine.hpp"
#include <algorithm>
#include <ctime>

namespace lang {

std::vector<std::string_view> Machine::global_names() const {
  std::vector<std::string_view> names_list;
  for (const auto& [id, value] : globals_)
    if (!symbols.text({id}).starts_with("__")) names_list.push_back(symbols.text({id}));
  return names_list;
}

// What `derivation` is, in the language itself: one derivationStrict, shared by the sets of all outputs.
static constexpr std::string_view kDerivationSource = R"(
drvAttrs@{ outputs ? [ "out" ], ... }:
let
  strict = derivationStrict drvAttrs;
  byOutput = map (outputName: {
    name = outputName;
    value = shared // {
      outPath = builtins.getAttr outputName strict;
      drvPath = strict.drvPath;
      type = "derivation";
      inherit outputName;
    };
  }) outputs;
  shared = drvAttrs // builtins.listToAttrs byOutput // {
    all = map (output: output.value) byOutput;
    inherit drvAttrs;
  };
in (builtins.head byOutput).value
)";

// Every builtin is in `builtins`, and globally with two underscores before its name. These few are global by their
// own names.
void Machine::add_globals(const BuiltinTables& tables) {
  static constexpr std::string_view kGlobal[] = {
      "abort", "baseNameOf",  "derivationStrict", "dirOf",        "import", "isNull",
      "map",   "placeholder", "removeAttrs",      "scopedImport", "throw",  "toString"};
  std::vector<Attr> all;
  const auto add = [&](std::string_view name, Value* value, bool global_name) {
    const Symbol symbol = symbols.intern(name);
    all.push_back({symbol, {}, value});
    globals_[symbols.intern("__" + std::string{name}).id] = value;
    if (global_name) globals_[symbol.id] = value;
  };
  for (const auto& group : tables)
    for (const Primop& primop : group)
      add(primop.name, box(Value::make(Tag::primop, nullptr, &primop)),
          std::ranges::find(kGlobal, primop.name) != std::end(kGlobal));
  add("true", box(Value::of_boolean(true)), true);
  add("false", box(Value::of_boolean(false)), true);
  add("null", box(Value::of_null()), true);
  add("storeDir", box(make_string(options.store_dir)), false);
  add("nixVersion", box(make_string("2.18.0")), false);
  add("langVersion", box(Value::of_integer(6)), false);
  if (!options.pure) {
    add("currentSystem", box(make_string(options.current_system)), false);
    add("currentTime", box(Value::of_integer(std::time(nullptr))), false);
  }

  Value** entries = new_list(options.search_path.size());
  for (size_t i = 0; i < options.search_path.size(); ++i) {
    Bindings* entry = new_bindings(2);
    entry->items[0] = {names.path, {}, box(make_string(options.search_path[i].second.string()))};
    entry->items[1] = {names.prefix, {}, box(make_string(options.search_path[i].first))};
    entry->size = 2;
    sort(*entry);
    entries[i] = box(Value::of_attrs(entry));
  }
  add("nixPath", box(Value::of_list(entries, options.search_path.size())), false);

  auto* set = box(Value::of_null());
  builtins_ = set;
  all.push_back({symbols.intern("builtins"), {}, set});
  globals_[symbols.intern("builtins").id] = set;
  auto* derivation = box(Value::of_null());
  all.push_back({names.derivation, {}, derivation});
  globals_[names.derivation.id] = derivation;

  Bindings* bindings = new_bindings(all.size());
  std::ranges::copy(all, bindings->items);
  bindings->size = static_cast<uint32_t>(all.size());
  sort(*bindings);
  *set = Value::of_attrs(bindings);

  const Source& source = sources.add("«derivation»", std::string{kDerivationSource}, false);
  *derivation = run([&] { return files.eval_source(source, "/", nullptr); });
}

} // namespace lang
