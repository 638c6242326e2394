// The x86-64 instruction encoder of all tiers (Intel SDM volume 2, chapter 2): every method appends one
// instruction. Nothing is checked at run time but the room left in the buffer, because this is the hottest code of
// compilation; tests/runtime/codegen/emitter_test.cpp compares every method with a disassembler.
//
// Assumes a processor with SSE4.2, POPCNT, LZCNT, BMI1 and BMI2: x86-64 servers and desktops since 2013, and QEMU's
// `-cpu max`. Tiers refuse to compile on others (processor.hpp).
//
// Buffer: an instruction is at most 15 bytes; each method first makes sure of kRoom bytes, then writes without checks.
// Jumps: forward jumps take 32-bit displacements and are chained through their own displacement fields until the
// label is bound, so a label is two words and needs no allocation; ShortJump is for distances known to be small.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace runtime::x86_64 {

enum class Gpr : uint8_t { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 };
enum class Xmm : uint8_t {
  xmm0,
  xmm1,
  xmm2,
  xmm3,
  xmm4,
  xmm5,
  xmm6,
  xmm7,
  xmm8,
  xmm9,
  xmm10,
  xmm11,
  xmm12,
  xmm13,
  xmm14,
  xmm15
};
enum class Width : uint8_t { w32, w64 }; // of integer operands; 32-bit results clear the upper half
enum class FloatWidth : uint8_t { f32, f64 };

// Condition codes as encoded in jcc, setcc and cmovcc; cond ^ 1 is the negation.
enum class Cond : uint8_t { o, no, b, ae, e, ne, be, a, s, ns, p, np, l, ge, le, g };
[[nodiscard]] constexpr Cond negate(Cond cond) { return static_cast<Cond>(static_cast<uint8_t>(cond) ^ 1); }

// [base + index * 2^scale + disp]
struct Mem {
  Gpr base;
  int32_t disp = 0;
  Gpr index = Gpr::rsp; // rsp: none, as in the encoding
  uint8_t scale_log2 = 0;
};

enum class Alu : uint8_t { add, or_, adc, sbb, and_, sub, xor_, cmp };
enum class Shift : uint8_t { rol = 0, ror = 1, shl = 4, shr = 5, sar = 7 };
enum class ShiftX : uint8_t { shlx = 1, sarx = 2, shrx = 3 }; // VEX pp field
enum class Sse : uint8_t { sqrt = 0x51, add = 0x58, mul = 0x59, sub = 0x5c, min = 0x5d, div = 0x5e, max = 0x5f };
enum class SseLogic : uint8_t { and_ = 0x54, andn = 0x55, or_ = 0x56, xor_ = 0x57 };
enum class Rounding : uint8_t { nearest = 8, floor = 9, ceil = 10, trunc = 11 }; // precision exception suppressed

struct Label {
  static constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t bound = kNone; // offset once bound
  uint32_t chain = kNone; // last displacement field waiting for it
  [[nodiscard]] bool used() const { return chain != kNone; }
};
struct ShortJump {
  uint32_t at;
};

class Emitter {
public:
  explicit Emitter(std::vector<std::byte>& code) : code_(code) { reset(); }

  [[nodiscard]] uint32_t offset() const { return static_cast<uint32_t>(at_ - begin_); }
  void finish() { code_.resize(offset()); } // cuts the vector to what was written; writing may not go on

