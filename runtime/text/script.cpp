// Test scripts (.wast): commands are run one after the other as they are read. What a command asserts is that an error
// of the right kind comes, not the reference interpreter's words; of traps also the code, by its message.
#include "runtime/text/code_parser.hpp"
#include "runtime/text/module_parser.hpp"
#include "runtime/text/script_values.hpp"
#include "runtime/text/spectest.hpp"
#include "runtime/text/text.hpp"
#include <algorithm>
#include <span>

namespace runtime {

namespace text {
namespace {

struct ScriptModule {
  std::string name;
  bool is_definition = false;
  Result<std::vector<std::byte>> binary;
};

// A failed assertion: what happened instead.
std::unexpected<Error> failure(std::string message) {
  return std::unexpected(Error{.kind = ErrorKind::invalid, .message = std::move(message)});
}

class Script {
public:
  Script(Engine& engine, Cursor cursor, const std::function<void(std::string_view)>& print)
      : engine_(engine), store_(engine), cursor_(cursor), print_(print) {}

  Result<ScriptResult> run() {
    TRY_VOID(define_spectest(linker_, store_, print_));
    if (at_module_field()) { // a whole script may be one module without its parentheses
      auto binary = parse_module_fields(cursor_, {});
      count(1, instantiate_command({.name = {}, .is_definition = false, .binary = std::move(binary)}));
      return std::move(result_);
    }
    uint32_t line = 1, counted = 0; // lines up to a byte of the source
    while (cursor_.kind() != TokenKind::end) {
      const uint32_t offset = cursor_.peek().offset;
      line += line_of(cursor_.source().substr(counted), offset - counted) - 1;
      counted = offset;
      if (!cursor_.accept(TokenKind::left)) return cursor_.unexpected();
      if (cursor_.kind() != TokenKind::keyword) return cursor_.unexpected();
      Cursor after = cursor_;
      TRY_VOID(after.skip_form());
      count(line, command());
      cursor_ = after;
    }
    return std::move(result_);
  }

private:
  bool at_module_field() const {
    for (const char* field :
         {"type", "rec", "import", "func", "table", "memory", "global", "tag", "elem", "data", "start", "export"})
      if (cursor_.at_form(field)) return true;
    return false;
  }

  void count(uint32_t line, Result<void> outcome) {
    ++result_.assertions;
    if (outcome)
      ++result_.passed;
    else
      result_.failures.push_back({line, outcome.error().message});
  }

  // Behind the opening parenthesis, at the keyword.
  Result<void> command() {
    const Token& keyword = cursor_.next();
    std::string_view text = cursor_.text(keyword);
    if (text == "module") return module_command();
    if (text == "register") return register_command();
    if (text == "invoke" || text == "get") {
      cursor_.seek(cursor_.position() - 2);
      auto results = TRY(action());
      if (!results) return failure("the action failed: " + results.error().describe());
      return {};
    }
    if (text == "assert_return") return assert_return();
    if (text == "assert_trap") return assert_trap();
    if (text == "assert_exhaustion") return assert_exhaustion();
    if (text == "assert_exception") return assert_exception();
    if (text == "assert_invalid") return assert_rejected(ErrorKind::invalid, "invalid");
    if (text == "assert_malformed") return assert_rejected(ErrorKind::malformed, "malformed");
    if (text == "assert_unlinkable") return assert_unlinkable();
    return failure("this runner does not know the command " + std::string(text));
  }

  // --- modules
  // Behind «(module», or «(module definition»; consumes the closing parenthesis where the module can be parsed.
  ScriptModule read_module() {
    ScriptModule module;
    module.is_definition = cursor_.accept_keyword("definition");
    if (cursor_.kind() == TokenKind::id) module.name = name_of(cursor_.next());
    if (cursor_.accept_keyword("binary")) {
      module.binary = cursor_.all_strings().transform([](const std::string& bytes) {
        auto view = std::as_bytes(std::span(bytes));
        return std::vector<std::byte>(view.begin(), view.end());
      });
    } else if (cursor_.accept_keyword("quote")) {
      module.binary = cursor_.all_strings().and_then([](const std::string& source) { return parse_wat(source); });
    } else {
      module.binary = parse_module_fields(cursor_, module.name);
    }
    if (module.binary)
      if (auto closed = cursor_.expect_right(); !closed) module.binary = std::unexpected(closed.error());
    return module;
  }

