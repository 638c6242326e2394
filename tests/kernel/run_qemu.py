#!/usr/bin/env python3
"""Boots a kernel in QEMU, shows its serial line and checks how it ends.

usage: run_qemu.py --kernel FILE [--append TEXT | --append-file FILE] [--initrd FILE] [--memory MIB] [--timeout SECONDS] [--icount]
                   [--status N] [--expect REGEX]… [--refuse REGEX]… [--nar FOLDER]

Exit status: 0 when QEMU ended with status N (33, success, by default; kernel/system/exit_status.hpp lists them), every
--expect matches some line and no --refuse does; 1 otherwise; 77 (skipped) when QEMU is not installed.
--nar FOLDER packs a folder as a NAR and gives it as the boot module; with --nar-list LIST only the files that LIST names
(«name assertions» a line, # comments), and a line «wast NAME ASSERTIONS/ASSERTIONS» is then expected for each.
--suite packs the WebAssembly suite ($KPKG_SUITES/wasm-core, by default ../shared/suites/wasm-core beside the checkout) like
--nar; skipped where there is none.
--grub boots a CD image made by grub-mkrescue (multiboot2, BIOS) instead of -kernel (PVH); skipped where that is missing.
Always emulated (TCG), never accelerated: what calls itself KVM may be an emulation that hangs."""
import argparse
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile


def nar_string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text + b"\0" * (-len(text) % 8)


def nar_node(path: str, only: set[str] | None = None) -> bytes:
    words = lambda *texts: b"".join(nar_string(t) for t in texts)
    if os.path.isdir(path):
        body = words(b"(", b"type", b"directory")
        for name in sorted(os.listdir(path), key=os.fsencode):
            inner = os.path.join(path, name)
            if only is not None and not any(o == inner or o.startswith(inner + "/") for o in only):
                continue
            body += words(b"entry", b"(", b"name", os.fsencode(name), b"node") + nar_node(inner, only) + words(b")")
        return body + words(b")")
    with open(path, "rb") as file:
        return words(b"(", b"type", b"regular", b"contents") + nar_string(file.read()) + words(b")")


def make_iso(kernel: str, command_line: str, module: str | None, folder: str) -> str:
    root = os.path.join(folder, "root")
    os.makedirs(os.path.join(root, "boot/grub"))
    shutil.copy(kernel, os.path.join(root, "boot/kernel.elf"))
    lines = ["set timeout=0", "menuentry kpkg {", f"  multiboot2 /boot/kernel.elf {command_line}"]
    if module:
        shutil.copy(module, os.path.join(root, "boot/module"))
        lines.append("  module2 /boot/module")
    with open(os.path.join(root, "boot/grub/grub.cfg"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines + ["}", ""]))
    image = os.path.join(folder, "boot.iso")
    subprocess.run(["grub-mkrescue", "-o", image, root], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return image


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--append", default="")
    parser.add_argument("--append-file")
    parser.add_argument("--initrd")
    parser.add_argument("--nar")
    parser.add_argument("--nar-list")
    parser.add_argument("--suite", action="store_true")
    parser.add_argument("--memory", type=int, default=512)
    parser.add_argument("--timeout", type=int, default=60)
    parser.add_argument("--grub", action="store_true")
    parser.add_argument("--icount", action="store_true")
    parser.add_argument("--status", type=int, default=33)
    parser.add_argument("--expect", action="append", default=[])
    parser.add_argument("--refuse", action="append", default=[])
    args = parser.parse_args()

    if args.append_file:
        with open(args.append_file, encoding="utf-8") as file:
            args.append = file.read()

    qemu = shutil.which("qemu-system-x86_64")
    if not qemu:
        print("skipped: qemu-system-x86_64 is not installed (./dev setup installs it)")
        return 77
    if args.suite:
        checkout = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
        suites = os.environ.get("KPKG_SUITES") or os.path.join(checkout, "../shared/suites")
        args.nar = os.path.join(os.path.normpath(suites), "wasm-core")
        if not os.path.isdir(args.nar):
            print(f"skipped: no WebAssembly suite in {args.nar} (set KPKG_SUITES)")
            return 77
    if args.grub and not (shutil.which("grub-mkrescue") and shutil.which("xorriso") and os.path.isdir("/usr/lib/grub/i386-pc")):
        print("skipped: grub-mkrescue with grub-pc-bin and xorriso is not installed")
        return 77
    listed = {}
    if args.nar_list:
        with open(args.nar_list, encoding="utf-8") as file:
            for line in file:
                words = line.partition("#")[0].split()
                if words:
                    listed[words[0]] = words[1]
        args.expect += [f"^wast {re.escape(name)} {count}/{count}$" for name, count in listed.items()]

    command = [qemu, "-M", "q35", "-cpu", "max", "-m", str(args.memory), "-display", "none", "-serial", "stdio",
               "-monitor", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    command += ["-accel", "tcg", "-icount", "shift=0,sleep=off"] if args.icount else ["-accel", "tcg,thread=multi"]
    with tempfile.TemporaryDirectory() as temporary:
        module = args.initrd
        if args.nar:
            module = os.path.join(temporary, "module.nar")
            with open(module, "wb") as file:
                only = {os.path.join(args.nar, name) for name in listed} if args.nar_list else None
                file.write(nar_string(b"nix-archive-1") + nar_node(args.nar, only))
        if args.grub:
            image = make_iso(args.kernel, args.append, module, temporary)
            command += ["-cdrom", image]
        else:
            command += ["-bios", "qboot.rom", "-kernel", args.kernel, "-append", args.append]
            if module:
                command += ["-initrd", module]
        try:
            run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=args.timeout)
            output, status = run.stdout, run.returncode
        except subprocess.TimeoutExpired as expired:
            output, status = expired.stdout or b"", None
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    print(text, end="" if text.endswith("\n") else "\n")

    failures = []
    if status is None:
        failures.append(f"QEMU did not end within {args.timeout} s")
    elif status != args.status:
        failures.append(f"QEMU ended with status {status}, expected {args.status}")
    failures += [f"no line matches {p!r}" for p in args.expect if not re.search(p, text, re.MULTILINE)]
    failures += [f"a line matches {p!r}" for p in args.refuse if re.search(p, text, re.MULTILINE)]
    for failure in failures:
        print(f"run_qemu: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