  // --- moves
  void mov(Width w, Gpr to, Gpr from) { rr(0, w, 0x8b, n(to), n(from)); }
  void mov(Width w, Gpr to, const Mem& from) { rm(0, w, 0x8b, n(to), from); }
  void mov(Width w, const Mem& to, Gpr from) { rm(0, w, 0x89, n(from), to); }
  void mov8(const Mem& to, Gpr from) { rm(0, Width::w32, 0x88, n(from), to, is_high_byte(from)); }
  void mov16(const Mem& to, Gpr from) { rm(0x66, Width::w32, 0x89, n(from), to); }
  void mov_imm(Width w, const Mem& to, int32_t value) { // sign-extended to 64 bits with w64
    rm(0, w, 0xc7, 0, to);
    put32(static_cast<uint32_t>(value));
  }
  void mov8_imm(const Mem& to, uint8_t value) {
    rm(0, Width::w32, 0xc6, 0, to);
    put8(value);
  }
  void mov16_imm(const Mem& to, uint16_t value) {
    rm(0x66, Width::w32, 0xc7, 0, to);
    put8(static_cast<uint8_t>(value));
    put8(static_cast<uint8_t>(value >> 8));
  }
  // The shortest encoding that leaves the flags alone: zero-extended 32, sign-extended 32, or 64 bits.
  void mov_imm(Gpr to, uint64_t value) {
    room();
    if (value <= 0xffff'ffff) {
      if (n(to) >= 8) put8(0x41);
      put8(static_cast<uint8_t>(0xb8 | (n(to) & 7)));
      put32(static_cast<uint32_t>(value));
    } else if (static_cast<int64_t>(value) == static_cast<int32_t>(value)) {
      rr(0, Width::w64, 0xc7, 0, n(to));
      put32(static_cast<uint32_t>(value));
    } else {
      put8(n(to) >= 8 ? 0x49 : 0x48);
      put8(static_cast<uint8_t>(0xb8 | (n(to) & 7)));
      put32(static_cast<uint32_t>(value));
      put32(static_cast<uint32_t>(value >> 32));
    }
  }
  void movzx8(Gpr to, Gpr from) { rr(0, Width::w32, 0x0fb6, n(to), n(from), is_high_byte(from)); }
  void movzx8(Gpr to, const Mem& from) { rm(0, Width::w32, 0x0fb6, n(to), from); }
  void movzx16(Gpr to, Gpr from) { rr(0, Width::w32, 0x0fb7, n(to), n(from)); }
  void movzx16(Gpr to, const Mem& from) { rm(0, Width::w32, 0x0fb7, n(to), from); }
  void movsx8(Width w, Gpr to, Gpr from) { rr(0, w, 0x0fbe, n(to), n(from), is_high_byte(from)); }
  void movsx8(Width w, Gpr to, const Mem& from) { rm(0, w, 0x0fbe, n(to), from); }
  void movsx16(Width w, Gpr to, Gpr from) { rr(0, w, 0x0fbf, n(to), n(from)); }
  void movsx16(Width w, Gpr to, const Mem& from) { rm(0, w, 0x0fbf, n(to), from); }
  void movsxd(Gpr to, Gpr from) { rr(0, Width::w64, 0x63, n(to), n(from)); }
  void movsxd(Gpr to, const Mem& from) { rm(0, Width::w64, 0x63, n(to), from); }
  void lea(Width w, Gpr to, const Mem& address) { rm(0, w, 0x8d, n(to), address); }
  void xchg(Gpr a, Gpr b) { rr(0, Width::w64, 0x87, n(b), n(a)); }
  void push(Gpr reg) {
    room();
    if (n(reg) >= 8) put8(0x41);
    put8(static_cast<uint8_t>(0x50 | (n(reg) & 7)));
  }
  void pop(Gpr reg) {
    room();
    if (n(reg) >= 8) put8(0x41);
    put8(static_cast<uint8_t>(0x58 | (n(reg) & 7)));
  }

