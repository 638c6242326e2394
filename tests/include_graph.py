#!/usr/bin/env python3
"""The house's arrows go one way: checks every #include of the project against them, folder by folder.

HOUSE names every folder (or a header that is a room's face), the ground first, with those whose headers it may include
(its own always). A name stands for the folder and all below it that have no entry of their own. So a folder may only name what stands above it
in the table, which makes circles impossible; an arrow that no include uses is an error, too, so that the table says
what is, not what once was.

The picture of it is docs/house.svg: drawn by Graphviz, with the table's hash in it, so that the check finds one that is
out of date.

Run: include_graph.py CHECKOUT            check
     include_graph.py CHECKOUT --draw     draw docs/house.svg anew (./dev draw)
"""
import hashlib, pathlib, re, subprocess, sys

HOUSE = {
    "store/base": [],
    "store/posix": ["store/base"],
    "store/format": ["store/base"],
    "store/local": ["store/base", "store/posix", "store/format"],
    "store/remote": ["store/base", "store/posix", "store/format", "store/local"],
    "runtime/types": ["store/base"],
    "runtime/binary": ["store/base", "runtime/types"],
    "runtime/validate": ["runtime/types", "runtime/binary"],
    "runtime/abi": ["runtime/types"],
    "runtime/codegen": ["runtime/abi"],
    "runtime/codegen/x86_64": ["runtime/types", "runtime/abi", "runtime/codegen"],
    "runtime/codegen/baseline": ["runtime/types", "runtime/validate", "runtime/codegen", "runtime/codegen/x86_64"],
    "runtime/platform": ["runtime/types"],
    "runtime/engine.hpp": ["runtime/binary", "runtime/codegen"],
    "runtime/exec": ["store/base", "runtime/validate", "runtime/abi", "runtime/platform", "runtime/engine.hpp"],
    "runtime/wasi": ["runtime/platform", "runtime/engine.hpp"],
    "runtime/text": ["store/base", "runtime/types", "runtime/binary", "runtime/engine.hpp"],
    # The kernel. arch/ is its face to the processor, arch/x86_64 one processor behind it, which nobody else includes.
    "kernel/system/exit_status.hpp": [],
    "kernel/arch": [],
    "kernel/arch/x86_64": ["kernel/arch"],
    "kernel/drivers": ["kernel/arch", "kernel/system/exit_status.hpp"],
    "kernel/debug": ["kernel/arch", "kernel/drivers"],
    "kernel/boot": ["store/base", "kernel/arch", "kernel/debug"],
    "kernel/memory": ["kernel/arch", "kernel/debug", "kernel/boot"],
    "kernel/libc": ["kernel/debug", "kernel/drivers", "kernel/memory"],
    "kernel/sched": ["kernel/arch", "kernel/debug", "kernel/memory"],
    "kernel/host": ["runtime/platform", "kernel/arch", "kernel/drivers", "kernel/debug", "kernel/memory"],
    "kernel/system": ["runtime/platform", "runtime/engine.hpp", "runtime/wasi", "store/format", "kernel/system/exit_status.hpp"],
    "kernel": ["kernel/arch", "kernel/drivers", "kernel/debug", "kernel/boot", "kernel/memory", "kernel/sched",
               "kernel/system"],
    "derivations/lang": ["store/base", "store/posix", "store/format", "store/local"],
    "derivations/lang/builtins": ["derivations/lang", "store/base", "store/format"],
    "derivations/lang/evaluator.cpp": ["derivations/lang", "derivations/lang/builtins", "store/base"],
    "derivations/realise": ["store/base", "store/posix", "store/format", "store/local"],
    "registry-server/storage": ["store/base", "store/posix", "store/format", "store/local"],
    "registry-server/http": ["store/base", "store/posix", "store/format"],
    "registry-server/protocols": ["registry-server/storage", "registry-server/http", "store/base", "store/posix",
                                  "store/format", "store/remote"],
    "registry-server": ["registry-server/storage", "registry-server/http", "registry-server/protocols", "store/base",
                        "store/posix"],
    "kpkg/cli": ["derivations/lang", "derivations/realise", "store/base", "store/posix", "store/format", "store/local"],
    "kpkg/machine": ["kpkg/cli", "kernel/system/exit_status.hpp", "store/posix"],
    "kpkg/project": ["kpkg/cli", "derivations/lang", "derivations/realise", "store/remote"],
    "kpkg/commands": ["kpkg/cli", "kpkg/project", "kpkg/machine", "derivations/lang", "derivations/realise",
                      "store/posix", "store/format", "store/remote", "runtime/wasi", "runtime/text"],
    "kpkg": ["kpkg/cli", "kpkg/commands"],
}
# Tests may include everything.
SOURCES = ["*.hpp", "*.cpp", "*.h", "*.S"]


