"""What the documents point at is there: every link to a file, and every `folder/file` of a room in backticks.

Every attack that is tried (tests/attacks/) is in docs/attacks.md.

Words in capitals (NAME, SUBJECT) and stars stand for what a reader puts there; such a path is looked at up to them.

Run: documents.py CHECKOUT"""
import pathlib, re, subprocess, sys

ROOMS = "store|runtime|kernel|kpkg|derivations|registry-server|schemas|tests|docs|examples|packaging"


def main(root):
    errors, count = [], 0
    documents = subprocess.run(["git", "-C", root, "ls-files", "*.md"], capture_output=True, text=True, check=True).stdout.split()
    for document in documents:
        text = re.sub(r"^```.*?^```$", "", (root / document).read_text(), flags=re.MULTILINE | re.DOTALL)
        links = [(root / document).parent / link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)]
        paths = [root / re.split(r"[^/]*(?:[A-Z]{3}|\*)", path)[0] for path in re.findall(rf"`((?:{ROOMS})/[^` …]*)`", text)]
        for path in links + paths:
            count += 1
            if not path.exists():
                errors.append(f"{document}: {path.relative_to(root) if path.is_relative_to(root) else path} does not exist")
    attacks = (root / "docs/attacks.md").read_text()
    for test in (root / "tests/attacks").glob("*_test.py"):
        for name in re.findall(r"def (test_\w+)", test.read_text()):
            count += 1
            if f"`{name}`" not in attacks:
                errors.append(f"docs/attacks.md: {name} of {test.name} is missing")
    print(*errors, sep="\n")
    if errors:
        sys.exit(1)
    print(f"{count} links and paths of {len(documents)} documents lead somewhere")


main(pathlib.Path(sys.argv[1]).resolve())