  // --- integer arithmetic
  void alu(Alu op, Width w, Gpr to, Gpr from) { rr(0, w, 8u * n(op) + 3, n(to), n(from)); }
  void alu(Alu op, Width w, Gpr to, const Mem& from) { rm(0, w, 8u * n(op) + 3, n(to), from); }
  void alu(Alu op, Width w, const Mem& to, Gpr from) { rm(0, w, 8u * n(op) + 1, n(from), to); }
  void alu_imm(Alu op, Width w, Gpr to, int32_t value) {
    if (value == static_cast<int8_t>(value)) {
      rr(0, w, 0x83, n(op), n(to));
      put8(static_cast<uint8_t>(value));
    } else {
      rr(0, w, 0x81, n(op), n(to));
      put32(static_cast<uint32_t>(value));
    }
  }
  void alu_imm(Alu op, Width w, const Mem& to, int32_t value) {
    if (value == static_cast<int8_t>(value)) {
      rm(0, w, 0x83, n(op), to);
      put8(static_cast<uint8_t>(value));
    } else {
      rm(0, w, 0x81, n(op), to);
      put32(static_cast<uint32_t>(value));
    }
  }
  // sub to, value with a 32-bit immediate whatever its value; returns the immediate's offset for patch32().
  uint32_t sub_imm32(Gpr to, int32_t value) {
    rr(0, Width::w64, 0x81, n(Alu::sub), n(to));
    put32(static_cast<uint32_t>(value));
    return offset() - 4;
  }
  void test(Width w, Gpr a, Gpr b) { rr(0, w, 0x85, n(b), n(a)); }
  void test_imm(Width w, Gpr a, int32_t value) {
    rr(0, w, 0xf7, 0, n(a));
    put32(static_cast<uint32_t>(value));
  }
  void imul(Width w, Gpr to, Gpr from) { rr(0, w, 0x0faf, n(to), n(from)); }
  void imul(Width w, Gpr to, const Mem& from) { rm(0, w, 0x0faf, n(to), from); }
  void imul_imm(Width w, Gpr to, Gpr from, int32_t value) {
    if (value == static_cast<int8_t>(value)) {
      rr(0, w, 0x6b, n(to), n(from));
      put8(static_cast<uint8_t>(value));
    } else {
      rr(0, w, 0x69, n(to), n(from));
      put32(static_cast<uint32_t>(value));
    }
  }
  void neg(Width w, Gpr reg) { rr(0, w, 0xf7, 3, n(reg)); }
  void div(Width w, Gpr by) { rr(0, w, 0xf7, 6, n(by)); }
  void idiv(Width w, Gpr by) { rr(0, w, 0xf7, 7, n(by)); }
  void sign_extend_rax_to_rdx(Width w) { // cdq, cqo
    room();
    if (w == Width::w64) put8(0x48);
    put8(0x99);
  }
  void shift_imm(Shift op, Width w, Gpr reg, uint8_t count) {
    rr(0, w, 0xc1, n(op), n(reg));
    put8(count);
  }
  void shift_cl(Shift op, Width w, Gpr reg) { rr(0, w, 0xd3, n(op), n(reg)); }
  void shiftx(ShiftX op, Width w, Gpr to, Gpr from, Gpr count) { // shlx, sarx, shrx: no flags, no rcx
    vex(2, n(op), w, n(to), n(count), n(from));
    put8(0xf7);
    put8(modrm(3, n(to), n(from)));
  }
  void rorx(Width w, Gpr to, Gpr from, uint8_t count) {
    vex(3, 3, w, n(to), 0, n(from));
    put8(0xf0);
    put8(modrm(3, n(to), n(from)));
    put8(count);
  }
  void lzcnt(Width w, Gpr to, Gpr from) { rr(0xf3, w, 0x0fbd, n(to), n(from)); }
  void tzcnt(Width w, Gpr to, Gpr from) { rr(0xf3, w, 0x0fbc, n(to), n(from)); }
  void popcnt(Width w, Gpr to, Gpr from) { rr(0xf3, w, 0x0fb8, n(to), n(from)); }
  void btc_imm(Width w, Gpr reg, uint8_t bit) { // complements one bit
    rr(0, w, 0x0fba, 7, n(reg));
    put8(bit);
  }
  void setcc(Cond cond, Gpr to) { rr(0, Width::w32, 0x0f90u | n(cond), 0, n(to), is_high_byte(to)); }
  void cmov(Cond cond, Width w, Gpr to, Gpr from) { rr(0, w, 0x0f40u | n(cond), n(to), n(from)); }
  void cmov(Cond cond, Width w, Gpr to, const Mem& from) { rm(0, w, 0x0f40u | n(cond), n(to), from); }