  std::string name_of(const Token& id) const {
    std::string_view text = cursor_.text(id).substr(1);
    return text.starts_with('"') ? unescape(text) : std::string(text);
  }

  Result<std::shared_ptr<const Module>> compile(ScriptModule& module) {
    return Module::compile(engine_, TRY(std::move(module.binary)), module.name);
  }

  Result<Instance*> instantiate(std::shared_ptr<const Module> module, const std::string& name) {
    std::vector<Extern> imports = TRY(linker_.resolve(*module));
    return store_.instantiate(std::move(module), imports, name);
  }

  Result<void> module_command() {
    if (cursor_.accept_keyword("instance")) return instance_command();
    return instantiate_command(read_module());
  }

  Result<void> instantiate_command(ScriptModule module) {
    // Whatever goes wrong: later actions must not silently hit an older instance.
    if (!module.is_definition) set_current(module.name, nullptr);
    auto compiled = compile(module);
    if (!compiled) return failure("the module was refused: " + compiled.error().describe());
    if (module.is_definition) {
      definitions_[module.name] = *compiled;
      last_definition_ = *compiled;
      return {};
    }
    auto instance = instantiate(*compiled, module.name);
    if (!instance) return failure("the module was not instantiated: " + instance.error().describe());
    set_current(module.name, *instance);
    return {};
  }

  // «(module instance $instance? $definition?)»
  Result<void> instance_command() {
    std::string name, definition;
    bool has_definition = false;
    if (cursor_.kind() == TokenKind::id) name = name_of(cursor_.next());
    if (cursor_.kind() == TokenKind::id) {
      definition = name_of(cursor_.next());
      has_definition = true;
    }
    auto found = definitions_.find(definition);
    std::shared_ptr<const Module> module = !has_definition               ? last_definition_
                                           : found == definitions_.end() ? nullptr
                                                                         : found->second;
    set_current(name, nullptr);
    if (!module) return failure("no module definition $" + definition);
    auto instance = instantiate(module, name);
    if (!instance) return failure("the module was not instantiated: " + instance.error().describe());
    set_current(name, *instance);
    return {};
  }

  void set_current(const std::string& name, Instance* instance) {
    current_ = instance;
    if (!name.empty()) instances_[name] = instance;
  }

  // The instance that an optional identifier names.
  Result<Instance*> named_instance() {
    if (cursor_.kind() != TokenKind::id) {
      if (current_ == nullptr) return failure("there is no instance");
      return current_;
    }
    std::string name = name_of(cursor_.next());
    auto found = instances_.find(name);
    if (found == instances_.end() || found->second == nullptr) return failure("there is no instance $" + name);
    return found->second;
  }

  Result<void> register_command() {
    std::string name = TRY(cursor_.name());
    Instance* instance = TRY(named_instance());
    linker_.define_instance(name, *instance);
    return {};
  }

  // --- actions
  // «(invoke $m? "f" …)» or «(get $m? "g")». The outer error: no such action in this script; the inner: what the engine
  // answered.
  Result<Result<std::vector<Value>>> action() {
    const bool is_get = cursor_.accept_form("get");
    if (!is_get) TRY_VOID(cursor_.expect_form("invoke"));
    Instance* instance = TRY(named_instance());
    std::string name = TRY(cursor_.name());
    std::vector<Value> arguments;
    while (cursor_.kind() == TokenKind::left) arguments.push_back(TRY(script_constant(cursor_)));
    TRY_VOID(cursor_.expect_right());
    auto found = instance->find_export(name);
    if (!found) return failure("no export \"" + name + "\"");
    if (is_get) {
      Global** global = std::get_if<Global*>(&*found);
      if (global == nullptr) return failure("the export \"" + name + "\" is no global");
      return Result<std::vector<Value>>(std::vector{(*global)->get()});
    }
    Func** function = std::get_if<Func*>(&*found);
    if (function == nullptr) return failure("the export \"" + name + "\" is no function");
    return store_.call(**function, arguments);
  }

