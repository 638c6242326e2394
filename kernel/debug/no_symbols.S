// The empty symbol table of a first link.
  .section .symbols, "a", @progbits
  .balign 8
  .globl kernel_symbol_table
kernel_symbol_table:
  .long 0, 0
  .section .note.GNU-stack, "", @progbits
