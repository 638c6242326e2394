// Random valid modules for differential tests: functions of one type, full of numeric instructions, locals, memory,
// control and calls. They end (loops count down, calls are paid from a global) and what they return does not depend on
// which of two NaNs an engine propagates: NaNs are made canonical before their bits can be seen.
#pragma once
#include "runtime/types/opcodes.hpp"
#include <bit>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace runtime::testing {

using Octets = std::vector<uint8_t>;

// Every function: (i32 i64 f32 f64 i32 i64 f32 f64) → (i32 i64 f32 f64), exported as "f0", "f1", …
class RandomModule {
public:
  RandomModule(uint32_t seed, uint32_t functions) : random_(seed), functions_(functions) {}

  std::vector<std::byte> bytes() {
    for (uint32_t code = 0x45; code <= 0xc4; ++code) add_op(static_cast<Op>(code));
    for (uint32_t code = 0xfc0000; code <= 0xfc0007; ++code) add_op(static_cast<Op>(code));

    for (uint32_t code = 0xfd000e; code <= 0xfd00ff; ++code) add_vector_op(static_cast<Op>(code));

    Octets types, indices, exports, bodies, table;
    leb(types, 4);
    append(types, {0x60, 8, kI32, kI64, kF32, kF64, kI32, kI64, kF32, kF64, 4, kI32, kI64, kF32, kF64});
    append(types, {0x60, 0, 2, kI64, kF64}); // type 1: of blocks with two results
    append(types, {0x60, 1, kI32, 1, kI32}); // type 2: of loops and blocks with a parameter
    append(types, {0x60, 2, kI32, kF32, 2, kF32, kI32});
    leb(indices, functions_);
    leb(exports, functions_);
    leb(bodies, functions_);
    for (uint32_t i = 0; i < functions_; ++i) {
      leb(indices, 0);
      const std::string name = "f" + std::to_string(i);
      leb(exports, name.size());
      for (const char c : name) exports.push_back(static_cast<uint8_t>(c));
      exports.push_back(0);
      leb(exports, i);
      function(i);
      leb(bodies, code_.size());
      bodies.insert(bodies.end(), code_.begin(), code_.end());
    }
    append(table, {1, 0, 0x41, 0, 0x0b}); // one active segment of table 0, at 0
    leb(table, functions_);
    for (uint32_t i = 0; i < functions_; ++i) leb(table, i);

    Octets table_type{1, 0x70, 0};
    leb(table_type, functions_ + 2); // the last two are null
    Octets module = {0, 'a', 's', 'm', 1, 0, 0, 0};
    section(module, 1, types);
    section(module, 3, indices);
    section(module, 4, table_type);
    section(module, 5, {1, 0, 1});
    section(module, 6,
            {3, kI32, 1, 0x41, 40, 0x0b, kI64, 1, 0x42, 7, 0x0b, kF64, 1, 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x0b});
    section(module, 7, exports);
    section(module, 9, table);
    section(module, 10, bodies);
    const auto view = std::as_bytes(std::span(module));
    return {view.begin(), view.end()};
  }

private:
  static constexpr uint8_t kI32 = 0x7f, kI64 = 0x7e, kF32 = 0x7d, kF64 = 0x7c, kV128 = 0x7b;
  static constexpr uint32_t kParams = 8, kExtra = 12, kLocals = kParams + kExtra; // kinds repeat every four
  static constexpr uint32_t kCounter = kLocals, kScratch32 = kLocals + 4, kScratch64 = kLocals + 5, // beside them
      kVectors = kLocals + 6;                                                                       // four locals

