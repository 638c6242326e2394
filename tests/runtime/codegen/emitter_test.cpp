// Every method of the emitter, for every register and for the memory operands with special encodings, disassembled by
// Zydis and compared with what the method's arguments say in Intel syntax.
#include <new>

#include <catch2/catch.hpp>

#include "runtime/codegen/x86_64/emitter.hpp"
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#ifdef KPKG_HAS_ZYDIS
#include <Zydis/Zydis.h>
#endif

using namespace runtime::x86_64;

namespace {

#ifndef KPKG_HAS_ZYDIS

TEST_CASE("every instruction of the emitter disassembles to what was asked for") {
  std::puts("skipped: libzydis-dev was not found when this test was configured");
  std::exit(77);
}

#else

const char* const kNames64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
const char* const kNames32[] = {"eax", "ecx", "edx",  "ebx",  "esp",  "ebp",  "esi",  "edi",
                                "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"};
const char* const kNames16[] = {"ax",  "cx",  "dx",   "bx",   "sp",   "bp",   "si",   "di",
                                "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"};
const char* const kNames8[] = {"al",  "cl",  "dl",   "bl",   "spl",  "bpl",  "sil",  "dil",
                               "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"};
const char* const kConditions[] = {"o", "no", "b", "nb", "z", "nz", "be", "nbe",
                                   "s", "ns", "p", "np", "l", "nl", "le", "nle"};

std::string r64(Gpr reg) { return kNames64[static_cast<int>(reg)]; }
std::string r32(Gpr reg) { return kNames32[static_cast<int>(reg)]; }
std::string r16(Gpr reg) { return kNames16[static_cast<int>(reg)]; }
std::string r8(Gpr reg) { return kNames8[static_cast<int>(reg)]; }
std::string reg(Width w, Gpr g) { return w == Width::w64 ? r64(g) : r32(g); }
std::string xmm(Xmm x) { return "xmm" + std::to_string(static_cast<int>(x)); }
std::string hex(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%02llX", static_cast<unsigned long long>(value));
  return text;
}
std::string mem(const Mem& m) {
  std::string text = "[" + r64(m.base);
  if (m.index != Gpr::rsp) text += "+" + r64(m.index) + "*" + std::to_string(1 << m.scale_log2);
  if (m.disp > 0) text += "+" + hex(static_cast<uint64_t>(m.disp));
  if (m.disp < 0) text += "-" + hex(-static_cast<uint64_t>(static_cast<int64_t>(m.disp)));
  text += "]";
  return text;
}
std::string suffix(FloatWidth width) { return width == FloatWidth::f64 ? "sd" : "ss"; }

// All instructions in `code`, one a line, sizes of memory operands left out («byte ptr», …), index*1 written out.
std::string disassemble(const std::vector<std::byte>& code) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  std::string text;
  size_t at = 0;
  while (at < code.size()) {
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data() + at, code.size() - at, &instruction, operands)))
      return text + "(bad)";
    char line[256];
    ZydisFormatterFormatInstruction(&formatter, &instruction, operands, instruction.operand_count_visible, line,
                                    sizeof line, at, nullptr);
    std::string cleaned = line;
    for (size_t found; (found = cleaned.find(" ptr ")) != std::string::npos;) {
      const size_t word = cleaned.rfind(' ', found - 1) + 1;
      cleaned.erase(word, found + 5 - word);
    }
    text += (text.empty() ? "" : "; ") + cleaned;
    at += instruction.length;
  }
  return text;
}

std::string emitted(const std::function<void(Emitter&)>& emit) {
  std::vector<std::byte> code;
  Emitter e(code);
  emit(e);
  e.finish();
  return disassemble(code);
}
#define EXPECT_CODE(text, ...) CHECK(emitted([&](Emitter& e) { __VA_ARGS__; }) == (text))

std::vector<Gpr> all_gprs() {
  std::vector<Gpr> regs;
  for (int i = 0; i < 16; ++i) regs.push_back(static_cast<Gpr>(i));
  return regs;
}
const std::vector<Xmm> kSomeXmms = {Xmm::xmm0, Xmm::xmm7, Xmm::xmm8, Xmm::xmm15};
const std::vector<Gpr> kSomeGprs = {Gpr::rax, Gpr::rsi, Gpr::rbp, Gpr::r8, Gpr::r12, Gpr::r13, Gpr::r15};
const Width kWidths[] = {Width::w32, Width::w64};

