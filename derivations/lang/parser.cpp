// The grammar. (Nix manual, "Nix language"; precedences as in its table of operators.)
#include "derivations/lang/parser.hpp"
#include "derivations/lang/indentation.hpp"
#include "derivations/lang/lexer.hpp"
#include "derivations/lang/machine.hpp"
#include "derivations/lang/paths.hpp"
#include "derivations/lang/set_builder.hpp"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace lang {

namespace {

// How strongly operators bind, loosest first.
enum : int {
  kLoosest = 0,
  kImplies,
  kOr,
  kAnd,
  kEquality,
  kComparison,
  kUpdate,
  kNot,
  kSum,
  kProduct,
  kConcatenate,
  kHasAttr,
  kNegate,
};

struct OperatorInfo {
  Operator op;
  int precedence;
  enum { left, right, none } associativity;
};

const OperatorInfo* operator_info(TokenKind kind) {
  static constexpr OperatorInfo kImpliesInfo{Operator::implies, kImplies, OperatorInfo::right},
      kOrInfo{Operator::logical_or, kOr, OperatorInfo::left}, kAndInfo{Operator::logical_and, kAnd, OperatorInfo::left},
      kEqualInfo{Operator::equal, kEquality, OperatorInfo::none},
      kNotEqualInfo{Operator::not_equal, kEquality, OperatorInfo::none},
      kLessInfo{Operator::less, kComparison, OperatorInfo::none},
      kGreaterInfo{Operator::greater, kComparison, OperatorInfo::none},
      kLessEqualInfo{Operator::less_equal, kComparison, OperatorInfo::none},
      kGreaterEqualInfo{Operator::greater_equal, kComparison, OperatorInfo::none},
      kUpdateInfo{Operator::update, kUpdate, OperatorInfo::right}, kAddInfo{Operator::add, kSum, OperatorInfo::left},
      kSubtractInfo{Operator::subtract, kSum, OperatorInfo::left},
      kMultiplyInfo{Operator::multiply, kProduct, OperatorInfo::left},
      kDivideInfo{Operator::divide, kProduct, OperatorInfo::left},
      kConcatenateInfo{Operator::concatenate, kConcatenate, OperatorInfo::right};
  switch (kind) {
  case TokenKind::implies: return &kImpliesInfo;
  case TokenKind::logical_or: return &kOrInfo;
  case TokenKind::logical_and: return &kAndInfo;
  case TokenKind::equal: return &kEqualInfo;
  case TokenKind::not_equal: return &kNotEqualInfo;
  case TokenKind::less: return &kLessInfo;
  case TokenKind::greater: return &kGreaterInfo;
  case TokenKind::less_equal: return &kLessEqualInfo;
  case TokenKind::greater_equal: return &kGreaterEqualInfo;
  case TokenKind::update: return &kUpdateInfo;
  case TokenKind::plus: return &kAddInfo;
  case TokenKind::minus: return &kSubtractInfo;
  case TokenKind::star: return &kMultiplyInfo;
  case TokenKind::slash: return &kDivideInfo;
  case TokenKind::concatenate: return &kConcatenateInfo;
  default: return nullptr;
  }
}

class Parser {
public:
  Parser(Machine& m, const Source& source, const std::string& base_dir)
      : m_(m), source_(source), base_dir_(base_dir), lexer_(source.text) {
    advance();
  }

  Expr* parse_file() {
    Expr* expr = parse_function();
    if (token_.kind != TokenKind::end) fail_unexpected("end of file");
    return expr;
  }

private:
  // --- tokens
  void advance() { token_ = lexer_.next(); }
  [[nodiscard]] Token peek() { // the token after the current one
    const uint32_t at = lexer_.offset();
    const Token result = lexer_.next();
    lexer_.seek(at);
    return result;
  }
  [[nodiscard]] bool is(TokenKind kind) const { return token_.kind == kind; }
  bool accept(TokenKind kind) {
    if (!is(kind)) return false;
    advance();
    return true;
  }
  void expect(TokenKind kind) {
    if (!is(kind)) fail_unexpected(describe(kind));
    advance();
  }
  [[nodiscard]] Pos pos(uint32_t offset) const { return {source_.base + offset}; }
  [[nodiscard]] Pos here() const { return pos(token_.start); }
  [[noreturn]] void fail(Pos at, const std::string& message, std::string hint = {}) const {
    throw EvalError(ErrorKind::parse, message, m_.sources.resolve(at), std::move(hint));
  }
  [[noreturn]] void fail_unexpected(std::string_view expected) const {
    std::string found{describe(token_.kind)};
    if (is(TokenKind::identifier)) found = "'" + std::string{lexer_.text(token_)} + "'";
    fail(here(), "syntax error: expected " + std::string{expected} + ", found " + found);
  }
  [[nodiscard]] Symbol symbol() const { return m_.symbols.intern(lexer_.text(token_)); }
  template <class T, class... Args> T* make(Args&&... args) {
    return new (m_.arena.allocate(sizeof(T))) T(std::forward<Args>(args)...);
  }
  template <class T> T* freeze(const std::vector<T>& items) {
    T* result = m_.arena.allocate_array<T>(items.size());
    std::ranges::copy(items, result);
    return result;
  }

