// Entries of the 256 interrupt vectors. Every gate runs on an IST stack (descriptors.cpp), so that an overflowed or
// foreign stack never turns a trap into a triple fault. Prebuilt libraries use the 128 bytes below rsp (the red zone):
// after saving registers the frame moves to the interrupted stack below them, which frees the IST stack for a trap
// inside the handler. It stays on the IST stack where the interrupted rsp is not well inside of the stack that
// the processor's state (per_cpu.hpp) describes, and for NMI, double fault and machine check.

#define FRAME_SIZE 176                         // TrapFrame of trap_frame.hpp
#define FRAME_VECTOR 120
#define FRAME_RSP 160
#define STACK_LOW 8                            // PerCpu::stack of arch/per_cpu.hpp, from the GS base on
#define STACK_HIGH 16
#define RED_ZONE 128
#define HANDLER_NEEDS 12288                    // stack below the moved frame that a handler may use

  .text
  .globl trap_stubs
  .balign 16
trap_stubs:
  .set vector, 0
  .rept 256
  .balign 16
  .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
  .else
  pushq $0                                     // where the processor pushes no error code
  .endif
  pushq $vector
  jmp trap_entry
  .set vector, vector + 1
  .endr

  .balign 16
trap_entry:
  pushq %r15
  pushq %r14
  pushq %r13
  pushq %r12
  pushq %r11
  pushq %r10
  pushq %r9
  pushq %r8
  pushq %rbp
  pushq %rdi
  pushq %rsi
  pushq %rdx
  pushq %rcx
  pushq %rbx
  pushq %rax
  cld
  movq FRAME_VECTOR(%rsp), %rax
  cmpq $2, %rax
  je 1f
  cmpq $8, %rax
  je 1f
  cmpq $18, %rax
  je 1f
  movq FRAME_RSP(%rsp), %rdi
  cmpq %gs:STACK_HIGH, %rdi
  ja 1f
  subq $(RED_ZONE + FRAME_SIZE), %rdi
  andq $-16, %rdi
  movq %gs:STACK_LOW, %rax
  addq $HANDLER_NEEDS, %rax
  cmpq %rax, %rdi
  jb 1f
  movq %rdi, %rax
  movq %rsp, %rsi
  movl $(FRAME_SIZE / 8), %ecx
  rep movsq
  movq %rax, %rsp
1:
  movq %rsp, %rdi
  call trap_dispatch
  popq %rax
  popq %rbx
  popq %rcx
  popq %rdx
  popq %rsi
  popq %rdi
  popq %rbp
  popq %r8
  popq %r9
  popq %r10
  popq %r11
  popq %r12
  popq %r13
  popq %r14
  popq %r15
  addq $16, %rsp
  iretq

// uint64_t probe_call(void (*function)(void*), void* argument, uint64_t* saved_rsp)
// Calls function(argument). A fault on the way (traps.cpp) comes back here through probe_landing with 1;
// a normal return gives 0. *saved_rsp: rsp of this frame.
  .globl probe_call
probe_call:
  pushq %rbp
  movq %rsp, %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  subq $8, %rsp
  movq %rsp, (%rdx)
  movq %rdi, %rax
  movq %rsi, %rdi
  call *%rax
  xorl %eax, %eax
  .globl probe_landing
probe_landing:
  addq $8, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret

// void call_on_stack(uint64_t stack_top, void (*function)(void*), void* argument)
// The frame-pointer chain goes on through the switch, so that a backtrace shows who started the stack.
  .globl call_on_stack
call_on_stack:
  pushq %rbp
  movq %rsp, %rbp
  movq %rdi, %rsp
  movq %rdx, %rdi
  call *%rsi
  movq %rbp, %rsp
  popq %rbp
  ret

  .section .note.GNU-stack, "", @progbits
