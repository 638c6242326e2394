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
#include <array>
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

// Instructions on whole vectors, under their names in the manual: mandatory prefix << 24 | opcode.
// to = a op b
enum class Packed2 : uint32_t {
  paddb = 0x66000ffc,
  paddw = 0x66000ffd,
  paddd = 0x66000ffe,
  paddq = 0x66000fd4,
  paddsb = 0x66000fec,
  paddsw = 0x66000fed,
  paddusb = 0x66000fdc,
  paddusw = 0x66000fdd,
  psubb = 0x66000ff8,
  psubw = 0x66000ff9,
  psubd = 0x66000ffa,
  psubq = 0x66000ffb,
  psubsb = 0x66000fe8,
  psubsw = 0x66000fe9,
  psubusb = 0x66000fd8,
  psubusw = 0x66000fd9,
  pmullw = 0x66000fd5,
  pmulhw = 0x66000fe5,
  pmulhuw = 0x66000fe4,
  pmuludq = 0x66000ff4,
  pmaddwd = 0x66000ff5,
  pminub = 0x66000fda,
  pmaxub = 0x66000fde,
  pminsw = 0x66000fea,
  pmaxsw = 0x66000fee,
  pavgb = 0x66000fe0,
  pavgw = 0x66000fe3,
  pand = 0x66000fdb,
  pandn = 0x66000fdf,
  por = 0x66000feb,
  pxor = 0x66000fef,
  pcmpeqb = 0x66000f74,
  pcmpeqw = 0x66000f75,
  pcmpeqd = 0x66000f76,
  pcmpgtb = 0x66000f64,
  pcmpgtw = 0x66000f65,
  pcmpgtd = 0x66000f66,
  packsswb = 0x66000f63,
  packuswb = 0x66000f67,
  packssdw = 0x66000f6b,
  punpcklbw = 0x66000f60,
  punpcklwd = 0x66000f61,
  punpcklqdq = 0x66000f6c,
  punpckhbw = 0x66000f68,
  punpckhwd = 0x66000f69,
  psllw = 0x66000ff1,
  pslld = 0x66000ff2,
  psllq = 0x66000ff3,
  psrlw = 0x66000fd1,
  psrld = 0x66000fd2,
  psrlq = 0x66000fd3,
  psraw = 0x66000fe1,
  psrad = 0x66000fe2,
  pshufb = 0x660f3800,
  pmaddubsw = 0x660f3804,
  pmulhrsw = 0x660f380b,
  pminsb = 0x660f3838,
  pminsd = 0x660f3839,
  pminuw = 0x660f383a,
  pminud = 0x660f383b,
  pmaxsb = 0x660f383c,
  pmaxsd = 0x660f383d,
  pmaxuw = 0x660f383e,
  pmaxud = 0x660f383f,
  pmuldq = 0x660f3828,
  pcmpeqq = 0x660f3829,
  pcmpgtq = 0x660f3837,
  packusdw = 0x660f382b,
  pmulld = 0x660f3840,
  addps = 0x00000f58,
  addpd = 0x66000f58,
  mulps = 0x00000f59,
  mulpd = 0x66000f59,
  subps = 0x00000f5c,
  subpd = 0x66000f5c,
  divps = 0x00000f5e,
  divpd = 0x66000f5e,
  minps = 0x00000f5d,
  minpd = 0x66000f5d,
  maxps = 0x00000f5f,
  maxpd = 0x66000f5f,
  unpcklps = 0x00000f14,
  movsd = 0xf2000f10,
};
// to = a op b, with a byte behind it
enum class Packed2Imm : uint32_t {
  cmpps = 0x00000fc2,
  cmppd = 0x66000fc2,
  shufps = 0x00000fc6,
  pblendw = 0x660f3a0e,
  insertps = 0x660f3a21,
};
// to = op from
enum class Packed1 : uint32_t {
  pabsb = 0x660f381c,
  pabsw = 0x660f381d,
  pabsd = 0x660f381e,
  pmovsxbw = 0x660f3820,
  pmovsxwd = 0x660f3823,
  pmovsxdq = 0x660f3825,
  pmovzxbw = 0x660f3830,
  pmovzxwd = 0x660f3833,
  pmovzxdq = 0x660f3835,
  ptest = 0x660f3817,
  sqrtps = 0x00000f51,
  sqrtpd = 0x66000f51,
  cvtdq2ps = 0x00000f5b,
  cvttps2dq = 0xf3000f5b,
  cvtdq2pd = 0xf3000fe6,
  cvttpd2dq = 0x66000fe6,
  cvtpd2ps = 0x66000f5a,
  cvtps2pd = 0x00000f5a,
  movddup = 0xf2000f12,
  movups = 0x00000f10,
};
// to = op from, with a byte behind it
enum class Packed1Imm : uint32_t {
  pshufd = 0x66000f70,
  pshuflw = 0xf2000f70,
  roundps = 0x660f3a08,
  roundpd = 0x660f3a09,
};
// Shifts of every lane by one constant: opcode << 8 | the field that tells the direction.
enum class PackedShift : uint32_t {
  psrlw = 0x7102,
  psraw = 0x7104,
  psllw = 0x7106,
  psrld = 0x7202,
  psrad = 0x7204,
  pslld = 0x7206,
  psrlq = 0x7302,
  psllq = 0x7306,
};
enum class Lane : uint8_t { b, w, d, q }; // 8, 16, 32, 64 bits
enum class LaneMask : uint32_t { movmskps = 0x00000f50, movmskpd = 0x66000f50, pmovmskb = 0x66000fd7 };

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

  // --- vectors: legacy encodings, or VEX ones where use_vex() said so
  // VEX instructions have a target of their own and take memory at any address. Without them a target other than `a`
  // costs a move and must not be `b`, and memory operands lie at multiples of 16, but for Packed1::movups and the
  // instructions that read less than a vector.
  void use_vex(bool use) { vex_ = use; }
  [[nodiscard]] bool has_vex() const { return vex_; }
  void packed(Packed1 op, Xmm to, Xmm from) { vector_rr(u(op), Width::w32, n(to), 0, n(from)); }
  void packed(Packed1 op, Xmm to, const Mem& from) { vector_rm(u(op), Width::w32, n(to), 0, from); }
  void packed(Packed1 op, Xmm to, Label& from) { vector_rip(u(op), n(to), 0, from); }
  void packed(Packed1Imm op, Xmm to, Xmm from, uint8_t imm) {
    vector_rr(u(op), Width::w32, n(to), 0, n(from));
    put8(imm);
  }
  void packed(Packed2 op, Xmm to, Xmm a, Xmm b) {
    prepare_target(to, a);
    vector_rr(u(op), Width::w32, n(to), n(a), n(b));
  }
  void packed(Packed2 op, Xmm to, Xmm a, const Mem& b) {
    prepare_target(to, a);
    vector_rm(u(op), Width::w32, n(to), n(a), b);
  }
  void packed(Packed2 op, Xmm to, Xmm a, Label& b) {
    prepare_target(to, a);
    vector_rip(u(op), n(to), n(a), b);
  }
  void packed(Packed2Imm op, Xmm to, Xmm a, Xmm b, uint8_t imm) {
    prepare_target(to, a);
    vector_rr(u(op), Width::w32, n(to), n(a), n(b));
    put8(imm);
  }
  void packed(PackedShift op, Xmm to, Xmm from, uint8_t count) {
    prepare_target(to, from);
    const uint32_t opcode = 0x6600'0f00u | u(op) >> 8;
    if (vex_)
      vector_rr(opcode, Width::w32, u(op) & 0xff, n(to), n(from));
    else
      vector_rr(opcode, Width::w32, u(op) & 0xff, 0, n(to));
    put8(count);
  }
  void movups(const Mem& to, Xmm from) { vector_rm(0x0f11, Width::w32, n(from), 0, to); }
  void lane_mask(LaneMask op, Gpr to, Xmm from) { vector_rr(u(op), Width::w32, n(to), 0, n(from)); }
  void pinsr(Lane lane, Xmm to, Xmm a, Gpr from, uint8_t index) {
    prepare_target(to, a);
    vector_rr(kInsert[n(lane)], lane_width(lane), n(to), n(a), n(from));
    put8(index);
  }
  void pinsr(Lane lane, Xmm to, Xmm a, const Mem& from, uint8_t index) {
    prepare_target(to, a);
    vector_rm(kInsert[n(lane)], lane_width(lane), n(to), n(a), from);
    put8(index);
  }
  void pextr(Lane lane, Gpr to, Xmm from, uint8_t index) { // zero-extended
    vector_rr(kExtract[n(lane)], lane_width(lane), n(from), 0, n(to));
    put8(index);
  }
  void pextr(Lane lane, const Mem& to, Xmm from, uint8_t index) {
    vector_rm(kExtract[n(lane)], lane_width(lane), n(from), 0, to);
    put8(index);
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
    memory_operand(reg, mem);
  }
  void memory_operand(uint32_t reg, const Mem& mem) {
    const uint32_t base = n(mem.base), index = n(mem.index);
    const bool needs_sib = mem.index != Gpr::rsp || (base & 7) == 4;
    // mod 0 with base rbp or r13 means something else, so these always have a displacement
    const uint32_t mod = mem.disp == 0 && (base & 7) != 5 ? 0 : mem.disp == static_cast<int8_t>(mem.disp) ? 1 : 2;
    put8(modrm(mod, reg, needs_sib ? 4 : base));
    if (needs_sib) put8(static_cast<uint8_t>(mem.scale_log2 << 6 | (index & 7) << 3 | (base & 7)));
    if (mod == 1) put8(static_cast<uint8_t>(mem.disp));
    if (mod == 2) put32(static_cast<uint32_t>(mem.disp));
  }
  // Three-byte VEX prefix, L = 0. map: 1 = 0f, 2 = 0f38, 3 = 0f3a. pp: 1 = 66, 2 = f3, 3 = f2.
  void vex(uint32_t map, uint32_t pp, Width w, uint32_t reg, uint32_t vvvv, uint32_t rm, uint32_t index = 0) {
    room();
    put8(0xc4);
    put8(static_cast<uint8_t>((reg < 8 ? 0x80 : 0) | (index < 8 ? 0x40 : 0) | (rm < 8 ? 0x20 : 0) | map));
    put8(static_cast<uint8_t>((w == Width::w64 ? 0x80 : 0) | (~vvvv & 15) << 3 | pp));
  }

  template <class E> static constexpr uint32_t u(E value) { return static_cast<uint32_t>(value); }
  static constexpr std::array<uint32_t, 4> kInsert = {0x660f'3a20, 0x6600'0fc4, 0x660f'3a22, 0x660f'3a22};
  static constexpr std::array<uint32_t, 4> kExtract = {0x660f'3a14, 0x660f'3a15, 0x660f'3a16, 0x660f'3a16};
  static constexpr Width lane_width(Lane lane) { return lane == Lane::q ? Width::w64 : Width::w32; }
  void prepare_target(Xmm to, Xmm a) {
    if (!vex_ && to != a) movaps(to, a);
  }
  void vector_vex(uint32_t op, Width w, uint32_t reg, uint32_t vvvv, uint32_t rm, uint32_t index = 0) {
    const uint32_t prefix = op >> 24, escape = op >> 8 & 0xff;
    const uint32_t map = escape == 0x38 ? 2 : escape == 0x3a ? 3 : 1;
    const uint32_t pp = prefix == 0x66 ? 1 : prefix == 0xf3 ? 2 : prefix == 0xf2 ? 3 : 0;
    vex(map, pp, w, reg, vvvv, rm, index);
    put8(static_cast<uint8_t>(op));
  }
  void vector_rr(uint32_t op, Width w, uint32_t reg, uint32_t vvvv, uint32_t rm) {
    if (!vex_) return rr(static_cast<uint8_t>(op >> 24), w, op & 0xff'ffff, reg, rm);
    vector_vex(op, w, reg, vvvv, rm);
    put8(modrm(3, reg, rm));
  }
  void vector_rm(uint32_t op, Width w, uint32_t reg, uint32_t vvvv, const Mem& mem) {
    if (!vex_) return rm(static_cast<uint8_t>(op >> 24), w, op & 0xff'ffff, reg, mem);
    vector_vex(op, w, reg, vvvv, n(mem.base), n(mem.index));
    memory_operand(reg, mem);
  }
  void vector_rip(uint32_t op, uint32_t reg, uint32_t vvvv, Label& label) {
    if (vex_) {
      vector_vex(op, Width::w32, reg, vvvv, 0);
    } else {
      room();
      prefixes(static_cast<uint8_t>(op >> 24), Width::w32, reg >= 8 ? 4u : 0u, false);
      opcode_bytes(op & 0xff'ffff);
    }
    put8(modrm(0, reg, 5));
    displacement(label);
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
  bool vex_ = false;
};

} // namespace runtime::x86_64