  // --- functions and keywords
  Expr* parse_function() {
    m_.check_stack(here());
    const Pos start = here();
    switch (token_.kind) {
    case TokenKind::identifier: {
      const TokenKind after = peek().kind;
      if (after == TokenKind::colon) {
        auto* lambda = make<LambdaExpr>(start);
        lambda->argument = symbol();
        advance();
        advance();
        lambda->body = parse_function();
        return lambda;
      }
      if (after == TokenKind::at) return parse_pattern_function();
      return parse_operators(kLoosest);
    }
    case TokenKind::brace_open: return begins_pattern() ? parse_pattern_function() : parse_operators(kLoosest);
    case TokenKind::kw_assert: {
      advance();
      Expr* condition = parse_function();
      const Pos end = here();
      expect(TokenKind::semicolon);
      Expr* body = parse_function();
      return make<AssertExpr>(start, condition, body, end);
    }
    case TokenKind::kw_with: {
      advance();
      Expr* subject = parse_function();
      expect(TokenKind::semicolon);
      Expr* body = parse_function();
      return make<WithExpr>(start, subject, body);
    }
    case TokenKind::kw_let: {
      if (peek().kind == TokenKind::brace_open) return parse_operators(kLoosest); // let { …; body = …; }
      advance();
      AttrsExpr* bindings = parse_bindings(make<AttrsExpr>(start), TokenKind::kw_in);
      if (bindings->first_dynamic) fail(bindings->first_dynamic->pos, "dynamic attributes are not allowed in let");
      bindings->recursive = true;
      Expr* body = parse_function();
      return make<LetExpr>(start, bindings, body);
    }
    case TokenKind::kw_if: {
      advance();
      Expr* condition = parse_function();
      expect(TokenKind::kw_then);
      Expr* then = parse_function();
      expect(TokenKind::kw_else);
      Expr* otherwise = parse_function();
      return make<IfExpr>(start, condition, then, otherwise);
    }
    default: return parse_operators(kLoosest);
    }
  }

  // At '{': a pattern, not a set?
  [[nodiscard]] bool begins_pattern() {
    const uint32_t at = lexer_.offset();
    const Token first = lexer_.next();
    bool result = false;
    if (first.kind == TokenKind::ellipsis) {
      result = true;
    } else if (first.kind == TokenKind::brace_close) {
      const TokenKind second = lexer_.next().kind;
      result = second == TokenKind::colon || second == TokenKind::at;
    } else if (first.kind == TokenKind::identifier) {
      const TokenKind second = lexer_.next().kind;
      result = second == TokenKind::comma || second == TokenKind::question || second == TokenKind::brace_close;
    }
    lexer_.seek(at);
    return result;
  }