  // --- control transfer
  void jmp(Label& label) {
    room();
    if (label.bound != Label::kNone && is_near(label, 2)) return short_back(0xeb, label);
    put8(0xe9);
    displacement(label);
  }
  void jcc(Cond cond, Label& label) {
    room();
    if (label.bound != Label::kNone && is_near(label, 2))
      return short_back(static_cast<uint8_t>(0x70 | n(cond)), label);
    put8(0x0f);
    put8(static_cast<uint8_t>(0x80 | n(cond)));
    displacement(label);
  }
  void lea_label(Gpr to, Label& label) { // rip-relative
    room();
    put8(static_cast<uint8_t>(0x48 | (n(to) >= 8 ? 4 : 0)));
    put8(0x8d);
    put8(modrm(0, n(to), 5));
    displacement(label);
  }
  void bind(Label& label) {
    label.bound = offset();
    for (uint32_t field = label.chain; field != Label::kNone;) {
      const uint32_t next = read32(field);
      patch32(field, label.bound - (field + 4));
      field = next;
    }
  }
  [[nodiscard]] ShortJump jmp_short() {
    room();
    put8(0xeb);
    put8(0);
    return {offset()};
  }
  [[nodiscard]] ShortJump jcc_short(Cond cond) {
    room();
    put8(static_cast<uint8_t>(0x70 | n(cond)));
    put8(0);
    return {offset()};
  }
  void bind(ShortJump jump) { begin_[jump.at - 1] = static_cast<uint8_t>(offset() - jump.at); }
  void jmp(Gpr target) { rr(0, Width::w32, 0xff, 4, n(target)); }
  void jmp(const Mem& target) { rm(0, Width::w32, 0xff, 4, target); }
  void call(const Mem& target) { rm(0, Width::w32, 0xff, 2, target); }
  uint32_t call_rel32() { // returns the displacement's offset for patch_relative()
    room();
    put8(0xe8);
    put32(0);
    return offset() - 4;
  }
  uint32_t jmp_rel32() {
    room();
    put8(0xe9);
    put32(0);
    return offset() - 4;
  }
  uint32_t jcc_rel32(Cond cond) {
    room();
    put8(0x0f);
    put8(static_cast<uint8_t>(0x80 | n(cond)));
    put32(0);
    return offset() - 4;
  }
  void ret() {
    room();
    put8(0xc3);
  }
  void leave() {
    room();
    put8(0xc9);
  }
  void ud2() {
    room();
    put8(0x0f);
    put8(0x0b);
  }

