#include "runtime/text/code_parser.hpp"

namespace runtime::text {

namespace {

bool is_block(Op op) { return op_info(op).opens_block(); }

} // namespace

void CodeParser::begin_function() { locals_.clear(); }

Result<void> CodeParser::name_local(Cursor& cursor, std::string_view name, uint32_t index, const Token& where) {
  if (!locals_.emplace(name, index).second) return cursor.fail("duplicate local " + std::string(name), where);
  return {};
}

void CodeParser::push_label(std::optional<std::string_view> name) {
  Label label{.name = name, .shadowed = std::nullopt};
  auto position = static_cast<uint32_t>(labels_.size());
  if (name) {
    auto [found, is_new] = label_positions_.emplace(*name, position);
    if (!is_new) label.shadowed = std::exchange(found->second, position);
  }
  labels_.push_back(label);
}

void CodeParser::pop_label() {
  Label label = labels_.back();
  labels_.pop_back();
  if (!label.name) return;
  if (label.shadowed)
    label_positions_[*label.name] = *label.shadowed;
  else
    label_positions_.erase(*label.name);
}

void CodeParser::flush_pending(Bytes& out, size_t begin) {
  out.raw(pending_.view().subspan(begin));
  pending_.truncate(begin);
}

Result<void> CodeParser::run(Cursor& cursor, Bytes& out, bool single) {
  frames_.clear();
  labels_.clear();
  label_positions_.clear();
  pending_.clear();
  frames_.push_back({.kind = FrameKind::root, .where = cursor.peek()});
  do {
    switch (cursor.kind()) {
    case TokenKind::left: TRY_VOID(open_folded(cursor, out)); break;
    case TokenKind::right:
      if (frames_.back().kind == FrameKind::root) return single ? cursor.unexpected() : Result<void>{};
      TRY_VOID(close_folded(cursor, out));
      break;
    case TokenKind::keyword:
      if (single && frames_.size() == 1) return cursor.unexpected();
      TRY_VOID(flat(cursor, out));
      break;
    case TokenKind::end:
      if (frames_.size() == 1 && !single) return {};
      return cursor.fail("unexpected token: end of text in a block or instruction that began here",
                         frames_.back().where);
    default: return cursor.unexpected();
    }
  } while (!single || frames_.size() > 1);
  return {};
}

// At «(».
Result<void> CodeParser::open_folded(Cursor& cursor, Bytes& out) {
  Frame& frame = frames_.back();
  const Token where = cursor.peek();
  if (cursor.kind(1) != TokenKind::keyword) {
    cursor.advance();
    return cursor.unexpected();
  }
  if (frame.kind == FrameKind::condition && cursor.accept_form("then")) {
    flush_pending(out, frame.pending_begin);
    push_label(frame.label);
    frames_.push_back({.kind = FrameKind::then_, .where = where});
    return {};
  }
  if (frame.kind == FrameKind::after_then && cursor.accept_form("else")) {
    emit_op(out, Op::else_);
    frames_.push_back({.kind = FrameKind::else_, .where = where});
    return {};
  }
  if (frame.kind == FrameKind::after_then || frame.kind == FrameKind::after_else) return cursor.unexpected();

  cursor.advance();
  const Token& keyword = cursor.peek();
  auto op = find_op(cursor.text());
  if (!op || *op == Op::end || *op == Op::else_) {
    // Forms of the module's grammar in a place where instructions are expected are unexpected, not unknown.
    for (std::string_view form :
         {"param", "result", "local", "type", "import", "export", "then", "else", "end", "item"})
      if (cursor.text() == form) return cursor.unexpected();
    return cursor.unknown_operator(keyword);
  }
  cursor.advance();
  Frame inner{.kind = FrameKind::plain, .pending_begin = pending_.size(), .where = where};
  if (!is_block(*op)) {
    TRY_VOID(instruction(cursor, *op, pending_));
  } else if (*op == Op::if_) {
    inner.kind = FrameKind::condition;
    inner.label = TRY(block_header(cursor, *op, pending_));
  } else {
    inner.kind = FrameKind::folded_block;
    push_label(TRY(block_header(cursor, *op, out)));
  }
  frames_.push_back(inner);
  return {};
}

// At «)».
Result<void> CodeParser::close_folded(Cursor& cursor, Bytes& out) {
  const Frame frame = frames_.back();
  switch (frame.kind) {
  case FrameKind::root:
  case FrameKind::flat:
  case FrameKind::condition: return cursor.unexpected();
  case FrameKind::plain: flush_pending(out, frame.pending_begin); break;
  case FrameKind::folded_block:
  case FrameKind::after_then:
  case FrameKind::after_else:
    emit_op(out, Op::end);
    pop_label();
    break;
  case FrameKind::then_:
  case FrameKind::else_: break;
  }
  frames_.pop_back();
  if (frame.kind == FrameKind::then_) frames_.back().kind = FrameKind::after_then;
  if (frame.kind == FrameKind::else_) frames_.back().kind = FrameKind::after_else;
  cursor.advance();
  return {};
}

// At a keyword outside parentheses.
Result<void> CodeParser::flat(Cursor& cursor, Bytes& out) {
  Frame& frame = frames_.back();
  switch (frame.kind) {
  case FrameKind::plain:
  case FrameKind::condition:
  case FrameKind::after_then:
  case FrameKind::after_else: return cursor.unexpected();
  default: break;
  }
  const Token& keyword = cursor.peek();
  auto op = find_op(cursor.text());
  if (!op) return cursor.unknown_operator(keyword);
  if (*op == Op::end || *op == Op::else_) {
    if (frame.kind != FrameKind::flat || (*op == Op::else_ && !frame.may_else)) return cursor.unexpected();
    cursor.advance();
    TRY_VOID(repeated_label(cursor, frame));
    emit_op(out, *op);
    if (*op == Op::else_) {
      frame.may_else = false;
    } else {
      pop_label();
      frames_.pop_back();
    }
    return {};
  }
  cursor.advance();
  if (!is_block(*op)) return instruction(cursor, *op, out);
  auto label = TRY(block_header(cursor, *op, out));
  push_label(label);
  frames_.push_back({.kind = FrameKind::flat, .may_else = *op == Op::if_, .label = label, .where = keyword});
  return {};
}

Result<void> CodeParser::repeated_label(Cursor& cursor, const Frame& frame) {
  if (cursor.kind() != TokenKind::id) return {};
  const Token& where = cursor.peek();
  std::string_view label = scope_.identifier(cursor);
  if (frame.label != label) return cursor.fail("mismatching label " + std::string(label), where);
  return {};
}

Result<std::optional<std::string_view>> CodeParser::block_header(Cursor& cursor, Op op, Bytes& out) {
  std::optional<std::string_view> label;
  if (cursor.kind() == TokenKind::id) label = scope_.identifier(cursor);
  emit_op(out, op);
  TRY_VOID(immediates(cursor, op_info(op), out));
  return label;
}

Result<void> CodeParser::block_type(Cursor& cursor, Bytes& out) {
  constexpr uint8_t kEmpty = 0x40;
  TypeUse use = TRY(types_.type_use(cursor, false));
  if (use.index || use.signature.params.count != 0 || use.signature.results.count > 1)
    out.sleb(types_.resolve(use));
  else if (use.signature.results.count == 1)
    out.append(use.signature.results.bytes);
  else
    out.u8(kEmpty);
  return {};
}

Result<void> CodeParser::catch_clauses(Cursor& cursor, Bytes& out) {
  CountedBytes clauses;
  while (true) {
    bool with_tag = cursor.at_form("catch") || cursor.at_form("catch_ref");
    bool all = cursor.at_form("catch_all") || cursor.at_form("catch_all_ref");
    if (!with_tag && !all) break;
    bool with_ref = cursor.text(1).ends_with("_ref");
    cursor.advance(2);
    clauses.bytes.u8(static_cast<uint8_t>((all ? 2 : 0) | (with_ref ? 1 : 0)));
    if (with_tag) TRY_VOID(index(cursor, scope_.tags, clauses.bytes));
    TRY_VOID(label(cursor, clauses.bytes));
    TRY_VOID(cursor.expect_right());
    ++clauses.count;
  }
  out.uleb(clauses.count);
  out.append(clauses.bytes);
  return {};
}

} // namespace runtime::text