  Expr* parse_pattern_function() {
    auto* lambda = make<LambdaExpr>(here());
    lambda->has_pattern = true;
    Pos argument_at;
    if (is(TokenKind::identifier)) { // x @ { … }
      argument_at = here();
      lambda->argument = symbol();
      advance();
      expect(TokenKind::at);
    }
    expect(TokenKind::brace_open);
    std::vector<Formal> formals;
    while (!is(TokenKind::brace_close)) {
      if (accept(TokenKind::ellipsis)) {
        lambda->ellipsis = true;
        break;
      }
      if (!is(TokenKind::identifier)) fail_unexpected("an argument name, '...' or '}'");
      Formal formal{symbol(), here(), nullptr};
      advance();
      if (accept(TokenKind::question)) formal.fallback = parse_function();
      formals.push_back(formal);
      if (!accept(TokenKind::comma)) break;
    }
    expect(TokenKind::brace_close);
    if (is(TokenKind::at)) { // { … } @ x
      advance();
      if (lambda->argument) fail(here(), "this pattern already has a name for the whole argument");
      if (!is(TokenKind::identifier)) fail_unexpected("a name for the whole argument");
      argument_at = here();
      lambda->argument = symbol();
      advance();
    }
    expect(TokenKind::colon);
    std::ranges::stable_sort(formals, {}, &Formal::name);
    const auto repeated = std::ranges::adjacent_find(formals, {}, &Formal::name);
    if (repeated != formals.end()) {
      fail(std::next(repeated)->pos,
           "argument '" + std::string{m_.symbols.text(repeated->name)} + "' is already in this pattern");
    }
    if (lambda->argument && std::ranges::binary_search(formals, lambda->argument, {}, &Formal::name)) {
      fail(argument_at, "argument '" + std::string{m_.symbols.text(lambda->argument)} + "' is already in this pattern");
    }
    lambda->formal_count = static_cast<uint32_t>(formals.size());
    lambda->formals = freeze(formals);
    lambda->body = parse_function();
    return lambda;
  }

  // --- operators
  Expr* parse_operators(int least) {
    m_.check_stack(here());
    if (++depth_ > Binder::kMaxDepth) // no text is refused here that binding would take
      m_.fail(ErrorKind::stack_overflow, here(),
              "this expression is nested deeper than " + std::to_string(Binder::kMaxDepth) + " levels");
    Expr* expr = parse_operators_here(least);
    --depth_;
    return expr;
  }

  Expr* parse_operators_here(int least) {
    const Pos start = here();
    Expr* left;
    if (accept(TokenKind::exclamation)) {
      left = make<NotExpr>(start, parse_operators(kNot));
    } else if (accept(TokenKind::minus)) {
      left = make<NegateExpr>(start, parse_operators(kNegate));
    } else {
      left = parse_application();
    }
    int forbidden = -1; // the precedence of a non-associative operator just applied
    for (;;) {
      const Pos at = here();
      if (is(TokenKind::question)) {
        if (kHasAttr < least) return left;
        if (forbidden == kHasAttr) fail(at, "operator '?' does not associate: parentheses are needed");
        advance();
        std::vector<AttrName> path = parse_attr_path();
        left = make<HasAttrExpr>(at, left, freeze(path), static_cast<uint32_t>(path.size()));
        forbidden = kHasAttr;
        continue;
      }
      const OperatorInfo* info = operator_info(token_.kind);
      if (!info || info->precedence < least) return left;
      if (info->precedence == forbidden)
        fail(at, "operator " + std::string{describe(token_.kind)} + " does not associate: parentheses are needed");
      advance();
      Expr* right =
          parse_operators(info->associativity == OperatorInfo::right ? info->precedence : info->precedence + 1);
      left = make_binary(info->op, at, left, right);
      forbidden = info->associativity == OperatorInfo::none ? info->precedence : -1;
    }
  }

  Expr* make_binary(Operator op, Pos at, Expr* left, Expr* right) {
    switch (op) {
    case Operator::implies: return make<ImpliesExpr>(at, left, right);
    case Operator::logical_or: return make<OrExpr>(at, left, right);
    case Operator::logical_and: return make<AndExpr>(at, left, right);
    case Operator::equal: return make<EqualExpr>(at, left, right);
    case Operator::not_equal: return make<NotEqualExpr>(at, left, right);
    case Operator::less: return make<LessExpr>(at, left, right);
    case Operator::greater: return make<GreaterExpr>(at, left, right);
    case Operator::less_equal: return make<LessEqualExpr>(at, left, right);
    case Operator::greater_equal: return make<GreaterEqualExpr>(at, left, right);
    case Operator::update: return make<UpdateExpr>(at, left, right);
    case Operator::add: return make<AddExpr>(at, left, right);
    case Operator::subtract: return make<SubtractExpr>(at, left, right);
    case Operator::multiply: return make<MultiplyExpr>(at, left, right);
    case Operator::divide: return make<DivideExpr>(at, left, right);
    case Operator::concatenate: return make<ConcatenateExpr>(at, left, right);
    }
    return nullptr;
  }

