// Stacks, locals and immediates of a body under validation.
#include "runtime/validate/validation_state.hpp"
#include <algorithm>
#include <format>

namespace runtime {
namespace {

// Results of block types that are a single number or vector type, to point at.
constexpr ValType kSingles[] = {ValKind::i32, ValKind::i64, ValKind::f32, ValKind::f64, ValKind::v128};

constexpr std::array<FrequentShape, 256> make_frequent_shapes() {
  std::array<FrequentShape, 256> shapes{};
  const auto kind = [](char letter) {
    return letter == 'i' ? ValKind::i32 : letter == 'I' ? ValKind::i64 : letter == 'f' ? ValKind::f32 : ValKind::f64;
  };
  const auto shape_of = [&](Op op, OpFamily family, std::string_view signature, uint8_t align_log2) -> FrequentShape {
    switch (family) {
    case OpFamily::load: return {FrequentForm::load, align_log2, ValKind::bottom, kind(signature.back())};
    case OpFamily::store: return {FrequentForm::store, align_log2, kind(signature[1]), ValKind::bottom};
    case OpFamily::numeric:
      return {signature.find(':') == 2 ? FrequentForm::binary : FrequentForm::unary, 0, kind(signature.front()),
              kind(signature.back())};
    default: break;
    }
    switch (op) {
    case Op::local_get: return {FrequentForm::local_get};
    case Op::local_set: return {FrequentForm::local_set};
    case Op::local_tee: return {FrequentForm::local_tee};
    case Op::global_get: return {FrequentForm::global_get};
    case Op::drop: return {FrequentForm::drop};
    case Op::block: return {FrequentForm::block};
    case Op::loop: return {FrequentForm::loop};
    case Op::if_: return {FrequentForm::if_};
    case Op::end: return {FrequentForm::end};
    case Op::br_if: return {FrequentForm::br_if};
    case Op::i32_const: return {FrequentForm::integer, 0, ValKind::bottom, ValKind::i32};
    case Op::i64_const: return {FrequentForm::integer, 0, ValKind::bottom, ValKind::i64};
    default: return {};
    }
  };
#define OP(identifier, code, text, family, immediates, signature, extra, feature)                                      \
  if (code < 256) shapes[code & 0xff] = shape_of(Op::identifier, OpFamily::family, signature, extra);
#include "runtime/types/opcodes.def"
#undef OP
  return shapes;
}

} // namespace

constinit const std::array<FrequentShape, 256> kFrequentShapes = make_frequent_shapes();

ValidationState::ValidationState(const DecodedModule& module, const TypeRegistry& types)
    : module_(module), types_(types), reader_({}, 0, "") {}

bool ValidationState::fail(std::string message, ErrorKind kind) {
  if (!error_) error_ = Error{.kind = kind, .message = std::move(message), .offset = instruction_offset_};
  return false;
}

// The suites have two names for a body that ends too early.
bool ValidationState::missing_end() {
  const bool last = reader_.offset() == module_.bytes.size();
  return fail(last ? "unexpected end of section or function" : "END opcode expected", ErrorKind::malformed);
}

bool ValidationState::fail(Error error) {
  if (error.offset == ~uint64_t{0}) error.offset = instruction_offset_;
  if (!error_) error_ = std::move(error);
  return false;
}

// Bytes that could not be read come before a check that then saw a stand-in.
Error ValidationState::take_error() {
  if (reader_.failed()) return reader_.error();
  return error_ ? std::move(*error_) : Error{.kind = ErrorKind::invalid, .message = "invalid function"};
}

bool ValidationState::grow() {
  if (capacity_ >= kMaxOperands)
    return fail(std::format("more than {} operands on the stack", kMaxOperands), ErrorKind::limit);
  const uint32_t capacity = std::max(2 * capacity_, 256u);
  auto larger = std::make_unique<ValType[]>(capacity);
  std::copy_n(stack_.get(), size_, larger.get());
  stack_ = std::move(larger);
  capacity_ = capacity;
  return true;
}

bool ValidationState::push(std::span<const ValType> types) {
  for (ValType type : types)
    if (!push(type)) return false;
  return true;
}

bool ValidationState::mismatch(ValType expected, ValType actual) {
  return fail(std::format("type mismatch: expected {} but found {}", TypeRegistry::to_string(expected),
                          TypeRegistry::to_string(actual)));
}

bool ValidationState::pop_other(ValType expected) {
  if (size_ == base_) {
    if (unreachable_) return true;
    return fail(std::format("type mismatch: expected {} but the stack is empty", TypeRegistry::to_string(expected)));
  }
  const ValType actual = stack_[--size_];
  return types_.is_subtype(actual, expected) || mismatch(expected, actual);
}

bool ValidationState::pop(std::span<const ValType> types) {
  for (size_t i = types.size(); i-- > 0;)
    if (!pop(types[i])) return false;
  return true;
}

bool ValidationState::pop_any(ValType& type) {
  if (size_ > base_) {
    type = stack_[--size_];
    return true;
  }
  type = ValKind::bottom;
  return unreachable_ || fail("type mismatch: expected an operand but the stack is empty");
}

bool ValidationState::pop_ref(ValType& type) {
  if (!pop_any(type)) return false;
  if (type.kind() == ValKind::bottom) type = ValType::ref(HeapType::bottom(), false);
  return type.is_ref() ||
         fail(std::format("type mismatch: expected a reference but found {}", TypeRegistry::to_string(type)));
}

bool ValidationState::check_top(std::span<const ValType> types) {
  const size_t present = size_ - base_;
  for (size_t i = 0; i < types.size(); ++i) { // from the top down
    const ValType expected = types[types.size() - 1 - i];
    if (i >= present)
      return unreachable_ ||
             fail(std::format("type mismatch: expected {} but the stack is empty", TypeRegistry::to_string(expected)));
    const ValType actual = stack_[size_ - 1 - i];
    if (!is_subtype(actual, expected)) return mismatch(expected, actual);
  }
  return true;
}

// --- control
// ----------------------------------------------------------------------------------------------------------

bool ValidationState::read_locals() {
  const uint32_t groups = reader_.u32();
  uint64_t total = locals_.size();
  for (uint32_t i = 0; i < groups && !reader_.failed(); ++i) {
    const uint32_t count = reader_.u32();
    const ValType type = read_val_type(reader_, scope());
    total += count;
    if (total > ~uint32_t{0}) return fail("too many locals", ErrorKind::malformed);
    // Beyond the limit only the sum still matters, for the grammar's own bound on it.
    if (total <= kMaxLocals && !reader_.failed()) locals_.insert(locals_.end(), count, type);
    if (count != 0 && !type.is_defaultable()) track_locals_ = true;
  }
  if (reader_.failed()) return false;
  if (total > kMaxLocals) return fail(std::format("more than {} locals", kMaxLocals), ErrorKind::limit);
  return true;
}

bool ValidationState::enter_function(uint32_t defined_index) {
  const FunctionBody& body = module_.bodies[defined_index];
  reader_ = Reader(body.bytes, body.offset, "unexpected end of section or function");
  error_.reset();
  instruction_offset_ = body.offset;
  frames_.clear();
  initialized_.clear();
  block_results_.clear();
  track_locals_ = false;
  size_ = base_ = 0;
  unreachable_ = false;
  live_ = true;

  function_.index = module_.imported_functions + defined_index;
  function_.type = module_.functions[function_.index];
  const FuncType& type = *types_.func(function_.type);
  function_.params = type.params;
  function_.results = type.results;
  locals_.assign(type.params.begin(), type.params.end());
  if (!read_locals()) return false;
  function_.locals = locals_;
  if (track_locals_) {
    is_initialized_.assign(locals_.size(), 0);
    for (size_t i = 0; i < locals_.size(); ++i)
      is_initialized_[i] = i < type.params.size() || locals_[i].is_defaultable();
  }
  return push_frame(ControlFrame::Kind::function, {.params = {}, .results = function_.results});
}

bool ValidationState::push_frame(ControlFrame::Kind kind, const BlockType& type) {
  if (frames_.size() >= kMaxBlockDepth)
    return fail(std::format("blocks nested more than {} deep", kMaxBlockDepth), ErrorKind::limit);
  open_frame(kind, type, size_, live_);
  return push(type.params);
}

bool ValidationState::pop_frame(ControlFrame& popped) {
  popped = frames_.back();
  if (!pop(popped.results)) return false;
  if (size_ != popped.height)
    return fail(
        std::format("type mismatch: {} operands more than results at the end of a block", size_ - popped.height));
  reset_initialized(popped.initialized);
  frames_.pop_back();
  restore_frame_mirror();
  return true;
}

bool ValidationState::restart_frame_as_else() {
  ControlFrame& frame = frames_.back();
  if (!pop(frame.results)) return false;
  if (size_ != frame.height)
    return fail(std::format("type mismatch: {} operands more than results before else", size_ - frame.height));
  reset_initialized(frame.initialized);
  frame.kind = ControlFrame::Kind::else_;
  frame.unreachable = false;
  restore_frame_mirror();
  return push(frame.params);
}

bool ValidationState::check_missing_else() {
  const ControlFrame& frame = frames_.back();
  const auto matches = [this](ValType param, ValType result) { return is_subtype(param, result); };
  return std::ranges::equal(frame.params, frame.results, matches) ||
         fail("type mismatch: an if without else gives its parameters");
}

bool ValidationState::frame_at(uint32_t depth, const ControlFrame*& frame) {
  if (depth >= frames_.size()) return fail(std::format("unknown label {}", depth));
  frame = &frames_[frames_.size() - 1 - depth];
  return true;
}

// --- locals
// -----------------------------------------------------------------------------------------------------------

bool ValidationState::check_initialized(uint32_t index) {
  return is_initialized_[index] != 0 || fail(std::format("uninitialized local {}", index));
}

void ValidationState::mark_initialized(uint32_t index) {
  if (is_initialized_[index] == 0) {
    is_initialized_[index] = 1;
    initialized_.push_back(index);
  }
}

void ValidationState::reset_initialized(uint32_t size) {
  while (initialized_.size() > size) {
    is_initialized_[initialized_.back()] = 0;
    initialized_.pop_back();
  }
}

// --- immediates
// -------------------------------------------------------------------------------------------------------

bool ValidationState::read_block_type(BlockType& type) {
  const uint8_t code = reader_.peek();
  if (code == 0x40) {
    reader_.byte();
    type = {};
    return true;
  }
  if (code >= 0x7b && code <= 0x7f) {
    reader_.byte();
    type = {.params = {}, .results = std::span(&kSingles[0x7f - code], 1)};
    return true;
  }
  if (code >= 0x40 && code < 0x80) { // a one-byte negative number: some other value type
    const ValType result = read_val_type(reader_, scope());
    block_results_.push_back(result);
    type = {.params = {}, .results = std::span(&block_results_.back(), 1)};
    return !reader_.failed();
  }
  const int64_t index = reader_.s33();
  if (index < 0) reader_.fail("malformed block type");
  if (reader_.failed()) return false;
  if (static_cast<uint64_t>(index) >= module_.types.size()) return fail(std::format("unknown type {}", index));
  const FuncType* function = types_.func(module_.types[static_cast<size_t>(index)]);
  if (function == nullptr) return fail(std::format("type mismatch: type {} is not a function type", index));
  type = {.params = function->params, .results = function->results};
  return true;
}

bool ValidationState::read_and_check_several(const OpInfo& info) {
  if (!has_fixed_size(info.immediates[0])) return true; // read by the instruction's own rule
  read_immediates(reader_, info, scope(), immediates_);
  if (reader_.failed()) return false;
  if (info.immediates[1] == Immediate::none) return check_immediate(info, 0);
  if (info.has(Immediate::data) && !module_.data_count) return data_count_required();
  // The last first: the suites expect to hear of a missing memory or table before a missing segment.
  for (size_t place = info.immediates.size(); place-- > 0;)
    if (!check_immediate(info, place)) return false;
  return true;
}

bool ValidationState::unknown(const char* what, uint32_t index) {
  return fail(std::format("unknown {} {}", what, index));
}

bool ValidationState::data_count_required() { return fail("data count section required", ErrorKind::malformed); }

bool ValidationState::check_immediate(const OpInfo& info, size_t place) {
  const uint32_t index = immediates_.index(place);
  switch (info.immediates[place]) {
  case Immediate::label: return index < frames_.size() || unknown("label", index);
  case Immediate::function: return index < module_.functions.size() || unknown("function", index);
  case Immediate::type: return index < module_.types.size() || unknown("type", index);
  case Immediate::tag: return index < module_.tags.size() || unknown("tag", index);
  case Immediate::element: return index < module_.elements.size() || unknown("elem segment", index);
  case Immediate::data:
    if (!module_.data_count) return data_count_required();
    return index < *module_.data_count || unknown("data segment", index);
  case Immediate::table:
    if (index >= module_.tables.size()) return unknown("table", index);
    name_storage(address_of_table(index));
    stack_types_[static_cast<size_t>(StackType::element)] = element_of_table(index);
    return true;
  case Immediate::memory:
    if (index >= module_.memories.size()) return unknown("memory", index);
    name_storage(address_of_memory(index));
    return true;
  case Immediate::global:
    if (index >= module_.globals.size()) return unknown("global", index);
    stack_types_[static_cast<size_t>(StackType::variable)] = module_.globals[index].type.type;
    return true;
  case Immediate::local:
    if (index >= locals_.size()) return unknown("local", index);
    stack_types_[static_cast<size_t>(StackType::variable)] = locals_[index];
    return true;
  case Immediate::memarg: {
    if (index >= module_.memories.size()) return unknown("memory", index);
    const MemArg& memarg = immediates_.memarg;
    if (memarg.align_log2 > info.natural_align_log2()) return fail("alignment must not be larger than natural");
    name_storage(address_of_memory(index));
    return memarg.offset <= ~uint32_t{0} || module_.memories[index].limits.is_64 || fail("offset out of range");
  }
  case Immediate::lane: return index < info.lanes() || fail("invalid lane index");
  case Immediate::lanes:
    for (uint32_t shift = 0; shift < 64; shift += 8)
      for (const uint64_t half : {immediates_.values[place], immediates_.values[place + 1]})
        if ((half >> shift & 0xff) >= info.lanes()) return fail("invalid lane index");
    return true;
  default: return true;
  }
}

// Called from the last to the first.
void ValidationState::name_storage(ValType address) {
  const ValType second = stack_types_[static_cast<size_t>(StackType::address)];
  stack_types_[static_cast<size_t>(StackType::second_address)] = second;
  stack_types_[static_cast<size_t>(StackType::address)] = address;
  const bool both_long = address == ValKind::i64 && second == ValKind::i64;
  stack_types_[static_cast<size_t>(StackType::length)] = both_long ? ValKind::i64 : ValKind::i32;
}

bool ValidationState::func_type(uint32_t index, TypeId& id) {
  id = module_.types[index];
  return types_.func(id) != nullptr || fail(std::format("type mismatch: type {} is not a function type", index));
}

} // namespace runtime
