#!/usr/bin/env python3
"""Makes the kernel's symbol table (format: debug/backtrace.cpp) from its first link.

usage: symbol_table.py NM KERNEL.elf OUTPUT.S

OUTPUT.S is assembly text for section .symbols; names are demangled and without parameters."""
import subprocess
import sys

MAX_NAME = 120


def without_parameters(name: str) -> str:
    """kernel::Heap::allocate(unsigned long) -> kernel::Heap::allocate; keeps operator() and lambdas readable."""
    depth = 0
    for index, char in enumerate(name):
        if char == "<" and not name[:index].endswith("operator"):
            depth += 1
        elif char == ">" and depth:
            depth -= 1
        elif char == "(" and depth == 0 and index and not name[:index].endswith(("operator", "::")):
            if name.startswith("(anonymous namespace)", index):
                continue
            return name[:index]
    return name


def main() -> int:
    nm, elf, output = sys.argv[1:]
    listing = subprocess.run([nm, "--defined-only", "--numeric-sort", "--demangle", elf], check=True, capture_output=True, text=True).stdout
    begin = None
    symbols = []
    for line in listing.splitlines():
        address, kind, name = line.split(" ", 2)
        if name == "kernel_text_begin":
            begin = int(address, 16)
        if kind in "tTwW" and not name.startswith("kernel_text_"):
            symbols.append((int(address, 16), without_parameters(name)[:MAX_NAME]))
    if begin is None:
        print(f"{elf}: has no symbol kernel_text_begin", file=sys.stderr)
        return 1
    symbols = sorted((a - begin, n) for a, n in dict(symbols).items() if a >= begin)
    offsets, names, size = {}, [], 0
    for _, name in symbols:
        if name not in offsets:
            offsets[name] = size
            names.append(name)
            size += len(name.encode()) + 1
    with open(output, "w", encoding="utf-8") as out:
        out.write('.section .symbols, "a", @progbits\n.balign 8\n.globl kernel_symbol_table\nkernel_symbol_table:\n')
        out.write(f".long {len(symbols)}, 0\n")
        for address, name in symbols:
            out.write(f".long {address}, {offsets[name]}\n")
        for name in names:
            quoted = name.replace("\\", "\\\\").replace('"', '\\"')
            out.write(f'.asciz "{quoted}"\n')
        out.write('.section .note.GNU-stack, "", @progbits\n')
    return 0


if __name__ == "__main__":
    sys.exit(main())