  [[nodiscard]] bool begins_simple() const {
    switch (token_.kind) {
    case TokenKind::identifier:
    case TokenKind::integer:
    case TokenKind::floating:
    case TokenKind::string_open:
    case TokenKind::indented_open:
    case TokenKind::path:
    case TokenKind::home_path:
    case TokenKind::search_path:
    case TokenKind::uri:
    case TokenKind::kw_rec:
    case TokenKind::kw_let:
    case TokenKind::brace_open:
    case TokenKind::paren_open:
    case TokenKind::bracket_open: return true;
    default: return false;
    }
  }

  Expr* parse_application() {
    const Pos start = here();
    Expr* function = parse_select();
    if (!begins_simple()) return function;
    std::vector<Expr*> arguments;
    while (begins_simple()) arguments.push_back(parse_select());
    return make<CallExpr>(start, function, freeze(arguments), static_cast<uint32_t>(arguments.size()));
  }

  Expr* parse_select() {
    const Pos start = here();
    Expr* subject = parse_simple();
    if (is(TokenKind::kw_or)) { // «f or» applies f to a variable named «or»: older than the keyword
      Expr** argument = m_.arena.allocate_array<Expr*>(1);
      argument[0] = make<VariableExpr>(here(), m_.symbols.intern("or"));
      advance();
      return make<CallExpr>(start, subject, argument, 1u);
    }
    if (!is(TokenKind::dot)) return subject;
    advance();
    std::vector<AttrName> path = parse_attr_path();
    Expr* fallback = accept(TokenKind::kw_or) ? parse_select() : nullptr;
    return make<SelectExpr>(start, subject, freeze(path), static_cast<uint32_t>(path.size()), fallback);
  }

  // a."b".${c}
  std::vector<AttrName> parse_attr_path() {
    std::vector<AttrName> path;
    do path.push_back(parse_attr_name());
    while (accept(TokenKind::dot));
    return path;
  }

  AttrName parse_attr_name() {
    const Pos start = here();
    switch (token_.kind) {
    case TokenKind::identifier:
    case TokenKind::kw_or: {
      const AttrName name{symbol(), start, nullptr};
      advance();
      return name;
    }
    case TokenKind::string_open: {
      Expr* text = parse_string();
      if (const Symbol literal = literal_symbol(text)) return {literal, start, nullptr};
      return {{}, start, text};
    }
    case TokenKind::dollar_brace: {
      advance();
      Expr* name = parse_function();
      expect(TokenKind::brace_close);
      if (const Symbol literal = literal_symbol(name)) return {literal, start, nullptr};
      return {{}, start, name};
    }
    default: fail_unexpected("an attribute name");
    }
  }

  [[nodiscard]] Symbol literal_symbol(const Expr* expr) {
    const Value* constant = expr->as_constant();
    return constant && constant->is(Tag::string) ? m_.symbols.intern(constant->string()) : Symbol{};
  }

