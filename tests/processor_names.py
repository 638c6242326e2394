#!/usr/bin/env python3
"""Nothing of the kernel outside of kernel/arch/ names a processor: no assembly, no instruction, no register, no intrinsic
and no macro of one. Comments may (a wire format is named by its specification); code, strings and file names may not.

Run: processor_names.py CHECKOUT"""
import pathlib, re, subprocess, sys

NAMES = re.compile(r"""\b(?:
    asm | __asm | __asm__ |
    \w*(?:x86|X86|i386|amd64|aarch64|arm64|riscv)\w* | __SSE\w* | __AVX\w* |
    __builtin_ia32_\w+ | _mm\d*_\w+ | \w*intrin |                                # compilers' names
    [re]?(?:ax|bx|cx|dx|si|di|bp|sp|ip) | r(?:[89]|1[0-5])[dwb]? | [re]flags |    # registers; see PLAIN
    cr[0234] | xcr0 | [xyz]mm\d* | [cdefgs]s_base | [gli]dt | tss |
    [rw]rmsr | msr | cpuid | rdtscp? | tsc | rdrand | rdseed |                    # instructions and devices of the chip
    inb | outb | hlt | cli | sti | iretq? | invlpg | l[gi]dt | x?apic | cmos
    )\b""", re.VERBOSE)
PLAIN = {"sp", "ip", "si", "di"}  # stack_pointer's and others' usual short names, of no processor
COMMENTS = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*")', re.DOTALL)


def without_comments(text):
    """The text with comments blanked, lines kept."""
    return COMMENTS.sub(lambda match: match.group(1) or re.sub(r"[^\n]", " ", match.group()), text)


def faults_of(name, text):
    if pathlib.Path(name).suffix in (".S", ".s", ".ld"):
        yield f"{name}: assembly and linker scripts belong into kernel/arch/"
        return
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        yield from (f"{name}:{number}: \"{word}\" names a processor: only kernel/arch/ may" for word in NAMES.findall(line)
                    if word not in PLAIN)


def main(root):
    # What the check itself must see, and must leave alone.
    assert list(faults_of("a.S", "")) and not list(faults_of("a.cpp", "trap.pc = sp; // rsp, cr3 and rdtsc"))
    for word in ("asm", "cr3", "rdtsc", "rip", "rsp", "kernel/arch/x86_64/cpu.hpp", "_mm_pause", "__builtin_ia32_pause"):
        assert list(faults_of("a.cpp", f'f("{word}");')), word
    files = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "kernel/*.cpp", "kernel/*.hpp", "kernel/*.h",
                            "kernel/*.S", "kernel/*.s", "kernel/*.ld"], capture_output=True, text=True, check=True).stdout.split()
    files = [name for name in files if not name.startswith("kernel/arch/") and (root / name).exists()]
    faults = [fault for name in files for fault in faults_of(name, (root / name).read_text())]
    if not files:
        faults.append("no files were found: is this a checkout?")
    print("\n".join(faults) if faults else f"processor names: none in {len(files)} files of the kernel outside of kernel/arch/")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