  // --- scalar floating point; the width chooses ss or sd forms
  void movs(FloatWidth w, Xmm to, const Mem& from) { rm(scalar(w), Width::w32, 0x0f10, n(to), from); }
  void movs(FloatWidth w, const Mem& to, Xmm from) { rm(scalar(w), Width::w32, 0x0f11, n(from), to); }
  void movaps(Xmm to, Xmm from) { rr(0, Width::w32, 0x0f28, n(to), n(from)); }
  void movd(Width w, Xmm to, Gpr from) { rr(0x66, w, 0x0f6e, n(to), n(from)); }
  void movd(Width w, Gpr to, Xmm from) { rr(0x66, w, 0x0f7e, n(from), n(to)); }
  void sse(Sse op, FloatWidth w, Xmm to, Xmm from) { rr(scalar(w), Width::w32, 0x0f00u | n(op), n(to), n(from)); }
  void sse(Sse op, FloatWidth w, Xmm to, const Mem& from) { rm(scalar(w), Width::w32, 0x0f00u | n(op), n(to), from); }
  void logic(SseLogic op, Xmm to, Xmm from) { rr(0, Width::w32, 0x0f00u | n(op), n(to), n(from)); }
  void ucomis(FloatWidth w, Xmm a, Xmm b) { rr(w == FloatWidth::f64 ? 0x66 : 0, Width::w32, 0x0f2e, n(a), n(b)); }
  void ucomis(FloatWidth w, Xmm a, const Mem& b) { rm(w == FloatWidth::f64 ? 0x66 : 0, Width::w32, 0x0f2e, n(a), b); }
  void round(FloatWidth w, Xmm to, Xmm from, Rounding mode) {
    rr(0x66, Width::w32, w == FloatWidth::f64 ? 0x0f3a0b : 0x0f3a0a, n(to), n(from));
    put8(n(mode));
  }
  void pcmpeqd(Xmm to, Xmm from) { rr(0x66, Width::w32, 0x0f76, n(to), n(from)); }
  void psrl_imm(Width lane, Xmm reg, uint8_t count) { // psrld, psrlq
    rr(0x66, Width::w32, lane == Width::w64 ? 0x0f73 : 0x0f72, 2, n(reg));
    put8(count);
  }
  void psll_imm(Width lane, Xmm reg, uint8_t count) { // pslld, psllq
    rr(0x66, Width::w32, lane == Width::w64 ? 0x0f73 : 0x0f72, 6, n(reg));
    put8(count);
  }
  void cvt_int_to_float(FloatWidth w, Width from_width, Xmm to, Gpr from) {
    rr(scalar(w), from_width, 0x0f2a, n(to), n(from));
  }
  void cvtt_float_to_int(FloatWidth w, Width to_width, Gpr to, Xmm from) {
    rr(scalar(w), to_width, 0x0f2c, n(to), n(from));
  }
  void cvt_float_to_float(FloatWidth to_width, Xmm to, Xmm from) { // from the other width
    rr(scalar(to_width == FloatWidth::f64 ? FloatWidth::f32 : FloatWidth::f64), Width::w32, 0x0f5a, n(to), n(from));
  }

  // --- raw data and patches
  void data_label(Label& label) { // 32 bits: the label's distance from behind these
    room();
    displacement(label);
  }
  void data32(uint32_t value) {
    room();
    put32(value);
  }
  void align(uint32_t bytes) { // with int3
    while (offset() % bytes != 0) {
      room();
      put8(0xcc);
    }
  }
  void patch32(uint32_t at, uint32_t value) { std::memcpy(begin_ + at, &value, 4); }
  void patch8(uint32_t at, uint8_t value) { begin_[at] = value; }
  [[nodiscard]] uint32_t read32(uint32_t at) const {
    uint32_t value;
    std::memcpy(&value, begin_ + at, 4);
    return value;
  }
  void patch_relative(uint32_t at, uint32_t target) { patch32(at, target - (at + 4)); }

private:
  static constexpr size_t kRoom = 32, kInitialBytes = 4096;

  template <class E> static constexpr uint8_t n(E value) { return static_cast<uint8_t>(value); }
  static constexpr uint8_t modrm(uint32_t mod, uint32_t reg, uint32_t rm) {
    return static_cast<uint8_t>(mod << 6 | (reg & 7) << 3 | (rm & 7));
  }
  static constexpr uint8_t scalar(FloatWidth w) { return w == FloatWidth::f64 ? 0xf2 : 0xf3; }
  // Without a REX prefix, numbers 4 to 7 would name ah, ch, dh, bh as byte registers.
  static constexpr bool is_high_byte(Gpr reg) { return n(reg) >= 4 && n(reg) < 8; }