  // --- simple expressions
  Expr* parse_simple() {
    const Pos start = here();
    m_.check_stack(start);
    switch (token_.kind) {
    case TokenKind::identifier: {
      Expr* result;
      if (lexer_.text(token_) == "__curPos")
        result = make<CurrentPositionExpr>(start);
      else
        result = make<VariableExpr>(start, symbol());
      advance();
      return result;
    }
    case TokenKind::integer: {
      const std::string_view text = lexer_.text(token_);
      int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc{})
        fail(start, "invalid integer '" + std::string{text} + "': it does not fit into 64 bits");
      advance();
      return make<ConstantExpr>(start, Value::of_integer(number));
    }
    case TokenKind::floating: {
      const std::string text{lexer_.text(token_)};
      const double number = std::strtod(text.c_str(), nullptr);
      if (std::isinf(number)) fail(start, "invalid floating-point number '" + text + "': it is out of range");
      advance();
      return make<ConstantExpr>(start, Value::of_floating(number));
    }
    case TokenKind::string_open: return parse_string();
    case TokenKind::indented_open: return parse_indented_string();
    case TokenKind::uri: {
      auto* result = make<ConstantExpr>(start, m_.make_string(lexer_.text(token_)));
      advance();
      return result;
    }
    case TokenKind::path:
    case TokenKind::home_path: return parse_path();
    case TokenKind::search_path: { // <x> is __findFile __nixPath "x", so that both can be replaced
      std::string_view text = lexer_.text(token_);
      text = text.substr(1, text.size() - 2);
      Expr** arguments = m_.arena.allocate_array<Expr*>(2);
      arguments[0] = make<VariableExpr>(start, m_.symbols.intern("__nixPath"));
      arguments[1] = make<ConstantExpr>(start, m_.make_string(text));
      Expr* function = make<VariableExpr>(start, m_.symbols.intern("__findFile"));
      advance();
      return make<CallExpr>(start, function, arguments, 2u);
    }
    case TokenKind::paren_open: {
      advance();
      Expr* inner = parse_function();
      if (!is(TokenKind::paren_close)) fail_unexpected("')'");
      advance();
      return inner;
    }
    case TokenKind::bracket_open: {
      advance();
      std::vector<Expr*> items;
      while (!is(TokenKind::bracket_close)) {
        if (!begins_simple()) fail_unexpected("a list element or ']'");
        items.push_back(parse_select());
      }
      advance();
      return make<ListExpr>(start, freeze(items), static_cast<uint32_t>(items.size()));
    }
    case TokenKind::brace_open: {
      advance();
      return parse_bindings(make<AttrsExpr>(start), TokenKind::brace_close);
    }
    case TokenKind::kw_rec: {
      advance();
      expect(TokenKind::brace_open);
      auto* attrs = make<AttrsExpr>(start);
      attrs->recursive = true;
      return parse_bindings(attrs, TokenKind::brace_close);
    }
    case TokenKind::kw_let: { // let { …; body = e; } is (rec { …; body = e; }).body
      advance();
      expect(TokenKind::brace_open);
      auto* attrs = make<AttrsExpr>(start);
      attrs->recursive = true;
      parse_bindings(attrs, TokenKind::brace_close);
      AttrName* path = m_.arena.allocate_array<AttrName>(1);
      path[0] = {m_.symbols.intern("body"), start, nullptr};
      return make<SelectExpr>(start, attrs, path, 1u, nullptr);
    }
    default: fail_unexpected("an expression");
    }
  }

  // --- strings and paths. The current token is the opening one; lexer_ stands behind it.
  Expr* parse_interpolation() { // behind «${»; leaves the lexer behind «}»
    advance();
    Expr* inner = parse_function();
    if (!is(TokenKind::brace_close)) fail_unexpected("'}'");
    return inner;
  }

  Expr* parse_string() {
    const Pos start = here();
    std::vector<Expr*> parts;
    std::string literal;
    for (;;) {
      StringPart part = lexer_.string_part();
      if (part.kind == PartKind::end) break;
      if (part.kind == PartKind::text) {
        literal += part.text;
        continue;
      }
      if (!literal.empty()) parts.push_back(make<ConstantExpr>(start, m_.make_string(literal)));
      literal.clear();
      parts.push_back(parse_interpolation());
    }
    return finish_string(start, parts, literal);
  }

  Expr* finish_string(Pos start, std::vector<Expr*>& parts, const std::string& literal) {
    Expr* result;
    if (parts.empty()) {
      result = make<ConstantExpr>(start, m_.make_string(literal));
    } else {
      if (!literal.empty()) parts.push_back(make<ConstantExpr>(start, m_.make_string(literal)));
      result = make<InterpolationExpr>(start, freeze(parts), static_cast<uint32_t>(parts.size()), false);
    }
    advance();
    return result;
  }

  Expr* parse_indented_string() {
    const Pos start = here();
    std::vector<IndentedPiece> pieces;
    for (;;) {
      StringPart part = lexer_.indented_part();
      if (part.kind == PartKind::end) break;
      if (part.kind == PartKind::text)
        pieces.push_back({nullptr, std::move(part.text), part.counts_for_indentation});
      else
        pieces.push_back({parse_interpolation(), {}, false});
    }
    strip_indentation(pieces);
    std::vector<Expr*> parts;
    std::string literal;
    for (IndentedPiece& piece : pieces) {
      if (!piece.expr) {
        literal += piece.text;
        continue;
      }
      if (!literal.empty()) parts.push_back(make<ConstantExpr>(start, m_.make_string(literal)));
      literal.clear();
      parts.push_back(piece.expr);
    }
    return finish_string(start, parts, literal);
  }

