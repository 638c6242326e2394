// The public face over the machine: everything that may evaluate runs on the evaluator's stack.
#include "derivations/lang/evaluator.hpp"
#include "derivations/lang/builtins/builtins.hpp"
#include "derivations/lang/coerce.hpp"
#include "derivations/lang/json.hpp"
#include "derivations/lang/machine.hpp"
#include "derivations/lang/paths.hpp"
#include "store/base/suggest.hpp"

namespace lang {

Evaluator::Evaluator(EvalStore& store, EvalOptions options)
    : machine_(std::make_unique<Machine>(store, std::move(options), all_builtins())) {}
Evaluator::~Evaluator() = default;

// --- evaluate

Value* Evaluator::eval_string(std::string_view text, const std::filesystem::path& base_dir, std::string_view name) {
  Machine& m = *machine_;
  return m.run([&] {
    const Source& source = m.sources.add(std::string{name}, std::string{text}, false);
    return m.box(m.files.eval_source(source, canonical_path(std::filesystem::absolute(base_dir).string()), nullptr));
  });
}

Value* Evaluator::eval_file(const std::filesystem::path& path) {
  Machine& m = *machine_;
  return m.run(
      [&] { return m.box(m.files.import_file(canonical_path(std::filesystem::absolute(path).string()), {})); });
}

Value* Evaluator::call(Value* function, Value* argument) {
  Machine& m = *machine_;
  return m.run([&] { return m.box(m.apply(function, argument, {})); });
}

static const Bindings& bindings_of(Machine& m, const std::map<std::string, Value*>& attributes) {
  Bindings* bindings = m.new_bindings(attributes.size());
  for (const auto& [name, value] : attributes) bindings->items[bindings->size++] = {m.symbols.intern(name), {}, value};
  Machine::sort(*bindings);
  return *bindings;
}

Value* Evaluator::auto_call(Value* value, const std::map<std::string, Value*>& arguments) {
  Machine& m = *machine_;
  return m.run([&] { return m.box(m.auto_call(m.force(value), bindings_of(m, arguments))); });
}

// a."b c".0 into its steps.
static std::vector<std::string> split_attribute_path(std::string_view path) {
  std::vector<std::string> steps;
  if (path.empty()) return steps;
  std::string step;
  bool quoted = false;
  for (const char c : path) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '.' && !quoted) {
      steps.push_back(std::exchange(step, {}));
    } else {
      step += c;
    }
  }
  if (quoted)
    throw EvalError(ErrorKind::value, "missing closing quote in the attribute path '" + std::string{path} + "'");
  steps.push_back(step);
  return steps;
}

Value* Evaluator::select(Value* value, std::string_view attribute_path,
                         const std::map<std::string, Value*>& arguments) {
  Machine& m = *machine_;
  const std::vector<std::string> steps = split_attribute_path(attribute_path);
  return m.run([&] {
    const Bindings& given = bindings_of(m, arguments);
    Value current = m.auto_call(m.force(value), given);
    for (const std::string& step : steps) {
      if (step.empty()) m.fail(ErrorKind::value, {}, "empty attribute name in '" + std::string{attribute_path} + "'");
      if (current.is(Tag::list) && std::ranges::all_of(step, [](char c) { return c >= '0' && c <= '9'; })) {
        const auto items = current.list();
        const size_t index = step.size() > 18 ? SIZE_MAX : static_cast<size_t>(std::stoull(step));
        if (index >= items.size())
          m.fail(ErrorKind::missing_attribute, {},
                 "list index " + step + " in '" + std::string{attribute_path} + "' is out of range: the list has " +
                     std::to_string(items.size()) + " elements");
        current = m.force(items[index]);
      } else {
        if (!current.is(Tag::attrs))
          m.fail(ErrorKind::type, {},
                 "cannot select '" + step + "' of '" + std::string{attribute_path} + "' from " +
                     m.describe_type(current));
        const Attr* attr = current.attrs().find(m.symbols.intern(step));
        if (!attr) {
          std::vector<std::string_view> names;
          for (const Attr& a : current.attrs()) names.push_back(m.symbols.text(a.name));
          const std::string nearest = store::nearest_name(step, names);
          m.fail(ErrorKind::missing_attribute, {},
                 "attribute '" + step + "' of '" + std::string{attribute_path} + "' missing",
                 nearest.empty() ? "" : "did you mean '" + nearest + "'?");
        }
        current = m.force(attr->value);
      }
      current = m.auto_call(current, given);
    }
    return m.box(current);
  });
}