std::vector<Mem> memory_operands() {
  std::vector<Mem> operands;
  for (const Gpr base : all_gprs())
    for (const int32_t disp : {0, 8, -8, 127, -128, 128, -129, 0x7fff'ffff, -0x7fff'ffff})
      for (const Gpr index : {Gpr::rsp, Gpr::rax, Gpr::rbp, Gpr::r12, Gpr::r15})
        operands.push_back({base, disp, index, static_cast<uint8_t>(index == Gpr::rsp ? 0 : 2)});
  return operands;
}

TEST_CASE("memory operands with every base, index and displacement size disassemble to what was asked for") {
  for (const Mem& m : memory_operands()) {
    EXPECT_CODE("mov r9, " + mem(m), e.mov(Width::w64, Gpr::r9, m));
    EXPECT_CODE("mov " + mem(m) + ", ecx", e.mov(Width::w32, m, Gpr::rcx));
    EXPECT_CODE("movsd xmm9, " + mem(m), e.movs(FloatWidth::f64, Xmm::xmm9, m));
  }
}

TEST_CASE("integer instructions disassemble to what was asked for, for every register") {
  for (const Gpr a : all_gprs()) {
    for (const Gpr b : all_gprs()) {
      for (const Width w : kWidths) {
        EXPECT_CODE("mov " + reg(w, a) + ", " + reg(w, b), e.mov(w, a, b));
        EXPECT_CODE("add " + reg(w, a) + ", " + reg(w, b), e.alu(Alu::add, w, a, b));
        EXPECT_CODE("test " + reg(w, a) + ", " + reg(w, b), e.test(w, a, b));
        EXPECT_CODE("imul " + reg(w, a) + ", " + reg(w, b), e.imul(w, a, b));
        EXPECT_CODE("movsx " + reg(w, a) + ", " + r8(b), e.movsx8(w, a, b));
        EXPECT_CODE("movsx " + reg(w, a) + ", " + r16(b), e.movsx16(w, a, b));
      }
      EXPECT_CODE("movzx " + r32(a) + ", " + r8(b), e.movzx8(a, b));
      EXPECT_CODE("movzx " + r32(a) + ", " + r16(b), e.movzx16(a, b));
      EXPECT_CODE("movsxd " + r64(a) + ", " + r32(b), e.movsxd(a, b));
      EXPECT_CODE("xchg " + r64(a) + ", " + r64(b), e.xchg(a, b));
    }
  }
}

