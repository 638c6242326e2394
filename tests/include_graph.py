#!/usr/bin/env python3
"""The house's arrows go one way: checks every #include of the project against them.

ALLOWED names, for each room, the rooms whose headers it may include (its own always). An include that is not allowed,
or of a file that does not exist, is an error. Run: include_graph.py CHECKOUT
"""
import pathlib, re, subprocess, sys

ALLOWED = {
    "store/format": [],
    "store/local": ["store/format"],
    "store/remote": ["store/format", "store/local"],
    "derivations/lang": ["store/format", "store/local"],
    "derivations/build": ["derivations/lang", "store/format", "store/local"],
    "runtime": ["store/format/try.hpp"],
    "kernel": ["runtime", "store/format"],
    "registry-server": ["store/format", "store/local"],
    "kpkg": ["derivations", "store", "runtime"],
    "tests": ["store", "derivations", "runtime", "registry-server", "kpkg", "kernel", "tests"],
}

def room_of(path):
    return max((room for room in ALLOWED if path.startswith(room + "/")), key=len, default=None)

def main(root):
    root = pathlib.Path(root)
    files = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.hpp", "*.cpp", "*.h", "*.S"],
                           capture_output=True, text=True, check=True).stdout.split()
    errors, edges = [], 0
    for name in files:
        room = room_of(name)
        if room is None or not (root / name).exists():
            continue
        for number, line in enumerate((root / name).read_text(errors="replace").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            if not (root / target).exists():
                if (root / name).parent.joinpath(target).exists():
                    errors.append(f"{name}:{number}: include \"{target}\" from the project's root")
                elif room_of(target):
                    errors.append(f"{name}:{number}: \"{target}\" does not exist")
                continue
            edges += 1
            if not any(target == to or target.startswith(to + "/") for to in [room, *ALLOWED[room]]):
                errors.append(f"{name}:{number}: {room} may not include {target}")
    print("\n".join(errors) if errors else f"include graph: {edges} includes, all along the arrows")
    if edges == 0:
        print("no includes were found: is this a checkout?")
    return 1 if errors or edges == 0 else 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