  void put8(uint8_t value) { *at_++ = value; }
  void put32(uint32_t value) {
    std::memcpy(at_, &value, 4);
    at_ += 4;
  }
  void room() {
    if (static_cast<size_t>(end_ - at_) < kRoom) [[unlikely]]
      grow();
  }
  void reset() {
    const size_t used = code_.size();
    code_.resize(used + kInitialBytes);
    set(used);
  }
  void set(size_t used) {
    begin_ = reinterpret_cast<uint8_t*>(code_.data());
    at_ = begin_ + used;
    end_ = begin_ + code_.size();
  }
  void grow() {
    const size_t used = offset();
    code_.resize(2 * code_.size());
    set(used);
  }

  void prefixes(uint8_t prefix, Width w, uint32_t rex_bits, bool force_rex) {
    if (prefix != 0) put8(prefix);
    const uint32_t rex = rex_bits | (w == Width::w64 ? 8u : 0u);
    if (rex != 0 || force_rex) put8(static_cast<uint8_t>(0x40 | rex));
  }
  void opcode_bytes(uint32_t opcode) {
    if (opcode > 0xffff) put8(static_cast<uint8_t>(opcode >> 16));
    if (opcode > 0xff) put8(static_cast<uint8_t>(opcode >> 8));
    put8(static_cast<uint8_t>(opcode));
  }
  void rr(uint8_t prefix, Width w, uint32_t opcode, uint32_t reg, uint32_t rm, bool force_rex = false) {
    room();
    prefixes(prefix, w, (reg >= 8 ? 4u : 0u) | (rm >= 8 ? 1u : 0u), force_rex);
    opcode_bytes(opcode);
    put8(modrm(3, reg, rm));
  }
  void rm(uint8_t prefix, Width w, uint32_t opcode, uint32_t reg, const Mem& mem, bool force_rex = false) {
    room();
    const uint32_t base = n(mem.base), index = n(mem.index);
    prefixes(prefix, w, (reg >= 8 ? 4u : 0u) | (index >= 8 ? 2u : 0u) | (base >= 8 ? 1u : 0u), force_rex);
    opcode_bytes(opcode);
    const bool needs_sib = mem.index != Gpr::rsp || (base & 7) == 4;
    // mod 0 with base rbp or r13 means something else, so these always have a displacement
    const uint32_t mod = mem.disp == 0 && (base & 7) != 5 ? 0 : mem.disp == static_cast<int8_t>(mem.disp) ? 1 : 2;
    put8(modrm(mod, reg, needs_sib ? 4 : base));
    if (needs_sib) put8(static_cast<uint8_t>(mem.scale_log2 << 6 | (index & 7) << 3 | (base & 7)));
    if (mod == 1) put8(static_cast<uint8_t>(mem.disp));
    if (mod == 2) put32(static_cast<uint32_t>(mem.disp));
  }
  // Three-byte VEX prefix, L = 0. map: 2 = 0f38, 3 = 0f3a. pp: 1 = 66, 2 = f3, 3 = f2.
  void vex(uint32_t map, uint32_t pp, Width w, uint32_t reg, uint32_t vvvv, uint32_t rm) {
    room();
    put8(0xc4);
    put8(static_cast<uint8_t>((reg < 8 ? 0x80 : 0) | 0x40 | (rm < 8 ? 0x20 : 0) | map));
    put8(static_cast<uint8_t>((w == Width::w64 ? 0x80 : 0) | (~vvvv & 15) << 3 | pp));
  }
  [[nodiscard]] bool is_near(const Label& label, uint32_t length) const {
    return offset() + length - label.bound <= 128;
  }
  void short_back(uint8_t opcode, const Label& label) {
    put8(opcode);
    put8(static_cast<uint8_t>(label.bound - (offset() + 1)));
  }
  void displacement(Label& label) {
    if (label.bound != Label::kNone) {
      put32(label.bound - (offset() + 4));
    } else {
      put32(label.chain);
      label.chain = offset() - 4;
    }
  }

  std::vector<std::byte>& code_;
  uint8_t* begin_ = nullptr;
  uint8_t* at_ = nullptr;
  uint8_t* end_ = nullptr;
};

} // namespace runtime::x86_64
