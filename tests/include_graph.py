#!/usr/bin/env python3
"""The house's arrows go one way: checks every #include of the project against them, folder by folder.

HOUSE names every folder (or a header that is a room's face), the ground first, with those whose headers it may include
(its own always). A name stands for the folder and all below it that have no entry of their own. So a folder may only name what stands above it
in the table, which makes circles impossible; an arrow that no include uses is an error, too, so that the table says
what is, not what once was.

Run: include_graph.py CHECKOUT            check
     include_graph.py CHECKOUT --dot      print the graph for Graphviz (docs/include_graph.svg is made of it)
"""
import pathlib, re, subprocess, sys

HOUSE = {
    "store/base": [],
    "store/posix": ["store/base"],
    "store/format": ["store/base"],
    "store/local": ["store/posix", "store/format"],
    "store/remote": ["store/posix", "store/format", "store/local"],
    "runtime": ["store/base"],
    "kernel": ["runtime", "store/base", "store/format"],
    "derivations/lang": ["store/base", "store/format", "store/local"],
    "derivations/build": ["store/posix", "store/format", "store/local"],
    "registry-server": ["store/format", "store/local"],
    "kpkg": ["derivations/lang", "derivations/build", "store/base", "store/local", "store/remote", "runtime"],
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
    if count == 0:
        errors.append("no includes were found: is this a checkout?")
    print("\n".join(errors) if errors else f"include graph: {count} includes between {len(HOUSE)} folders, all along the arrows")
    return 1 if errors else 0


def dot():
    """The folders as boxes, grouped by room; an arrow leads to what a folder includes, without those implied by others."""
    def reaches(start, goal, direct):
        return any(step == goal or reaches(step, goal, True) for step in HOUSE[start] if direct or step != goal)
    print('digraph house {\n  rankdir=BT; node [shape=box, fontname="sans-serif", fontsize=11, style="rounded,filled", fillcolor="#eef2f7"];')
    rooms = {}
    for folder in HOUSE:
        rooms.setdefault(folder.split("/")[0], []).append(folder)
    for room, folders in rooms.items():
        print(f'  subgraph "cluster_{room}" {{ label="{room}"; color="#8899aa"; fontname="sans-serif"; ' +
              " ".join(f'"{folder}" [label="{folder.removeprefix(room + "/")}"];' for folder in folders) + " }")
    for folder, arrows in HOUSE.items():
        for to in arrows:
            if not reaches(folder, to, False):
                print(f'  "{folder}" -> "{to}";')
    print("}")


if __name__ == "__main__":
    if "--dot" in sys.argv[2:]:
        dot()
        sys.exit(0)
    sys.exit(check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
