// The first instructions. One ELF file, two ways in, both in 32-bit protected mode without paging:
//   PVH (QEMU -kernel): the Xen note names pvh_entry; ebx = physical address of hvm_start_info.
//   multiboot2 (GRUB):  the header within the first 32 KiB; eax = 0x36d76289, ebx = boot information.
// Builds page tables for the first 4 GiB (identity, direct map at 0xffff800000000000, and the first GiB at
// 0xffffffff80000000), enters long mode and calls kernel_start(protocol, information) on the boot stack. These tables are
// a bridge: memory/kernel_map.cpp replaces them by ones without identity map and with W^X.

#define PVH 1
#define MULTIBOOT2 2
#define MULTIBOOT2_MAGIC 0x36d76289

  .section .multiboot2, "a"
  .balign 8
multiboot2_header:
  .long 0xe85250d6, 0, multiboot2_header_end - multiboot2_header
  .long -(0xe85250d6 + 0 + (multiboot2_header_end - multiboot2_header))
  .short 0, 0                                  // the end tag
  .long 8
multiboot2_header_end:

  .section .note.Xen, "a", @note
  .balign 4
  .long 4, 8, 18                               // name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY
  .asciz "Xen"
  .quad pvh_entry

  .section .boot.tables, "aw", @nobits
  .balign 4096
boot_tables:
pml4: .skip 4096
pdpt_low: .skip 4096
pdpt_high: .skip 4096
page_directories: .skip 4 * 4096
boot_tables_end:

  .section .boot.text, "ax"
  .code32
  .globl pvh_entry
pvh_entry:
  movl $PVH, %ebp
  jmp 1f
  .globl multiboot2_entry
multiboot2_entry:
  movl $MULTIBOOT2, %ebp
  cmpl $MULTIBOOT2_MAGIC, %eax
  movl $wrong_loader_text, %esi
  jne die
1:
  cld
  movl $0x80000000, %eax
  movl %ebx, %esi                              // cpuid overwrites ebx
  cpuid
  cmpl $0x80000001, %eax
  jb no_long_mode
  movl $0x80000001, %eax
  cpuid
  andl $0x20100000, %edx                       // long mode and NX
  cmpl $0x20100000, %edx
  jne no_long_mode

  movl $boot_tables, %edi
  xorl %eax, %eax
  movl $((boot_tables_end - boot_tables) / 4), %ecx
  rep stosl

  movl $(pdpt_low + 3), pml4
  movl $(pdpt_low + 3), pml4 + 256 * 8
  movl $(pdpt_high + 3), pml4 + 511 * 8
  movl $(page_directories + 3), pdpt_high + 510 * 8
  movl $(page_directories + 3), pdpt_low
  movl $(page_directories + 0x1003), pdpt_low + 8
  movl $(page_directories + 0x2003), pdpt_low + 16
  movl $(page_directories + 0x3003), pdpt_low + 24
  movl $page_directories, %edi
  movl $0x83, %eax                             // present, writable, 2 MiB
  movl $2048, %ecx
2:
  movl %eax, (%edi)
  addl $0x200000, %eax
  addl $8, %edi
  loop 2b

  movl %cr4, %eax
  orl $0x620, %eax                             // PAE, OSFXSR, OSXMMEXCPT
  movl %eax, %cr4
  movl $pml4, %eax
  movl %eax, %cr3
  movl $0xc0000080, %ecx                       // EFER: LME, NXE
  rdmsr
  orl $0x900, %eax
  wrmsr
  movl %cr0, %eax
  andl $~0x4, %eax                             // no x87 emulation
  orl $0x80010022, %eax                        // PG, WP, NE, MP
  movl %eax, %cr0
  lgdt boot_gdt_pointer
  ljmp $8, $long_mode

no_long_mode:
  movl $no_long_mode_text, %esi
die:                                           // esi: text for the serial line
  movl $0x3f8, %edx
3:
  lodsb
  testb %al, %al
  jz 4f
  outb %al, %dx
  jmp 3b
4:
  cli
  hlt
  jmp 4b

no_long_mode_text: .asciz "kernel: this processor has no 64-bit mode with NX; cannot start\r\n"
wrong_loader_text: .asciz "kernel: started neither by PVH nor by a multiboot2 loader; cannot start\r\n"

  .balign 8
boot_gdt:
  .quad 0
  .quad 0x00af9a000000ffff                     // 64-bit code
  .quad 0x00cf92000000ffff                     // data
boot_gdt_pointer:
  .short . - boot_gdt - 1
  .long boot_gdt

  .code64
long_mode:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  movl %ebp, %edi
  movl %esi, %esi                              // zero-extends
  movq $boot_stack_high, %rsp
  xorl %ebp, %ebp                              // ends the frame-pointer chain
  movabsq $kernel_start, %rax
  pushq %rbp
  jmp *%rax
