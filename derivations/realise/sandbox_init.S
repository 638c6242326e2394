// The program sandbox_init, as bytes: `sandbox_init_program` to `sandbox_init_program_end`.
    .section .rodata, "a"
    .global sandbox_init_program, sandbox_init_program_end
    .balign 16
sandbox_init_program:
    .incbin KPKG_SANDBOX_INIT
sandbox_init_program_end:
    .section .note.GNU-stack, "", @progbits
