"""The Debian package, installed in a Debian that has nothing else, does README's main job from nothing but itself.

The clean root is made once by mmdebstrap, and the .deb files that apt fetches for it are kept: BUILD/package/base.tar and
BUILD/package/archives. Every run unpacks and installs anew. Jobs run there as a plain user, in a root, a process tree
and a network of their own."""
import os, pathlib, re, shutil, subprocess, sys, unittest

SOURCE = pathlib.Path(os.environ["KPKG_SOURCE_DIR"])
FOLDER = pathlib.Path(os.environ["KPKG_BUILD_DIR"]) / "package"
sys.path.insert(0, str(SOURCE / "tests" / "e2e"))
import readme

BASE, ARCHIVES = FOLDER / "base.tar", FOLDER / "archives"
ROOT = pathlib.Path("/var/tmp") / f"kpkg-root-{os.getpid()}"  # where a plain user can reach it
RECOMMENDED = ["qemu-system-x86", "qemu-system-data"]
# What the package only suggests, because much of kpkg works without it: the compiler, and readers of pages and completions.
SUGGESTED = ["clang-22", "lld-22", "wasi-libc", "libclang-rt-22-dev-wasm32", "bash-completion", "man-db"]
USER = 1000


def run(arguments, timeout=600, **options):
    result = subprocess.run([str(a) for a in arguments], timeout=timeout, text=True, errors="replace", stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}: status {result.returncode}\n{result.stdout}")
    return result.stdout


def inside(*arguments, mounts=(), network=False, user=USER):
    """Runs a program in the clean root. A chroot would not do: the kernel makes no user namespaces in one."""
    return run([*(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []),
                "bwrap", "--bind", ROOT, "/", "--dev", "/dev", "--proc", "/proc", "--perms", "1777", "--tmpfs", "/tmp", "--unshare-pid",
                "--unshare-ipc", *([] if network else ["--unshare-net"]), "--die-with-parent", *mounts,
                "--clearenv", "--setenv", "PATH", "/usr/bin:/usr/sbin:/bin:/sbin", "--setenv", "LC_ALL", "C.UTF-8",
                "--setenv", "DEBIAN_FRONTEND", "noninteractive", "--setenv", "HOME", "/home/someone" if user else "/root",
                "--chdir", "/home/someone" if user else "/", *arguments])


def as_root(*arguments, mounts=()):
    return inside(*arguments, mounts=mounts, network=True, user=None)


def setUpModule():
    packages = list(FOLDER.glob("kpkg_*.deb"))
    assert len(packages) == 1, f"expected one package in {FOLDER}, found {packages}"
    if not BASE.exists():
        run(["mmdebstrap", "--variant=minbase", "--quiet", "bookworm", BASE.with_suffix(".new.tar")], timeout=1200)
        BASE.with_suffix(".new.tar").rename(BASE)
    ROOT.mkdir()
    ROOT.chmod(0o755)
    unittest.addModuleCleanup(shutil.rmtree, ROOT, ignore_errors=True)
    ARCHIVES.mkdir(exist_ok=True)
    run(["tar", "-xf", BASE, "-C", ROOT])
    shutil.copy(packages[0], ROOT / "kpkg.deb")
    shutil.copy("/etc/resolv.conf", ROOT / "etc" / "resolv.conf")
    (ROOT / "etc" / "apt" / "apt.conf.d" / "keep").write_text('Binary::apt-get::APT::Keep-Downloaded-Packages "true";\n')
    (ROOT / "etc" / "dpkg" / "dpkg.cfg.d" / "fast").write_text("force-unsafe-io\n")
    as_root("apt-get", "-qq", "update")
    as_root("apt-get", "-qq", "-y", "-o", "APT::Sandbox::User=root", "--no-install-recommends", "install",
            "./kpkg.deb", *RECOMMENDED, *SUGGESTED, mounts=["--bind", ARCHIVES, "/var/cache/apt/archives"])
    as_root("useradd", "--create-home", "--uid", str(USER), "--shell", "/bin/bash", "someone")


class CleanRoot(unittest.TestCase):
    def test_the_programs_start(self):
        for program in ["kpkg", "registry-server"]:
            self.assertRegex(inside(program, "--version"), r"\b0\.1\.0\b")

    def test_the_files_are_where_debian_looks_for_them(self):
        files = inside("dpkg", "-L", "kpkg").split()
        for file in ["/usr/bin/kpkg", "/usr/bin/registry-server", "/usr/share/kpkg/kernel.elf", "/usr/share/doc/kpkg/copyright",
                     "/usr/share/doc/kpkg/changelog.gz", "/usr/share/man/man1/kpkg.1.gz", "/usr/share/man/man1/registry-server.1.gz",
                     "/usr/share/bash-completion/completions/kpkg", "/usr/share/fish/vendor_completions.d/kpkg.fish"]:
            self.assertIn(file, files)
        self.assertTrue(any(re.fullmatch(r"/usr/share/zsh/.*/_kpkg", file) for file in files), "no completion for zsh")
        for file in ["/usr/bin/kpkg", "/usr/bin/registry-server", "/usr/share/kpkg/kernel.elf"]:
            self.assertNotIn(".debug_info", run(["readelf", "-S", f"{ROOT}{file}"]), file)

    def test_the_manual_is_read_by_man(self):
        for page in ["kpkg", "kpkg-build", "kpkg-system-build", "registry-server"]:
            shown = inside("man", page)
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS"]:
                self.assertIn(section, shown, page)

    def test_bash_completes_commands(self):
        offered = inside("bash", "-c", """. /usr/share/bash-completion/bash_completion; _completion_loader kpkg || true
            words=$(complete -p kpkg); function=${words##* -F }; function=${function%% *}
            COMP_WORDS=(kpkg bu); COMP_CWORD=1; COMP_LINE='kpkg bu'; COMP_POINT=7; "$function" kpkg bu kpkg; echo "${COMPREPLY[@]}" """)
        self.assertIn("build", offered.split())

    def test_the_main_job_is_done_by_a_plain_user(self):
        inside("cp", "-r", "/usr/share/doc/kpkg/examples", ".")
        commands = readme.blocks((SOURCE / "README.md").read_text())
        self.assertTrue(commands)
        shown = inside("bash", "-euo", "pipefail", "-c", "\n".join(commands))
        for text in ["Bonjour, you! (7 letters from greeter)", "Bonjour, kernel! (7 letters from greeter)"]:
            self.assertIn(text, shown)


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("mmdebstrap") or not shutil.which("bwrap"):
        print("skipped: needs root, mmdebstrap and bubblewrap (./dev package test)")
        sys.exit(77)
    unittest.main(verbosity=2)
