// Instructions in text form (spec §6.5) into the binary format (§5.4), flat and folded. Nesting is as deep as the
// source says: open blocks and folded instructions are on an explicit stack, so that hostile nesting costs memory in
// proportion to the text and never the machine's stack.
#pragma once
#include "runtime/text/type_parser.hpp"
#include "runtime/types/opcodes.hpp"

namespace runtime::text {

class CodeParser {
public:
  CodeParser(Scope& scope, TypeParser& types) : scope_(scope), types_(types) {}

  // Names of the locals for the code that follows; forgets the last function's.
  void begin_function();
  [[nodiscard]] Result<void> name_local(Cursor& cursor, std::string_view name, uint32_t index, const Token& where);

  // Instructions up to the parenthesis that closes the enclosing form (which is left), without the final `end`.
  [[nodiscard]] Result<void> sequence(Cursor& cursor, Bytes& out) { return run(cursor, out, false); }
  // Exactly one folded instruction.
  [[nodiscard]] Result<void> folded(Cursor& cursor, Bytes& out) { return run(cursor, out, true); }

  // Whether code so far names data segments, which then must be counted before the code section (§5.5.16).
  [[nodiscard]] bool names_data() const { return names_data_; }

private:
  enum class FrameKind : uint8_t {
    root,
    flat,         // block … end
    folded_block, // (block …)
    plain,        // (i32.add …): operands, then the instruction itself
    condition,    // (if … up to «(then»
    then_,        // (then …)
    after_then,   // may be «(else»
    else_,        // (else …)
    after_else,
  };
  struct Frame {
    FrameKind kind;
    bool may_else = false;                                // flat: an `if` whose `else` has not come
    size_t pending_begin = 0;                             // plain, condition: where its own bytes begin in pending_
    std::optional<std::string_view> label = std::nullopt; // flat, condition: what `end $label` must repeat
    Token where = {};
  };
  struct Label {
    std::optional<std::string_view> name;
    std::optional<uint32_t> shadowed; // position of the outer label of the same name
  };

  [[nodiscard]] Result<void> run(Cursor& cursor, Bytes& out, bool single);
  [[nodiscard]] Result<void> open_folded(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> close_folded(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> flat(Cursor& cursor, Bytes& out);
  void flush_pending(Bytes& out, size_t begin);

  // A block instruction behind its keyword: label and immediates. The label is not pushed.
  [[nodiscard]] Result<std::optional<std::string_view>> block_header(Cursor& cursor, Op op, Bytes& out);
  [[nodiscard]] Result<void> block_type(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> catch_clauses(Cursor& cursor, Bytes& out);
  // `end $l` and `else $l` repeat the label of the block or none.
  [[nodiscard]] Result<void> repeated_label(Cursor& cursor, const Frame& frame);
  void push_label(std::optional<std::string_view> name);
  void pop_label();

  // An instruction that is no block, behind its keyword.
  [[nodiscard]] Result<void> instruction(Cursor& cursor, Op op, Bytes& out);
  [[nodiscard]] Result<void> immediates(Cursor& cursor, const OpInfo& info, Bytes& out);
  [[nodiscard]] Result<void> select(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> cast(Cursor& cursor, Op op, Bytes& out);
  [[nodiscard]] Result<void> branch_on_cast(Cursor& cursor, Op op, Bytes& out);
  [[nodiscard]] Result<void> call_indirect(Cursor& cursor, Op op, Bytes& out);
  [[nodiscard]] Result<void> copy_of_segment(Cursor& cursor, Op op, const IndexSpace& storages,
                                             const IndexSpace& segments, Bytes& out);
  [[nodiscard]] Result<void> copy(Cursor& cursor, Op op, const IndexSpace& storages, Bytes& out);
  [[nodiscard]] Result<void> memory_argument(Cursor& cursor, const OpInfo& info, Bytes& out);
  [[nodiscard]] Result<void> lane(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> label(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> labels(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> local(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> field(Cursor& cursor, Bytes& out);
  [[nodiscard]] Result<void> index(Cursor& cursor, const IndexSpace& space, Bytes& out);
  [[nodiscard]] Result<uint32_t> optional_index(Cursor& cursor, const IndexSpace& space);

  Scope& scope_;
  TypeParser& types_;
  std::unordered_map<std::string_view, uint32_t> locals_;
  std::vector<Label> labels_; // innermost last
  std::unordered_map<std::string_view, uint32_t> label_positions_;
  std::vector<Frame> frames_;
  Bytes pending_;          // instructions whose operands are being read, outermost first
  uint32_t structure_ = 0; // the type index before a field's
  bool names_data_ = false;
};

void emit_op(Bytes& out, Op op);

// Sixteen bytes of «i8x16 0 1 …», the cursor on the shape.
[[nodiscard]] Result<void> vector_literal(Cursor& cursor, Bytes& out);

} // namespace runtime::text
