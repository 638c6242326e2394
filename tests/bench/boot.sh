#!/usr/bin/env bash
# The boot chart by instruction count (QEMU -icount: one instruction is one nanosecond of the guest's clock, so that a loaded
# machine changes nothing), and the time from starting QEMU to its end. Phases are those of kernel/main.cpp.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernel=$KPKG_BUILD_DIR/bin/kernel.elf
[ -f "$kernel" ] && command -v qemu-system-x86_64 >/dev/null || { echo "skipped: needs $kernel and qemu-system-x86_64"; exit 0; }
images=$(mktemp -d)
trap 'rm -rf "$images"' EXIT
"$KPKG_BUILD_DIR/bin/make_boot_images" "$here/../kernel/systems" "$images"
boot() { python3 "$here/../kernel/run_qemu.py" --kernel "$kernel" --append-file "$images/linked.cmdline" --initrd "$images/linked.img" "$@"; }
boot --icount | sed -n 's/^chart: \(.*\) \([0-9]*\) us$/boot \1: \2000 instructions/p'
begin=$(date +%s%N)
boot >/dev/null
echo "boot and run two linked guests: $((($(date +%s%N) - begin) / 1000000)) ms"