def folder_of(path):
    """The entry of HOUSE that a file belongs to."""
    return max((folder for folder in HOUSE if path == folder or path.startswith(folder + "/")), key=len, default=None)


def includes(root):
    """(file, line number, included path) of every include of a project file."""
    files = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", *SOURCES],
                           capture_output=True, text=True, check=True).stdout.split()
    for name in files:
        if not (root / name).exists():
            continue
        for number, line in enumerate((root / name).read_text(errors="replace").splitlines(), 1):
            if match := re.match(r'\s*#\s*include\s+"([^"]+)"', line):
                yield name, number, match.group(1)


def check(root):
    errors, used, count = [], set(), 0
    order = list(HOUSE)
    for folder, arrows in HOUSE.items():
        for to in arrows:
            if to not in HOUSE:
                errors.append(f"the table: {folder} names {to}, which has no entry")
            elif order.index(to) >= order.index(folder):
                errors.append(f"the table: an arrow upward, from {folder} to {to}")
    for name, number, target in includes(root):
        folder, to = folder_of(name), folder_of(target)
        if not (root / target).exists():
            if (root / name).parent.joinpath(target).exists():
                errors.append(f"{name}:{number}: include \"{target}\" from the project's root")
            elif to:
                errors.append(f"{name}:{number}: \"{target}\" does not exist")
            continue
        count += 1
        if folder is None or folder == to:
            continue
        used.add((folder, to))
        if to not in HOUSE[folder]:
            errors.append(f"{name}:{number}: {folder} may not include {target}")
    errors += [f"the table: {folder} includes nothing of {to}" for folder, arrows in HOUSE.items() for to in arrows
               if (folder, to) not in used]
    if not picture_is_current(root):
        errors.append("docs/house.svg does not show the table: ./dev draw")
    if count == 0:
        errors.append("no includes were found: is this a checkout?")
    print("\n".join(errors) if errors else f"include graph: {count} includes between {len(HOUSE)} folders, all along the arrows")
    return 1 if errors else 0


def dot():
    """The folders as boxes, grouped by room; an arrow leads to what a folder includes, without those that others imply."""
    def reaches(start, goal, direct):
        return any((step == goal and direct) or reaches(step, goal, True) for step in HOUSE[start])
    lines = ["digraph house {", "  rankdir=TB; nodesep=0.25; ranksep=0.45; concentrate=false;",
             '  node [shape=box, fontname="sans-serif", fontsize=11, height=0.3, style="rounded,filled", '
             'color="#8899aa", fillcolor="#eef2f7"];', '  edge [color="#556677", arrowsize=0.6];']
    rooms = {}
    for folder in HOUSE:
        rooms.setdefault(folder.split("/")[0], []).append(folder)
    for room, folders in rooms.items():
        lines.append(f'  subgraph "cluster_{room}" {{ label="{room}"; color="#8899aa"; fontname="sans-serif"; fontsize=13;')
        for folder in folders:
            name = folder.removeprefix(room + "/")
            label = "(its own files)" if name == room and len(folders) > 1 else name
            lines.append(f'    "{folder}" [label="{label}"];')
        lines.append("  }")
    for folder, arrows in HOUSE.items():
        lines += [f'  "{folder}" -> "{to}";' for to in arrows if not any(reaches(step, to, True) for step in arrows)]
    return "\n".join([*lines, "}", ""])


def picture_is_current(root):
    picture = root / "docs" / "house.svg"
    return picture.exists() and hash_of_table() in picture.read_text()


def hash_of_table():
    return "house " + hashlib.sha256(dot().encode()).hexdigest()


def draw(root):
    svg = subprocess.run(["dot", "-Tsvg"], input=dot(), capture_output=True, text=True, check=True).stdout
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.S).replace("<svg ", f"<!-- {hash_of_table()} -->\n<svg ", 1)
    (root / "docs").mkdir(exist_ok=True)
    (root / "docs" / "house.svg").write_text(svg)


if __name__ == "__main__":
    checkout = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    if "--draw" in sys.argv[2:]:
        draw(checkout)
        sys.exit(0)
    sys.exit(check(checkout))