static ValueType type_of(Value v) {
  switch (v.tag()) {
  case Tag::integer: return ValueType::integer;
  case Tag::floating: return ValueType::floating;
  case Tag::boolean: return ValueType::boolean;
  case Tag::null: return ValueType::null;
  case Tag::string: return ValueType::string;
  case Tag::path: return ValueType::path;
  case Tag::attrs: return ValueType::attrs;
  case Tag::list: return ValueType::list;
  case Tag::lambda:
  case Tag::primop:
  case Tag::partial:
  case Tag::thunk:
  case Tag::apply:
  case Tag::blackhole: return ValueType::function;
  }
  return ValueType::null;
}

ValueType Evaluator::force(Value* value) {
  Machine& m = *machine_;
  if (value->evaluated()) return type_of(*value);
  return m.run([&] { return type_of(m.force(value)); });
}

void Evaluator::force_deep(Value* value) {
  machine_->run([&] { machine_->force_deep(value, {}); });
}

// --- look

static Value need(Evaluator& evaluator, Machine& m, Value* value, ValueType type, std::string_view wanted) {
  if (evaluator.force(value) != type) m.wrong_type({}, wanted, *value);
  return *value;
}

int64_t Evaluator::integer(Value* value) {
  return need(*this, *machine_, value, ValueType::integer, "an integer").integer();
}
double Evaluator::floating(Value* value) {
  return need(*this, *machine_, value, ValueType::floating, "a float").floating();
}
bool Evaluator::boolean(Value* value) {
  return need(*this, *machine_, value, ValueType::boolean, "a Boolean").boolean();
}
std::string Evaluator::string(Value* value) {
  return std::string{need(*this, *machine_, value, ValueType::string, "a string").string()};
}
std::set<ContextElement> Evaluator::string_context(Value* value) {
  std::set<ContextElement> result;
  if (const Context* context = need(*this, *machine_, value, ValueType::string, "a string").context())
    for (const Symbol element : context->span()) result.insert(machine_->context_element(element));
  return result;
}
std::filesystem::path Evaluator::path(Value* value) {
  return need(*this, *machine_, value, ValueType::path, "a path").string();
}
std::span<Value* const> Evaluator::list(Value* value) {
  return need(*this, *machine_, value, ValueType::list, "a list").list();
}

std::vector<std::string> Evaluator::attribute_names(Value* value) {
  std::vector<std::string> names;
  for (const Attr* attr : machine_->by_name(need(*this, *machine_, value, ValueType::attrs, "a set").attrs()))
    names.emplace_back(machine_->symbols.text(attr->name));
  return names;
}

Value* Evaluator::attribute(Value* value, std::string_view name) {
  const Value set = need(*this, *machine_, value, ValueType::attrs, "a set");
  const Symbol symbol = machine_->symbols.find(name);
  const Attr* attr = symbol ? set.attrs().find(symbol) : nullptr;
  return attr ? attr->value : nullptr;
}

std::map<std::string, bool> Evaluator::function_arguments(Value* value) {
  const Value function = need(*this, *machine_, value, ValueType::function, "a function");
  std::map<std::string, bool> result;
  if (!function.is(Tag::lambda)) return result;
  const auto& lambda = *function.pointer<const LambdaExpr>();
  for (uint32_t i = 0; i < lambda.formal_count; ++i)
    result.emplace(machine_->symbols.text(lambda.formals[i].name), lambda.formals[i].fallback != nullptr);
  return result;
}

std::optional<DerivationInfo> Evaluator::derivation(Value* value) {
  Machine& m = *machine_;
  return m.run([&]() -> std::optional<DerivationInfo> {
    const Value set = m.force(value);
    if (!m.is_derivation(set, {})) return std::nullopt;
    const auto path_of = [&](const Attr* attr, std::string_view what) {
      if (!attr)
        m.fail(ErrorKind::missing_attribute, {}, "attribute '" + std::string{what} + "' missing in a derivation");
      ContextBuilder context;
      return std::string{coerce(m, m.force(attr->value, attr->pos), attr->pos, context, Coerce::plain)};
    };
    const std::string drv = path_of(set.attrs().find(m.names.drv_path), "drvPath");
    DerivationInfo info{{}, m.store_path_of(drv, {}), {}, "out"};
    if (const Attr* name = set.attrs().find(m.names.name)) info.name = m.to_string(name->value, name->pos, nullptr);
    if (const Attr* output = set.attrs().find(m.names.output_name))
      info.output_name = m.to_string(output->value, output->pos, nullptr);
    const store::Derivation derivation = m.with_store({}, [&] { return m.store.read_derivation(info.drv_path); });
    for (const auto& [id, output] : derivation.outputs)
      if (output.path) info.outputs.emplace(id, *output.path);
    if (!info.outputs.contains(info.output_name)) // a set that only looks like one of its outputs
      if (const Attr* out = set.attrs().find(m.names.out_path))
        info.outputs.emplace(info.output_name, m.store_path_of(path_of(out, "outPath"), {}));
    return info;
  });
}