  Expr* parse_path() {
    const Pos start = here();
    std::string_view text = lexer_.text(token_);
    std::string path;
    if (is(TokenKind::home_path)) {
      if (m_.options.pure)
        throw EvalError(ErrorKind::restricted, "the path '" + std::string{text} + "' is not allowed in pure evaluation",
                        m_.sources.resolve(start), "use a path relative to this file");
      const char* home = std::getenv("HOME");
      if (!home) fail(start, "cannot resolve '" + std::string{text} + "': HOME is not set");
      path = home + std::string{text.substr(1)};
    } else {
      path = text.starts_with('/') ? std::string{text} : base_dir_ + "/" + std::string{text};
    }
    StringPart part = lexer_.path_part();
    if (part.kind == PartKind::end) {
      if (text.ends_with('/')) fail(start, "the path '" + std::string{text} + "' has a trailing slash");
      advance();
      return make<ConstantExpr>(start, m_.make_path(canonical_path(path)));
    }
    std::vector<Expr*> parts{make<ConstantExpr>(start, Value::of_path(m_.make_text(path)))};
    std::string last;
    for (; part.kind != PartKind::end; part = lexer_.path_part()) {
      if (part.kind == PartKind::interpolation) {
        last.clear();
        parts.push_back(parse_interpolation());
      } else {
        last = part.text;
        parts.push_back(make<ConstantExpr>(start, m_.make_string(part.text)));
      }
    }
    if (last.ends_with('/')) fail(start, "this path has a trailing slash");
    advance();
    return make<InterpolationExpr>(start, freeze(parts), static_cast<uint32_t>(parts.size()), true);
  }

  // --- sets
  AttrsExpr* parse_bindings(AttrsExpr* attrs, TokenKind close) {
    m_.check_stack(here());
    while (!is(close)) {
      if (is(TokenKind::kw_inherit)) {
        parse_inherit(*attrs);
        continue;
      }
      if (!is(TokenKind::identifier) && !is(TokenKind::kw_or) && !is(TokenKind::string_open) &&
          !is(TokenKind::dollar_brace))
        fail_unexpected("an attribute name or " + std::string{describe(close)});
      const Pos start = here();
      const std::vector<AttrName> path = parse_attr_path();
      expect(TokenKind::assign);
      Expr* value = parse_function();
      expect(TokenKind::semicolon);
      sets_.add(*attrs, path, value, start);
    }
    advance();
    return attrs;
  }

  void parse_inherit(AttrsExpr& attrs) {
    advance();
    InheritSource* source = nullptr;
    if (accept(TokenKind::paren_open)) {
      source = make<InheritSource>(InheritSource{parse_function(), attrs.source_count++, nullptr});
      expect(TokenKind::paren_close);
      (attrs.last_source ? attrs.last_source->next : attrs.first_source) = source;
      attrs.last_source = source;
    }
    while (!accept(TokenKind::semicolon)) {
      const AttrName name = parse_attr_name_of_inherit();
      if (source) {
        AttrName* path = m_.arena.allocate_array<AttrName>(1);
        path[0] = name;
        Expr* subject = make<NearSlotExpr>(source->value->pos, Symbol{}, source->index);
        sets_.inherit(attrs, name.symbol, name.pos, make<SelectExpr>(name.pos, subject, path, 1u, nullptr),
                      AttrKind::inherited_from);
      } else {
        sets_.inherit(attrs, name.symbol, name.pos, make<VariableExpr>(name.pos, name.symbol), AttrKind::inherited);
      }
    }
  }

  AttrName parse_attr_name_of_inherit() {
    if (!is(TokenKind::identifier) && !is(TokenKind::kw_or) && !is(TokenKind::string_open) &&
        !is(TokenKind::dollar_brace))
      fail_unexpected("an attribute name or ';'");
    const AttrName name = parse_attr_name();
    if (!name.symbol) fail(name.pos, "dynamic attributes are not allowed in inherit");
    return name;
  }

  Machine& m_;
  const Source& source_;
  const std::string& base_dir_;
  Lexer lexer_;
  Token token_;
  SetBuilder sets_{m_};
  uint32_t depth_ = 0; // of operators inside each other
};

} // namespace

Expr* parse(Machine& m, const Source& source, const std::string& base_dir, const ScopedNames* scoped) {
  Expr* expr;
  try {
    expr = Parser{m, source, base_dir}.parse_file();
  } catch (const LexError& error) {
    throw EvalError(ErrorKind::parse, "syntax error: " + error.message,
                    m.sources.resolve(Pos{source.base + error.offset}));
  }
  Binder binder{m, scoped};
  binder.bind(expr, nullptr);
  return expr;
}

} // namespace lang
