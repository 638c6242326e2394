// The validator of constant expressions: straight-line code, so a stack of types is all its state.
//
// In ConstOp, `immediate` holds the literal's bits, the function or global index, the HeapType's bits of ref.null, or
// the canonical TypeId of struct.new, array.new and their variants; `immediate_high` the upper half of a vector
// literal, or the length of array.new_fixed.
#include "runtime/binary/const_expr.hpp"
#include "runtime/binary/immediates.hpp"
#include <format>

namespace runtime {
namespace {

class ConstExprReader {
public:
  ConstExprReader(Reader& reader, DecodedModule& module, const TypeRegistry& types)
      : reader_(reader), module_(module), types_(types) {}

  Result<ConstExprResult> read(ValType expected) {
    for (;;) {
      at_ = reader_.offset();
      const Op op = read_op(reader_);
      if (reader_.failed()) return std::unexpected(reader_.error());
      if (op == Op::end) break;
      TRY_VOID(instruction(op));
      if (reader_.failed()) return std::unexpected(reader_.error());
    }
    pop(expected);
    if (!stack_.empty()) refuse("type mismatch: a constant expression leaves one value");
    return std::move(result_);
  }

private:
  void refuse(std::string message) {
    if (!result_.invalid)
      result_.invalid = Error{.kind = ErrorKind::invalid, .message = std::move(message), .offset = at_};
  }

  void push(ValType type) { stack_.push_back(type); }

  ValType pop(ValType expected) {
    if (stack_.empty()) {
      refuse(std::format("type mismatch: expected {} but the stack is empty", types_.to_string(expected)));
      return expected;
    }
    const ValType actual = stack_.back();
    stack_.pop_back();
    if (!result_.invalid && !types_.is_subtype(actual, expected))
      refuse(
          std::format("type mismatch: expected {} but found {}", types_.to_string(expected), types_.to_string(actual)));
    return actual;
  }

  void emit(Op op, uint64_t low = 0, uint64_t high = 0) { result_.expr.push_back({op, low, high}); }

  void constant(Op op, ValType type, uint64_t low, uint64_t high = 0) {
    push(type);
    emit(op, low, high);
  }

  // The type that the first immediate names.
  std::optional<TypeId> type_index(size_t composite, const char* message) {
    const uint32_t index = immediates_.index(0);
    if (index >= module_.types.size()) {
      refuse(std::format("unknown type {}", index));
      return std::nullopt;
    }
    const TypeId id = module_.types[index];
    if (types_.get(id).composite.index() != composite) {
      refuse(message);
      return std::nullopt;
    }
    return id;
  }

  void new_struct(Op op) {
    const auto id = type_index(1, "type mismatch: expected a structure type");
    if (!id) return;
    const auto& fields = std::get<StructType>(types_.get(*id).composite).fields;
    for (size_t i = fields.size(); i-- > 0;) {
      if (op == Op::struct_new)
        pop(fields[i].type);
      else if (!fields[i].type.is_defaultable())
        refuse("type mismatch: a field has no default");
    }
    push(ValType::ref(HeapType::defined(*id), false));
    emit(op, static_cast<uint32_t>(*id));
  }

  void new_array(Op op) {
    const auto id = type_index(2, "type mismatch: expected an array type");
    const uint32_t length = op == Op::array_new_fixed ? immediates_.index(1) : 0;
    if (!id) return;
    const ValType element = std::get<ArrayType>(types_.get(*id).composite).element.type;
    if (op == Op::array_new_fixed) {
      if (length > stack_.size())
        refuse("type mismatch: the stack has fewer values than the array");
      else
        for (uint32_t i = 0; i < length; ++i) pop(element);
    } else {
      pop(ValKind::i32);
      if (op == Op::array_new)
        pop(element);
      else if (!element.is_defaultable())
        refuse("type mismatch: the element type has no default");
    }
    push(ValType::ref(HeapType::defined(*id), false));
    emit(op, static_cast<uint32_t>(*id), length);
  }

  void convert(Op op, AbstractHeap from, AbstractHeap to) {
    const ValType operand = pop(ValType::ref(HeapType::abstract(from), true));
    push(ValType::ref(HeapType::abstract(to), operand.is_ref() && operand.is_nullable()));
    emit(op);
  }

  Result<void> instruction(Op op) {
    const OpInfo& info = op_info(op);
    if (!info.is_constant) return std::unexpected(not_constant(info));
    read_immediates(reader_, info, {.types = module_.types}, immediates_);
    if (reader_.failed()) return {};
    const uint32_t index = immediates_.index(0);
    switch (op) {
    case Op::ref_null: constant(op, ValType::ref(immediates_.heap(0), true), index); return {};
    case Op::ref_func:
      if (index >= module_.functions.size()) return unknown("function", index);
      module_.declared_refs[index] = true;
      constant(op, ValType::ref(HeapType::defined(module_.functions[index]), false), index);
      return {};
    case Op::global_get:
      if (index >= module_.globals.size()) return unknown("global", index);
      if (module_.globals[index].type.mutable_) refuse("constant expression required: the global is mutable");
      constant(op, module_.globals[index].type.type, index);
      return {};
    case Op::struct_new:
    case Op::struct_new_default: new_struct(op); return {};
    case Op::array_new:
    case Op::array_new_default:
    case Op::array_new_fixed: new_array(op); return {};
    case Op::any_convert_extern: convert(op, AbstractHeap::extern_, AbstractHeap::any); return {};
    case Op::extern_convert_any: convert(op, AbstractHeap::any, AbstractHeap::extern_); return {};
    default: plain(op, info); return {};
    }
  }

  // Literals and arithmetic, whose types the table has.
  void plain(Op op, const OpInfo& info) {
    for (uint32_t i = info.param_count; i-- > 0;) pop(kFixedTypes[static_cast<size_t>(info.param_types[i])]);
    push(kFixedTypes[static_cast<size_t>(info.result_type)]);
    const bool is_literal = info.family == OpFamily::constant;
    emit(op, is_literal ? immediates_.values[0] : 0, op == Op::v128_const ? immediates_.values[1] : 0);
  }

  Result<void> unknown(const char* what, uint32_t index) {
    refuse(std::format("unknown {} {}", what, index));
    push(ValType::ref(HeapType::bottom(), false));
    return {};
  }

  [[nodiscard]] Error not_constant(const OpInfo& info) const {
    if (info.family == OpFamily::undefined)
      return {.kind = ErrorKind::malformed, .message = "illegal opcode", .offset = at_};
    return {.kind = ErrorKind::invalid,
            .message = std::format("constant expression required: {}", info.text),
            .offset = at_};
  }

  Reader& reader_;
  DecodedModule& module_;
  const TypeRegistry& types_;
  Immediates immediates_; // of the instruction at hand
  std::vector<ValType> stack_;
  ConstExprResult result_;
  uint64_t at_ = 0;
};

} // namespace

Result<ConstExprResult> read_const_expr(Reader& reader, ValType expected, DecodedModule& module,
                                        const TypeRegistry& types) {
  return ConstExprReader(reader, module, types).read(expected);
}

} // namespace runtime