// --- print

std::string Evaluator::print(Value* value, bool deep) {
  Machine& m = *machine_;
  return m.run([&] {
    if (deep)
      m.force_deep(value, {});
    else
      (void)m.force(value);
    std::string out;
    std::set<const void*> seen;
    m.print(out, *value, seen);
    return out;
  });
}

std::string Evaluator::to_json(Value* value, std::set<ContextElement>* context) {
  Machine& m = *machine_;
  return m.run([&] {
    std::string out;
    ContextBuilder builder;
    print_json(m, out, value, {}, builder, true);
    if (context)
      for (const Symbol element : builder.elements()) context->insert(m.context_element(element));
    return out;
  });
}

// --- make

Value* Evaluator::make_integer(int64_t number) { return machine_->box(Value::of_integer(number)); }
Value* Evaluator::make_floating(double number) { return machine_->box(Value::of_floating(number)); }
Value* Evaluator::make_boolean(bool value) { return machine_->box(Value::of_boolean(value)); }
Value* Evaluator::make_null() { return machine_->box(Value::of_null()); }
Value* Evaluator::make_string(std::string_view text, const std::set<ContextElement>& context) {
  ContextBuilder builder;
  for (const ContextElement& element : context) builder.add(machine_->context_symbol(element));
  return machine_->box(machine_->make_string(text, builder.finish(machine_->arena)));
}
Value* Evaluator::make_path(const std::filesystem::path& path) {
  return machine_->box(machine_->make_path(canonical_path(std::filesystem::absolute(path).string())));
}
Value* Evaluator::make_list(std::span<Value* const> items) {
  Value** copy = machine_->new_list(items.size());
  std::ranges::copy(items, copy);
  return machine_->box(Value::of_list(copy, items.size()));
}
Value* Evaluator::make_attrs(const std::map<std::string, Value*>& attributes) {
  return machine_->box(Value::of_attrs(&bindings_of(*machine_, attributes)));
}

EvalStatistics Evaluator::statistics() const {
  EvalStatistics result = machine_->statistics;
  result.symbols = machine_->symbols.size();
  result.allocated_bytes = machine_->arena.allocated_bytes();
  return result;
}

// --- documentation

std::vector<BuiltinDoc> builtin_docs() {
  std::vector<BuiltinDoc> docs{
      {"builtins", {}, "The set of all builtins."},
      {"true", {}, "The Boolean true."},
      {"false", {}, "The Boolean false."},
      {"null", {}, "The value null."},
      {"derivation",
       {"attrs"},
       "A derivation: a set with `type = \"derivation\"`, the given attributes, `drvPath`, and an "
       "attribute for every output, each with its `outPath`."},
      {"storeDir", {}, "The logical store directory."},
      {"nixVersion", {}, "The version of Nix whose language this is."},
      {"langVersion", {}, "The version of the language."},
      {"nixPath", {}, "The search path that <…> uses: a list of sets { path, prefix }."},
      {"currentSystem", {}, "The system of this machine. Not there in pure evaluation."},
      {"currentTime", {}, "Seconds since 1970 when evaluation began. Not there in pure evaluation."},
  };
  for (const auto& group : all_builtins())
    for (const Primop& primop : group) {
      BuiltinDoc doc{primop.name, {}, primop.text};
      for (std::string_view rest = primop.arguments; !rest.empty();) {
        const size_t blank = std::min(rest.find(' '), rest.size());
        doc.arguments.push_back(rest.substr(0, blank));
        rest.remove_prefix(std::min(blank + 1, rest.size()));
      }
      docs.push_back(std::move(doc));
    }
  std::ranges::sort(docs, {}, &BuiltinDoc::name);
  return docs;
}

} // namespace lang