  Result<void> assert_return() {
    auto results = TRY(action());
    std::vector<Pattern> patterns;
    while (cursor_.kind() == TokenKind::left) patterns.push_back(TRY(script_pattern(cursor_)));
    if (!results) return failure("expected a result: " + results.error().describe());
    bool equal = std::ranges::equal(patterns, *results, matches);
    if (equal) return {};
    std::string message = "expected";
    for (const Pattern& pattern : patterns) message += " (" + to_text(pattern) + ")";
    message += " but got";
    for (const Value& value : *results) message += " (" + to_text(value) + ")";
    return failure(std::move(message));
  }

  // What an action or a module's instantiation ends with.
  Result<Result<std::vector<Value>>> action_or_module() {
    if (!cursor_.accept_form("module")) return action();
    ScriptModule module = read_module();
    auto compiled = compile(module);
    if (!compiled) return failure("the module was refused: " + compiled.error().describe());
    return instantiate(*compiled, module.name).transform([](Instance*) { return std::vector<Value>(); });
  }

  // The error that must come, of this kind.
  Result<Error> expect_error(ErrorKind kind, const char* what) {
    auto outcome = TRY(action_or_module());
    if (outcome) return failure(std::string("expected ") + what + " but it succeeded");
    if (outcome.error().kind != kind)
      return failure(std::string("expected ") + what + " but: " + outcome.error().describe());
    return outcome.error();
  }

  Result<void> assert_trap() {
    Error error = TRY(expect_error(ErrorKind::trap, "a trap"));
    std::string expected = TRY(cursor_.string()), actual = trap_message(error.trap);
    // The suites shorten some messages, add an index to others, and name the type of a null reference.
    const bool null =
        error.trap == TrapCode::null_reference && expected.starts_with("null ") && expected.ends_with("reference");
    if (!null && !actual.starts_with(expected) && !expected.starts_with(actual))
      return failure("expected the trap «" + expected + "» but got «" + actual + "»");
    return {};
  }

  Result<void> assert_exhaustion() {
    Error error = TRY(expect_error(ErrorKind::trap, "an exhausted call stack"));
    if (error.trap != TrapCode::stack_exhausted)
      return failure(std::string("expected an exhausted call stack but got «") + trap_message(error.trap) + "»");
    return {};
  }

  Result<void> assert_exception() {
    Error error = TRY(expect_error(ErrorKind::trap, "an exception"));
    if (error.trap != TrapCode::uncaught_exception)
      return failure(std::string("expected an exception but got «") + trap_message(error.trap) + "»");
    return {};
  }

  Result<void> assert_unlinkable() {
    TRY(expect_error(ErrorKind::unlinkable, "a link error"));
    return {};
  }

  // Compiling must refuse it; where the compiler gives up on a feature first, validation alone must.
  Result<void> assert_rejected(ErrorKind kind, const char* what) {
    TRY_VOID(cursor_.expect_form("module"));
    ScriptModule module = read_module();
    Error error;
    if (!module.binary) {
      error = module.binary.error();
    } else {
      auto compiled = Module::compile(engine_, *module.binary, module.name);
      if (compiled) return failure(std::string("expected the module to be ") + what + " but it was accepted");
      error = compiled.error();
      if (error.kind == ErrorKind::unsupported) {
        auto valid = Module::validate(engine_, *std::move(module.binary));
        if (valid) return failure(std::string("expected the module to be ") + what + " but it is valid");
        error = valid.error();
      }
    }
    if (error.kind != kind)
      return failure(std::string("expected the module to be ") + what + " but: " + error.describe());
    return {};
  }

  Engine& engine_;
  Store store_;
  Linker linker_;
  Cursor cursor_;
  const std::function<void(std::string_view)>& print_;
  Instance* current_ = nullptr;
  std::map<std::string, Instance*> instances_;
  std::map<std::string, std::shared_ptr<const Module>> definitions_;
  std::shared_ptr<const Module> last_definition_;
  ScriptResult result_;
};

} // namespace
} // namespace text

Result<ScriptResult> run_script(Engine& engine, std::string_view source,
                                const std::function<void(std::string_view)>& print) {
  std::vector<text::Token> tokens = TRY(text::lex(source));
  return text::Script(engine, text::Cursor(source, tokens), print).run();
}

} // namespace runtime
