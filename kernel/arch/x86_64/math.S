// ceilf: libc++'s hash tables ask it for the size of a table. Truncates, then adds one where that went below; values whose
// magnitude is 2^23 or more, infinities and NaN are whole already.
  .text
  .globl ceilf
ceilf:
  movd %xmm0, %eax
  movl %eax, %ecx
  andl $0x7fffffff, %ecx
  cmpl $0x4b000000, %ecx
  jae 1f
  cvttss2si %xmm0, %edx
  cvtsi2ss %edx, %xmm1
  ucomiss %xmm1, %xmm0
  movaps %xmm1, %xmm0
  jbe 1f                                       // not above its truncation: that is the answer
  movl $0x3f800000, %eax
  movd %eax, %xmm2
  addss %xmm2, %xmm0
1:
  ret
  .section .note.GNU-stack, "", @progbits