TEST_CASE("arithmetic with immediates, memory and shifts disassembles to what was asked for") {
  const Mem m{Gpr::rbp, -40};
  const char* const alu_names[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
  for (int op = 0; op < 8; ++op) {
    const Alu alu = static_cast<Alu>(op);
    const std::string name = alu_names[op];
    for (const Width w : kWidths) {
      for (const Gpr a : kSomeGprs) {
        EXPECT_CODE(name + " " + reg(w, a) + ", " + reg(w, Gpr::r11), e.alu(alu, w, a, Gpr::r11));
        EXPECT_CODE(name + " " + reg(w, a) + ", " + mem(m), e.alu(alu, w, a, m));
        EXPECT_CODE(name + " " + mem(m) + ", " + reg(w, a), e.alu(alu, w, m, a));
        EXPECT_CODE(name + " " + reg(w, a) + ", 0x12", e.alu_imm(alu, w, a, 0x12));
        EXPECT_CODE(name + " " + reg(w, a) + ", 0x12345678", e.alu_imm(alu, w, a, 0x12345678));
      }
      EXPECT_CODE(name + " " + mem(m) + ", 0x12", e.alu_imm(alu, w, m, 0x12));
      EXPECT_CODE(name + " " + mem(m) + ", 0x12345678", e.alu_imm(alu, w, m, 0x12345678));
    }
  }
  EXPECT_CODE("add rax, 0xFFFFFFFFFFFFFFFF", e.alu_imm(Alu::add, Width::w64, Gpr::rax, -1));
  EXPECT_CODE("sub rsp, 0x10", e.sub_imm32(Gpr::rsp, 16));
  const std::pair<Shift, const char*> shifts[] = {
      {Shift::rol, "rol"}, {Shift::ror, "ror"}, {Shift::shl, "shl"}, {Shift::shr, "shr"}, {Shift::sar, "sar"}};
  const std::pair<ShiftX, const char*> shiftxs[] = {
      {ShiftX::shlx, "shlx"}, {ShiftX::sarx, "sarx"}, {ShiftX::shrx, "shrx"}};
  for (const Width w : kWidths) {
    for (const Gpr a : all_gprs()) {
      for (const auto& [shift, name] : shifts) {
        EXPECT_CODE(std::string(name) + " " + reg(w, a) + ", 0x07", e.shift_imm(shift, w, a, 7));
        EXPECT_CODE(std::string(name) + " " + reg(w, a) + ", cl", e.shift_cl(shift, w, a));
      }
      for (const Gpr b : kSomeGprs) {
        for (const auto& [shift, name] : shiftxs) {
          EXPECT_CODE(std::string(name) + " " + reg(w, a) + ", " + reg(w, b) + ", " + reg(w, Gpr::r10),
                      e.shiftx(shift, w, a, b, Gpr::r10));
          EXPECT_CODE(std::string(name) + " " + reg(w, Gpr::r10) + ", " + reg(w, b) + ", " + reg(w, a),
                      e.shiftx(shift, w, Gpr::r10, b, a));
        }
        EXPECT_CODE("rorx " + reg(w, a) + ", " + reg(w, b) + ", 0x05", e.rorx(w, a, b, 5));
        EXPECT_CODE("lzcnt " + reg(w, a) + ", " + reg(w, b), e.lzcnt(w, a, b));
        EXPECT_CODE("tzcnt " + reg(w, a) + ", " + reg(w, b), e.tzcnt(w, a, b));
        EXPECT_CODE("popcnt " + reg(w, a) + ", " + reg(w, b), e.popcnt(w, a, b));
        EXPECT_CODE("imul " + reg(w, a) + ", " + reg(w, b) + ", 0x05", e.imul_imm(w, a, b, 5));
        EXPECT_CODE("imul " + reg(w, a) + ", " + reg(w, b) + ", 0x12345", e.imul_imm(w, a, b, 0x12345));
      }
      EXPECT_CODE("imul " + reg(w, a) + ", " + mem(m), e.imul(w, a, m));
      EXPECT_CODE("neg " + reg(w, a), e.neg(w, a));
      EXPECT_CODE("div " + reg(w, a), e.div(w, a));
      EXPECT_CODE("idiv " + reg(w, a), e.idiv(w, a));
      EXPECT_CODE("test " + reg(w, a) + ", 0x1000", e.test_imm(w, a, 0x1000));
      EXPECT_CODE("btc " + reg(w, a) + ", 0x1F", e.btc_imm(w, a, 31));
      EXPECT_CODE("lea " + reg(w, a) + ", " + mem(m), e.lea(w, a, m));
    }
  }
  EXPECT_CODE("cdq", e.sign_extend_rax_to_rdx(Width::w32));
  EXPECT_CODE("cqo", e.sign_extend_rax_to_rdx(Width::w64));
}

TEST_CASE("moves of every size disassemble to what was asked for") {
  const Mem m{Gpr::r15, 16, Gpr::rdi};
  for (const Gpr a : all_gprs()) {
    EXPECT_CODE("mov " + mem(m) + ", " + r8(a), e.mov8(m, a));
    EXPECT_CODE("mov " + mem(m) + ", " + r16(a), e.mov16(m, a));
    EXPECT_CODE("movzx " + r32(a) + ", " + mem(m), e.movzx8(a, m));
    EXPECT_CODE("movzx " + r32(a) + ", " + mem(m), e.movzx16(a, m));
    for (const Width w : kWidths) {
      EXPECT_CODE("movsx " + reg(w, a) + ", " + mem(m), e.movsx8(w, a, m));
      EXPECT_CODE("movsx " + reg(w, a) + ", " + mem(m), e.movsx16(w, a, m));
    }
    EXPECT_CODE("movsxd " + r64(a) + ", " + mem(m), e.movsxd(a, m));
    EXPECT_CODE("mov " + r32(a) + ", 0x2A", e.mov_imm(a, 42));
    EXPECT_CODE("mov " + r32(a) + ", 0xFFFFFFFF", e.mov_imm(a, 0xffff'ffff));
    EXPECT_CODE("mov " + r64(a) + ", 0xFFFFFFFFFFFFFFFE", e.mov_imm(a, ~uint64_t{1}));
    EXPECT_CODE("mov " + r64(a) + ", 0x123456789ABCDEF0", e.mov_imm(a, 0x1234'5678'9abc'def0));
    EXPECT_CODE("push " + r64(a), e.push(a));
    EXPECT_CODE("pop " + r64(a), e.pop(a));
  }
  EXPECT_CODE("mov " + mem(m) + ", 0x12345678", e.mov_imm(Width::w32, m, 0x12345678));
  EXPECT_CODE("mov " + mem(m) + ", 0xFFFFFFFFFFFFFFFF", e.mov_imm(Width::w64, m, -1));
  EXPECT_CODE("mov " + mem(m) + ", 0xAB", e.mov8_imm(m, 0xab));
  EXPECT_CODE("mov " + mem(m) + ", 0xABCD", e.mov16_imm(m, 0xabcd));
}

TEST_CASE("conditional instructions disassemble to what was asked for, for every condition") {
  const Mem m{Gpr::rbp, -8};
  for (int c = 0; c < 16; ++c) {
    const Cond cond = static_cast<Cond>(c);
    for (const Gpr a : all_gprs()) {
      EXPECT_CODE(std::string("set") + kConditions[c] + " " + r8(a), e.setcc(cond, a));
      for (const Width w : kWidths) {
        EXPECT_CODE(std::string("cmov") + kConditions[c] + " " + reg(w, a) + ", " + reg(w, Gpr::r9),
                    e.cmov(cond, w, a, Gpr::r9));
        EXPECT_CODE(std::string("cmov") + kConditions[c] + " " + reg(w, a) + ", " + mem(m), e.cmov(cond, w, a, m));
      }
    }
  }
}

TEST_CASE("jumps reach their labels, forward, backward near and backward far") {
  EXPECT_CODE("jmp 0x000000000000000B; jz 0x000000000000000B; ret", Label l; e.jmp(l); e.jcc(Cond::e, l); e.bind(l);
              e.ret());
  EXPECT_CODE("ret; jmp 0x0000000000000000; jnbe 0x0000000000000000", Label l; e.bind(l); e.ret(); e.jmp(l);
              e.jcc(Cond::a, l));
  std::string far = "jmp 0x0000000000000000";
  for (int i = 0; i < 200; ++i) far = "ret; " + far;
  EXPECT_CODE(far + "; jo 0x0000000000000000", Label l; e.bind(l); for (int i = 0; i < 200; ++i) e.ret(); e.jmp(l);
              e.jcc(Cond::o, l));
  EXPECT_CODE("jmp 0x0000000000000003; ret; jb 0x0000000000000006; ret", const ShortJump j = e.jmp_short(); e.ret();
              e.bind(j); const ShortJump k = e.jcc_short(Cond::b); e.ret(); e.bind(k));
  EXPECT_CODE("lea rax, [0x0000000000000008]; ret; lea r9, [0x0000000000000008]", Label l; e.lea_label(Gpr::rax, l);
              e.ret(); e.bind(l); e.lea_label(Gpr::r9, l));
  EXPECT_CODE("call 0x0000000000000000; jmp 0x0000000000000000; jnz 0x0000000000000000",
              e.patch_relative(e.call_rel32(), 0);
              e.patch_relative(e.jmp_rel32(), 0); e.patch_relative(e.jcc_rel32(Cond::ne), 0));
  EXPECT_CODE("jmp r11; jmp [r11+0x08]; call [r14+0x30]", e.jmp(Gpr::r11); e.jmp(Mem{Gpr::r11, 8});
              e.call(Mem{Gpr::r14, 48}));
  EXPECT_CODE("leave; ret; ud2; int3", e.leave(); e.ret(); e.ud2(); e.align(5));
}

TEST_CASE("a backward jump at the limit of eight bits still reaches its label") {
  for (int distance = 120; distance < 135; ++distance) {
    std::vector<std::byte> code;
    Emitter e(code);
    Label l;
    e.bind(l);
    for (int i = 0; i < distance; ++i) e.ret();
    e.jcc(Cond::e, l);
    e.finish();
    const std::string text = disassemble(code);
    CHECK(text.ends_with("jz 0x0000000000000000"));
  }
}

TEST_CASE("floating-point instructions disassemble to what was asked for") {
  const Mem m{Gpr::rbp, -48};
  for (const Xmm a : kSomeXmms) {
    for (const Xmm b : kSomeXmms) {
      const std::string ab = " " + xmm(a) + ", " + xmm(b);
      EXPECT_CODE("movaps" + ab, e.movaps(a, b));
      EXPECT_CODE("andps" + ab, e.logic(SseLogic::and_, a, b));
      EXPECT_CODE("andnps" + ab, e.logic(SseLogic::andn, a, b));
      EXPECT_CODE("orps" + ab, e.logic(SseLogic::or_, a, b));
      EXPECT_CODE("xorps" + ab, e.logic(SseLogic::xor_, a, b));
      EXPECT_CODE("pcmpeqd" + ab, e.pcmpeqd(a, b));
      EXPECT_CODE("cvtss2sd" + ab, e.cvt_float_to_float(FloatWidth::f64, a, b));
      EXPECT_CODE("cvtsd2ss" + ab, e.cvt_float_to_float(FloatWidth::f32, a, b));
      for (const FloatWidth d : {FloatWidth::f32, FloatWidth::f64}) {
        const std::pair<Sse, const char*> ops[] = {{Sse::sqrt, "sqrt"}, {Sse::add, "add"}, {Sse::mul, "mul"},
                                                   {Sse::sub, "sub"},   {Sse::min, "min"}, {Sse::div, "div"},
                                                   {Sse::max, "max"}};
        for (const auto& [op, name] : ops) {
          EXPECT_CODE(name + suffix(d) + ab, e.sse(op, d, a, b));
          EXPECT_CODE(name + suffix(d) + " " + xmm(a) + ", " + mem(m), e.sse(op, d, a, m));
        }
        EXPECT_CODE("ucomi" + suffix(d) + ab, e.ucomis(d, a, b));
        EXPECT_CODE("ucomi" + suffix(d) + " " + xmm(a) + ", " + mem(m), e.ucomis(d, a, m));
        EXPECT_CODE("round" + suffix(d) + ab + ", 0x0A", e.round(d, a, b, Rounding::ceil));
        EXPECT_CODE("mov" + suffix(d) + " " + xmm(a) + ", " + mem(m), e.movs(d, a, m));
        EXPECT_CODE("mov" + suffix(d) + " " + mem(m) + ", " + xmm(a), e.movs(d, m, a));
      }
    }
    EXPECT_CODE("psrld " + xmm(a) + ", 0x01", e.psrl_imm(Width::w32, a, 1));
    EXPECT_CODE("psrlq " + xmm(a) + ", 0x01", e.psrl_imm(Width::w64, a, 1));
    EXPECT_CODE("pslld " + xmm(a) + ", 0x1F", e.psll_imm(Width::w32, a, 31));
    EXPECT_CODE("psllq " + xmm(a) + ", 0x3F", e.psll_imm(Width::w64, a, 63));
    for (const Gpr g : kSomeGprs) {
      EXPECT_CODE("movd " + xmm(a) + ", " + r32(g), e.movd(Width::w32, a, g));
      EXPECT_CODE("movq " + xmm(a) + ", " + r64(g), e.movd(Width::w64, a, g));
      EXPECT_CODE("movd " + r32(g) + ", " + xmm(a), e.movd(Width::w32, g, a));
      EXPECT_CODE("movq " + r64(g) + ", " + xmm(a), e.movd(Width::w64, g, a));
      for (const FloatWidth d : {FloatWidth::f32, FloatWidth::f64})
        for (const Width w : kWidths) {
          EXPECT_CODE("cvtsi2" + suffix(d) + " " + xmm(a) + ", " + reg(w, g), e.cvt_int_to_float(d, w, a, g));
          EXPECT_CODE("cvtt" + suffix(d) + "2si " + reg(w, g) + ", " + xmm(a), e.cvtt_float_to_int(d, w, g, a));
        }
    }
  }
}

const std::pair<Packed2, const char*> kPacked2Names[] = {{Packed2::paddb, "paddb"},
                                                         {Packed2::paddw, "paddw"},
                                                         {Packed2::paddd, "paddd"},
                                                         {Packed2::paddq, "paddq"},
                                                         {Packed2::paddsb, "paddsb"},
                                                         {Packed2::paddsw, "paddsw"},
                                                         {Packed2::paddusb, "paddusb"},
                                                         {Packed2::paddusw, "paddusw"},
                                                         {Packed2::psubb, "psubb"},
                                                         {Packed2::psubw, "psubw"},
                                                         {Packed2::psubd, "psubd"},
                                                         {Packed2::psubq, "psubq"},
                                                         {Packed2::psubsb, "psubsb"},
                                                         {Packed2::psubsw, "psubsw"},
                                                         {Packed2::psubusb, "psubusb"},
                                                         {Packed2::psubusw, "psubusw"},
                                                         {Packed2::pmullw, "pmullw"},
                                                         {Packed2::pmulhw, "pmulhw"},
                                                         {Packed2::pmulhuw, "pmulhuw"},
                                                         {Packed2::pmuludq, "pmuludq"},
                                                         {Packed2::pmaddwd, "pmaddwd"},
                                                         {Packed2::pminub, "pminub"},
                                                         {Packed2::pmaxub, "pmaxub"},
                                                         {Packed2::pminsw, "pminsw"},
                                                         {Packed2::pmaxsw, "pmaxsw"},
                                                         {Packed2::pavgb, "pavgb"},
                                                         {Packed2::pavgw, "pavgw"},
                                                         {Packed2::pand, "pand"},
                                                         {Packed2::pandn, "pandn"},
                                                         {Packed2::por, "por"},
                                                         {Packed2::pxor, "pxor"},
                                                         {Packed2::pcmpeqb, "pcmpeqb"},
                                                         {Packed2::pcmpeqw, "pcmpeqw"},
                                                         {Packed2::pcmpeqd, "pcmpeqd"},
                                                         {Packed2::pcmpgtb, "pcmpgtb"},
                                                         {Packed2::pcmpgtw, "pcmpgtw"},
                                                         {Packed2::pcmpgtd, "pcmpgtd"},
                                                         {Packed2::packsswb, "packsswb"},
                                                         {Packed2::packuswb, "packuswb"},
                                                         {Packed2::packssdw, "packssdw"},
                                                         {Packed2::punpcklbw, "punpcklbw"},
                                                         {Packed2::punpcklwd, "punpcklwd"},
                                                         {Packed2::punpcklqdq, "punpcklqdq"},
                                                         {Packed2::punpckhbw, "punpckhbw"},
                                                         {Packed2::punpckhwd, "punpckhwd"},
                                                         {Packed2::psllw, "psllw"},
                                                         {Packed2::pslld, "pslld"},
                                                         {Packed2::psllq, "psllq"},
                                                         {Packed2::psrlw, "psrlw"},
                                                         {Packed2::psrld, "psrld"},
                                                         {Packed2::psrlq, "psrlq"},
                                                         {Packed2::psraw, "psraw"},
                                                         {Packed2::psrad, "psrad"},
                                                         {Packed2::pshufb, "pshufb"},
                                                         {Packed2::pmaddubsw, "pmaddubsw"},
                                                         {Packed2::pmulhrsw, "pmulhrsw"},
                                                         {Packed2::pminsb, "pminsb"},
                                                         {Packed2::pminsd, "pminsd"},
                                                         {Packed2::pminuw, "pminuw"},
                                                         {Packed2::pminud, "pminud"},
                                                         {Packed2::pmaxsb, "pmaxsb"},
                                                         {Packed2::pmaxsd, "pmaxsd"},
                                                         {Packed2::pmaxuw, "pmaxuw"},
                                                         {Packed2::pmaxud, "pmaxud"},
                                                         {Packed2::pmuldq, "pmuldq"},
                                                         {Packed2::pcmpeqq, "pcmpeqq"},
                                                         {Packed2::pcmpgtq, "pcmpgtq"},
                                                         {Packed2::packusdw, "packusdw"},
                                                         {Packed2::pmulld, "pmulld"},
                                                         {Packed2::addps, "addps"},
                                                         {Packed2::addpd, "addpd"},
                                                         {Packed2::mulps, "mulps"},
                                                         {Packed2::mulpd, "mulpd"},
                                                         {Packed2::subps, "subps"},
                                                         {Packed2::subpd, "subpd"},
                                                         {Packed2::divps, "divps"},
                                                         {Packed2::divpd, "divpd"},
                                                         {Packed2::minps, "minps"},
                                                         {Packed2::minpd, "minpd"},
                                                         {Packed2::maxps, "maxps"},
                                                         {Packed2::maxpd, "maxpd"},
                                                         {Packed2::unpcklps, "unpcklps"},
                                                         {Packed2::movsd, "movsd"}};
const std::pair<Packed2Imm, const char*> kPacked2ImmNames[] = {{Packed2Imm::cmpps, "cmpps"},
                                                               {Packed2Imm::cmppd, "cmppd"},
                                                               {Packed2Imm::shufps, "shufps"},
                                                               {Packed2Imm::pblendw, "pblendw"},
                                                               {Packed2Imm::insertps, "insertps"}};
const std::pair<Packed1, const char*> kPacked1Names[] = {
    {Packed1::pabsb, "pabsb"},         {Packed1::pabsw, "pabsw"},         {Packed1::pabsd, "pabsd"},
    {Packed1::pmovsxbw, "pmovsxbw"},   {Packed1::pmovsxwd, "pmovsxwd"},   {Packed1::pmovsxdq, "pmovsxdq"},
    {Packed1::pmovzxbw, "pmovzxbw"},   {Packed1::pmovzxwd, "pmovzxwd"},   {Packed1::pmovzxdq, "pmovzxdq"},
    {Packed1::ptest, "ptest"},         {Packed1::sqrtps, "sqrtps"},       {Packed1::sqrtpd, "sqrtpd"},
    {Packed1::cvtdq2ps, "cvtdq2ps"},   {Packed1::cvttps2dq, "cvttps2dq"}, {Packed1::cvtdq2pd, "cvtdq2pd"},
    {Packed1::cvttpd2dq, "cvttpd2dq"}, {Packed1::cvtpd2ps, "cvtpd2ps"},   {Packed1::cvtps2pd, "cvtps2pd"},
    {Packed1::movddup, "movddup"},     {Packed1::movups, "movups"}};
const std::pair<Packed1Imm, const char*> kPacked1ImmNames[] = {{Packed1Imm::pshufd, "pshufd"},
                                                               {Packed1Imm::pshuflw, "pshuflw"},
                                                               {Packed1Imm::roundps, "roundps"},
                                                               {Packed1Imm::roundpd, "roundpd"}};
const std::pair<PackedShift, const char*> kPackedShiftNames[] = {
    {PackedShift::psrlw, "psrlw"}, {PackedShift::psraw, "psraw"}, {PackedShift::psllw, "psllw"},
    {PackedShift::psrld, "psrld"}, {PackedShift::psrad, "psrad"}, {PackedShift::pslld, "pslld"},
    {PackedShift::psrlq, "psrlq"}, {PackedShift::psllq, "psllq"}};
const std::pair<LaneMask, const char*> kLaneMaskNames[] = {
    {LaneMask::movmskps, "movmskps"}, {LaneMask::movmskpd, "movmskpd"}, {LaneMask::pmovmskb, "pmovmskb"}};

// The same instruction in its legacy encoding, where the target is the first operand, and in its VEX one.
std::string vex(const std::function<void(Emitter&)>& emit) {
  return emitted([&](Emitter& e) {
    e.use_vex(true);
    emit(e);
  });
}
#define EXPECT_VEX(text, ...) CHECK(vex([&](Emitter& e) { __VA_ARGS__; }) == (text))

TEST_CASE("vector instructions on registers disassemble to what was asked for, in both encodings") {
  for (const Xmm a : kSomeXmms)
    for (const Xmm b : kSomeXmms) {
      const std::string ab = " " + xmm(a) + ", " + xmm(b), aab = " " + xmm(a) + "," + ab;
      const std::string cab = " xmm9, " + xmm(a) + ", " + xmm(b);
      for (const auto& [op, name] : kPacked2Names) {
        EXPECT_CODE(name + ab, e.packed(op, a, a, b));
        EXPECT_VEX("v" + (name + cab), e.packed(op, Xmm::xmm9, a, b));
      }
      for (const auto& [op, name] : kPacked1Names) {
        EXPECT_CODE(name + ab, e.packed(op, a, b));
        EXPECT_VEX("v" + (name + ab), e.packed(op, a, b));
      }
      for (const auto& [op, name] : kPacked1ImmNames) {
        EXPECT_CODE(name + ab + ", 0x1B", e.packed(op, a, b, 0x1b));
        EXPECT_VEX("v" + (name + ab) + ", 0x1B", e.packed(op, a, b, 0x1b));
      }
      for (const auto& [op, name] : kPacked2ImmNames) {
        EXPECT_CODE(name + ab + ", 0x1B", e.packed(op, a, a, b, 0x1b));
        EXPECT_VEX("v" + (name + cab) + ", 0x1B", e.packed(op, Xmm::xmm9, a, b, 0x1b));
      }
      for (const auto& [op, name] : kPackedShiftNames) {
        EXPECT_CODE(name + (" " + xmm(a)) + ", 0x05", e.packed(op, a, a, 5));
        EXPECT_VEX("v" + (name + ab) + ", 0x05", e.packed(op, a, b, 5));
      }
    }
  EXPECT_CODE("movaps xmm1, xmm9; paddd xmm1, xmm2", e.packed(Packed2::paddd, Xmm::xmm1, Xmm::xmm9, Xmm::xmm2));
  EXPECT_CODE("movaps xmm1, xmm9; psrlq xmm1, 0x20", e.packed(PackedShift::psrlq, Xmm::xmm1, Xmm::xmm9, 32));
}

TEST_CASE("vector instructions on memory and lanes disassemble to what was asked for, in both encodings") {
  const Mem places[] = {{Gpr::rbp, -48}, {Gpr::r13, 0, Gpr::r12, 0}, {Gpr::r15, 0x1234, Gpr::rax, 0}};
  for (const Xmm a : kSomeXmms) {
    const std::string x = xmm(a);
    for (const Mem& m : places) {
      for (const auto& [op, name] : kPacked2Names) {
        const std::string legacy = name + (" " + x) + ", " + mem(m);
        const std::string with_vex = "v" + std::string(name) + " xmm9, " + x + ", " + mem(m);
        if (op == Packed2::movsd) continue; // only among registers
        EXPECT_CODE(legacy, e.packed(op, a, a, m));
        EXPECT_VEX(with_vex, e.packed(op, Xmm::xmm9, a, m));
      }
      for (const auto& [op, name] : kPacked1Names) {
        EXPECT_CODE(name + (" " + x) + ", " + mem(m), e.packed(op, a, m));
        EXPECT_VEX("v" + std::string(name) + " " + x + ", " + mem(m), e.packed(op, a, m));
      }
      EXPECT_CODE("movups " + mem(m) + ", " + x, e.movups(m, a));
      EXPECT_VEX("vmovups " + mem(m) + ", " + x, e.movups(m, a));
      constexpr const char* kLanes = "bwdq";
      for (const Lane lane : {Lane::b, Lane::w, Lane::d, Lane::q}) {
        const std::string suffix(1, kLanes[static_cast<int>(lane)]);
        EXPECT_CODE("pinsr" + suffix + " " + x + ", " + mem(m) + ", 0x01", e.pinsr(lane, a, a, m, 1));
        EXPECT_VEX("vpinsr" + suffix + " " + x + ", xmm9, " + mem(m) + ", 0x01", e.pinsr(lane, a, Xmm::xmm9, m, 1));
        EXPECT_CODE("pextr" + suffix + " " + mem(m) + ", " + x + ", 0x01", e.pextr(lane, m, a, 1));
        EXPECT_VEX("vpextr" + suffix + " " + mem(m) + ", " + x + ", 0x01", e.pextr(lane, m, a, 1));
      }
    }
    for (const Gpr g : kSomeGprs) {
      EXPECT_CODE("pinsrw " + x + ", " + r32(g) + ", 0x07", e.pinsr(Lane::w, a, a, g, 7));
      EXPECT_VEX("vpinsrq " + x + ", xmm9, " + r64(g) + ", 0x01", e.pinsr(Lane::q, a, Xmm::xmm9, g, 1));
      EXPECT_CODE("pextrb " + r32(g) + ", " + x + ", 0x0F", e.pextr(Lane::b, g, a, 15));
      EXPECT_VEX("vpextrd " + r32(g) + ", " + x + ", 0x03", e.pextr(Lane::d, g, a, 3));
      for (const auto& [op, name] : kLaneMaskNames) {
        EXPECT_CODE(name + (" " + r32(g)) + ", " + x, e.lane_mask(op, g, a));
        EXPECT_VEX("v" + std::string(name) + " " + r32(g) + ", " + x, e.lane_mask(op, g, a));
      }
    }
  }
}

TEST_CASE("a vector constant is found by its distance") {
  Label label;
  EXPECT_CODE("paddb xmm9, [0x000000000000000A]; ret; int3", {
    e.packed(Packed2::paddb, Xmm::xmm9, Xmm::xmm9, label);
    e.ret();
    e.bind(label);
    e.align(11);
  });
}

#endif

} // namespace