  uint32_t pick(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  static void leb(Octets& out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
    out.push_back(static_cast<uint8_t>(value));
  }
  static void append(Octets& out, std::initializer_list<uint8_t> bytes) { out.insert(out.end(), bytes); }
  static void section(Octets& module, uint8_t id, const Octets& content) {
    module.push_back(id);
    leb(module, content.size());
    module.insert(module.end(), content.begin(), content.end());
  }
  void emit(std::initializer_list<uint8_t> bytes) { append(code_, bytes); }
  void emit_op(Op op) {
    const uint32_t code = static_cast<uint32_t>(op);
    if (code > 0xff) {
      code_.push_back(static_cast<uint8_t>(code >> 16));
      leb(code_, code & 0xffff);
    } else {
      code_.push_back(static_cast<uint8_t>(code));
    }
  }
  void add_op(Op op) {
    const OpInfo& info = op_info(op);
    if (info.family == OpFamily::numeric) ops_[static_cast<size_t>(info.result)].push_back(op);
  }

  // Those whose results show no NaN that they computed.
  void add_vector_op(Op op) {
    const OpInfo& info = op_info(op);
    if (info.family != OpFamily::vector || info.result != ValKind::v128) return;
    for (const char* computes : {".add", ".sub", ".mul", ".div", ".sqrt", ".min", ".max", ".pmin", ".pmax", ".ceil",
                                 ".floor", ".trunc", ".nearest", ".demote", ".promote", ".splat"})
      if (info.text[0] == 'f' && info.text.substr(5).starts_with(computes)) return;
    vector_ops_.push_back(op);
  }

  void local(uint8_t opcode, uint32_t index) {
    code_.push_back(opcode);
    leb(code_, index);
  }
  uint32_t local_of(ValKind kind) { return static_cast<uint32_t>(kind) + 4 * pick(kLocals / 4); }
  static uint8_t code_of(ValKind kind) { return static_cast<uint8_t>(0x7f - static_cast<uint8_t>(kind)); }

  void function(uint32_t index) {
    code_.clear();
    index_ = index;
    depth_ = 0;
    in_loop_ = 0;
    // kExtra locals with repeating kinds, four loop counters, two scratch floats
    leb(code_, kExtra + 4);
    for (uint32_t i = 0; i < kExtra; ++i) emit({1, code_of(static_cast<ValKind>(i % 4))});
    emit({4, kI32, 1, kF32, 1, kF64, 4, kV128});
    // fuel: with none left, answer at once
    emit({0x23, 0, 0x41, 1, 0x6b, 0x24, 0, 0x23, 0, 0x41, 0, 0x48, 0x04, 0x40});
    emit({0x41, 1, 0x42, 2});
    constant(ValKind::f32);
    constant(ValKind::f64);
    emit({0x0f, 0x0b});
    for (uint32_t i = 6 + pick(16); i > 0; --i) statement();
    for (const ValKind kind : {ValKind::i32, ValKind::i64}) visible(kind);
    mix_vectors();
    for (const ValKind kind : {ValKind::f32, ValKind::f64}) visible(kind);
    emit({0x0b});
  }

  // The i64 on the stack, changed by each half of each vector local.
  void mix_vectors() {
    for (uint32_t i = 0; i < 4; ++i)
      for (const uint8_t half : {0, 1}) {
        local(0x20, kVectors + i);
        emit_op(Op::i64x2_extract_lane);
        emit({half, 0x85, 0x42, 5, 0x89}); // xor, and rotated so that equal ones do not cancel
      }
  }

  // An expression whose bits may be looked at.
  void visible(ValKind kind) {
    expression(kind, 0);
    if (kind == ValKind::f32) {
      local(0x22, kScratch32);
      emit({0x43, 0, 0, 0xc0, 0x7f});
      local(0x20, kScratch32);
      local(0x20, kScratch32);
      emit({0x5b, 0x1b});
    } else if (kind == ValKind::f64) {
      local(0x22, kScratch64);
      emit({0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f});
      local(0x20, kScratch64);
      local(0x20, kScratch64);
      emit({0x61, 0x1b});
    }
  }

  void constant(ValKind kind) {
    static constexpr uint64_t kInteresting[] = {0,
                                                1,
                                                2,
                                                31,
                                                63,
                                                0x7f,
                                                0x80,
                                                0xff,
                                                0x8000,
                                                0xffff,
                                                0x7fff'ffff,
                                                0x8000'0000,
                                                0xffff'ffff,
                                                0x1'0000'0000,
                                                0x7fff'ffff'ffff'ffff,
                                                0x8000'0000'0000'0000,
                                                ~uint64_t{0}};
    static constexpr double kFloats[] = {0.0,
                                         -0.0,
                                         0.5,
                                         -0.5,
                                         1.0,
                                         1.5,
                                         2.5,
                                         -1.0,
                                         2147483647.0,
                                         2147483648.0,
                                         -2147483649.0,
                                         4294967296.0,
                                         9223372036854775808.0,
                                         -9223372036854775808.0,
                                         18446744073709551616.0,
                                         1e300,
                                         1e-310,
                                         3.14159};
    const uint64_t integer = pick(3) == 0   ? random_() << 32 | random_()
                             : pick(2) == 0 ? kInteresting[pick(std::size(kInteresting))]
                                            : pick(100);
    const double number =
        pick(5) == 0 ? static_cast<double>(static_cast<int64_t>(integer)) / 3 : kFloats[pick(std::size(kFloats))];
    switch (kind) {
    case ValKind::i32:
      emit({0x41});
      signed_leb(static_cast<int32_t>(integer));
      break;
    case ValKind::i64:
      emit({0x42});
      signed_leb(static_cast<int64_t>(integer));
      break;
    case ValKind::f32: {
      emit({0x43});
      uint32_t bits = std::bit_cast<uint32_t>(static_cast<float>(number));
      if (pick(20) == 0) bits = 0x7f80'0000 | (pick(2) == 0 ? 0 : 0x40'0000);
      for (int i = 0; i < 4; ++i) code_.push_back(static_cast<uint8_t>(bits >> 8 * i));
      break;
    }
    default: {
      emit({0x44});
      uint64_t bits = std::bit_cast<uint64_t>(number);
      if (pick(20) == 0) bits = 0x7ff0'0000'0000'0000 | (pick(2) == 0 ? 0 : 0x8'0000'0000'0000);
      for (int i = 0; i < 8; ++i) code_.push_back(static_cast<uint8_t>(bits >> 8 * i));
    }
    }
  }
  void signed_leb(int64_t value) {
    for (;;) {
      const auto byte = static_cast<uint8_t>(value & 0x7f);
      value >>= 7;
      if ((value == 0 && (byte & 0x40) == 0) || (value == -1 && (byte & 0x40) != 0)) {
        code_.push_back(byte);
        return;
      }
      code_.push_back(byte | 0x80);
    }
  }

  void address() { // mostly inside the one page
    expression(ValKind::i32, 2);
    if (pick(300) != 0) emit({0x41, 0xff, 0xff, 0x01, 0x71}); // & 0x7fff
  }
  void memarg() {
    emit({0});
    leb(code_, pick(300) == 0 ? 0xffff'0000u + pick(0x10000) : pick(4) == 0 ? pick(30000) : pick(64));
  }

  void expression(ValKind kind, uint32_t depth) {
    if (code_.size() > 6000) depth = 100;
    switch (depth > 5 ? pick(4) : pick(22)) {
    case 0:
    case 1:
    case 2: return local(0x20, local_of(kind));
    case 3: return constant(kind);
    case 4: { // tee
      expression(kind, depth + 1);
      return local(0x22, local_of(kind));
    }
    case 5: { // load
      static constexpr uint8_t kLoads[4][7] = {{0x28, 0x2c, 0x2d, 0x2e, 0x2f, 0x28, 0x28},
                                               {0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35},
                                               {0x2a, 0x2a, 0x2a, 0x2a, 0x2a, 0x2a, 0x2a},
                                               {0x2b, 0x2b, 0x2b, 0x2b, 0x2b, 0x2b, 0x2b}};
      address();
      emit({kLoads[static_cast<size_t>(kind)][pick(7)]});
      return memarg();
    }
    case 6: // select
      expression(kind, depth + 1);
      expression(kind, depth + 1);
      expression(ValKind::i32, depth + 1);
      return emit({0x1b});
    case 7: { // if with a result
      expression(ValKind::i32, depth + 1);
      emit({0x04, code_of(kind)});
      ++depth_;
      if (pick(2) == 0) statement();
      expression(kind, depth + 1);
      emit({0x05});
      expression(kind, depth + 1);
      emit({0x0b});
      --depth_;
      return;
    }
    case 8: { // block with a result that a br_if may bring
      emit({0x02, code_of(kind)});
      ++depth_;
      expression(kind, depth + 1);
      expression(ValKind::i32, depth + 1);
      emit({0x0d, 0});
      if (pick(2) == 0) {
        emit({0x1a});
        expression(kind, depth + 1);
      }
      emit({0x0b});
      --depth_;
      return;
    }
    case 9: // two results
      if (kind != ValKind::i64 && kind != ValKind::f64) break;
      emit({0x02, 1});
      ++depth_;
      expression(ValKind::i64, depth + 1);
      expression(ValKind::f64, depth + 1);
      expression(ValKind::i32, depth + 1);
      emit({0x0d, 0, 0x0b});
      --depth_;
      if (kind == ValKind::i64) return emit({0x1a});
      local(0x21, local_of(ValKind::f64));
      emit({0x1a});
      return local(0x20, local_of(ValKind::f64));
    case 10: // parameters of a block
      if (kind != ValKind::i32 && kind != ValKind::f32) break;
      expression(ValKind::i32, depth + 1);
      expression(ValKind::f32, depth + 1);
      emit({0x02, 3});
      ++depth_;
      local(0x21, local_of(ValKind::f32));
      local(0x21, local_of(ValKind::i32));
      expression(ValKind::f32, depth + 1);
      expression(ValKind::i32, depth + 1);
      emit({0x0b});
      --depth_;
      if (kind == ValKind::i32) {
        local(0x21, local_of(ValKind::i32));
        emit({0x1a});
        return local(0x20, local_of(ValKind::i32));
      }
      return emit({0x1a});
    case 11: // globals
      if (kind == ValKind::i64 && pick(4) != 0) return vector_lane(depth);
      if (kind == ValKind::i64) return emit({0x23, 1});
      if (kind == ValKind::f64) return emit({0x23, 2});
      break;
    default: break;
    }
    numeric(kind, depth);
  }

  void vector_lane(uint32_t depth) {
    vector(depth + 1);
    emit_op(Op::i64x2_extract_lane);
    emit({static_cast<uint8_t>(pick(2))});
  }

  void vector(uint32_t depth) {
    const auto any_local = [&] { return kVectors + pick(4); };
    switch (code_.size() > 6000 || depth > 7 ? 0 : pick(12)) {
    case 0: return local(0x20, any_local());
    case 1:
      emit({0xfd, 12}); // a constant
      for (int i = 0; i < 16; ++i) emit({static_cast<uint8_t>(pick(3) == 0 ? pick(256) : 0x80 * pick(2))});
      return;
    case 2: vector(depth + 1); return local(0x22, any_local());
    case 3:
      vector(depth + 1);
      vector(depth + 1);
      emit({0xfd, 13}); // a shuffle
      for (int i = 0; i < 16; ++i) emit({static_cast<uint8_t>(pick(32))});
      return;
    case 4:
      address();
      emit({0xfd, static_cast<uint8_t>(pick(11))}); // a load
      return memarg();
    case 5:
      vector(depth + 1);
      expression(ValKind::i32, depth + 1);
      return emit({0xfd, 0x17, static_cast<uint8_t>(pick(16))}); // a lane replaced
    default: break;
    }
    const Op op = vector_ops_[pick(static_cast<uint32_t>(vector_ops_.size()))];
    const OpInfo& info = op_info(op);
    for (uint32_t i = 0; i < info.param_count; ++i) {
      if (info.params[i] == ValKind::v128)
        vector(depth + 1);
      else
        expression(info.params[i], depth + 1);
    }
    emit_op(op);
  }

  void numeric(ValKind kind, uint32_t depth) {
    const std::vector<Op>& ops = ops_[static_cast<size_t>(kind)];
    Op op = ops[pick(static_cast<uint32_t>(ops.size()))];
    const auto code = static_cast<uint32_t>(op);
    const bool truncates = (code >= 0xa8 && code <= 0xab) || (code >= 0xae && code <= 0xb1);
    if (truncates && pick(100) != 0) op = kind == ValKind::i32 ? Op::i32_add : Op::i64_xor;
    const OpInfo& info = op_info(op);
    for (uint32_t i = 0; i < info.param_count; ++i) {
      const bool bits_seen = op == Op::i32_reinterpret_f32 || op == Op::i64_reinterpret_f64 ||
                             ((op == Op::f32_copysign || op == Op::f64_copysign) && i == 1);
      if (bits_seen)
        visible(info.params[i]);
      else
        expression(info.params[i], depth + 1);
    }
    const bool divides = (code >= 0x6d && code <= 0x70) || (code >= 0x7f && code <= 0x82);
    if (divides && op == static_cast<Op>(code) && pick(100) != 0) {
      if (info.params[1] == ValKind::i32)
        emit({0x41, 1, 0x72});
      else
        emit({0x42, 1, 0x84});
    }
    emit_op(op);
  }

  void arguments() {
    for (uint32_t i = 0; i < kParams; ++i) expression(static_cast<ValKind>(i % 4), 4);
  }
  void take_results() {
    for (int i = 3; i >= 0; --i) local(0x21, local_of(static_cast<ValKind>(i)));
  }

  void statement() {
    if (code_.size() > 6000) return;
    const ValKind kind = static_cast<ValKind>(pick(4));
    switch (depth_ > 6 ? pick(6) : pick(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      if (pick(2) == 0) {
        vector(0);
        return local(0x21, kVectors + pick(4));
      }
      expression(kind, 0);
      return local(0x21, local_of(kind));
    case 4: { // store
      static constexpr uint8_t kStores[4][4] = {
          {0x36, 0x3a, 0x3b, 0x36}, {0x37, 0x3c, 0x3d, 0x3e}, {0x38, 0x38, 0x38, 0x38}, {0x39, 0x39, 0x39, 0x39}};
      address();
      visible(kind);
      emit({kStores[static_cast<size_t>(kind)][pick(4)]});
      return memarg();
    }
    case 5: expression(kind, 1); return emit({0x1a});
    case 6: // if, sometimes with else
      expression(ValKind::i32, 0);
      emit({0x04, 0x40});
      ++depth_;
      statement();
      if (pick(2) == 0) {
        emit({0x05});
        statement();
      }
      emit({0x0b});
      --depth_;
      return;
    case 7:
    case 8: { // loop three times; its counter is its own
      if (in_loop_ == 4) return;
      const uint32_t counter = kCounter + in_loop_++;
      emit({0x41, 3});
      local(0x21, counter);
      const bool with_parameter = pick(3) == 0;
      if (with_parameter) expression(ValKind::i32, 2);
      emit({0x03, static_cast<uint8_t>(with_parameter ? 2 : 0x40)});
      ++depth_;
      if (with_parameter) {
        local(0x21, local_of(ValKind::i32));
      }
      statement();
      statement();
      if (with_parameter) expression(ValKind::i32, 2);
      local(0x20, counter);
      emit({0x41, 1, 0x6b});
      local(0x22, counter);
      emit({0x0d, 0, 0x0b});
      if (with_parameter) emit({0x1a});
      --depth_;
      --in_loop_;
      return;
    }
    case 9: { // branch out of two blocks
      emit({0x02, 0x40, 0x02, 0x40});
      depth_ += 2;
      statement();
      expression(ValKind::i32, 1);
      if (pick(2) == 0) {
        emit({0x0d, static_cast<uint8_t>(pick(2))});
      } else {
        emit({0x0e});
        const uint32_t targets = pick(9);
        leb(code_, targets);
        for (uint32_t i = 0; i <= targets; ++i) leb(code_, pick(2));
      }
      statement(); // dead behind a br_table
      emit({0x0b});
      statement();
      emit({0x0b});
      depth_ -= 2;
      return;
    }
    case 10: { // br_table that carries a value
      emit({0x02, kI32, 0x02, kI32});
      depth_ += 2;
      expression(ValKind::i32, 2);
      expression(ValKind::i32, 2);
      const uint32_t targets = pick(12);
      emit({0x0e});
      leb(code_, targets);
      for (uint32_t i = 0; i <= targets; ++i) leb(code_, pick(2));
      emit({0x0b});
      expression(ValKind::i32, 3);
      emit({0x73, 0x0b});
      depth_ -= 2;
      return local(0x21, local_of(ValKind::i32));
    }
    case 11:
      if (pick(4) != 0) return;
      expression(ValKind::i32, 1);
      emit({0x04, 0x40});
      for (const ValKind result : {ValKind::i32, ValKind::i64, ValKind::f32, ValKind::f64}) visible(result);
      return emit({0x0f, 0x0b});
    case 12:
      if (pick(2) == 0) {
        expression(ValKind::i64, 1);
        return emit({0x24, 1});
      }
      visible(ValKind::f64);
      return emit({0x24, 2});
    case 13:
    case 14: // call, sometimes with values below the arguments
      if (functions_ == 1) return;
      if (pick(2) == 0) {
        arguments();
        emit({0x10});
        leb(code_, pick(functions_));
        return take_results();
      }
      expression(kind, 3);
      arguments();
      emit({0x10});
      leb(code_, pick(functions_));
      take_results();
      return local(0x21, local_of(kind));
    default: // through the table, rarely at a null
      arguments();
      expression(ValKind::i32, 3);
      emit({0x41});
      signed_leb(pick(100) == 0 ? functions_ + 3 : functions_);
      emit({0x70, 0x11, 0, 0}); // rem_u
      return take_results();
    }
  }

  std::mt19937 random_;
  uint32_t functions_, index_ = 0, depth_ = 0, in_loop_ = 0;
  std::vector<Op> ops_[4], vector_ops_;
  Octets code_;
};

} // namespace runtime::testing
