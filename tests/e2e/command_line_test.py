"""kpkg's manners: help, usage errors, exit statuses, JSON, keys, the store's commands, evaluation errors."""
import json, os, pathlib, re, shutil, subprocess, unittest
import programs


class Manners(programs.Case):
    def test_every_command_has_help(self):
        help_text = self.kpkg("--help").stdout
        commands = re.findall(r"^  ([a-z]+)  ", help_text.split("Commands:")[1].split("Options:")[0], re.M)
        self.assertGreaterEqual(len(commands), 13)
        for command in commands:
            self.assertIn("--help", self.kpkg(command, "--help").stdout)
            self.assertEqual(self.kpkg(command, "-h").stdout, self.kpkg(command, "--help").stdout)

    def test_wrong_usage_ends_with_2_and_says_what(self):
        for arguments, word in [((), "subcommand"), (("eval", "--unknown"), "--unknown"), (("frobnicate",), "frobnicate"),
                                (("build", "--unknown-option"), "--unknown-option"), (("push", "x"), "--to"),
                                (("log",), "path"), (("completion", "tcsh"), "tcsh")]:
            self.assertIn(word, self.kpkg(*arguments, status=2).stderr)

    def test_a_missing_file_is_named(self):
        for arguments in [("eval", "absent.nix"), ("run", "absent.wasm"), ("store", "add", "absent"), ("build", "absent")]:
            self.assertIn("absent", self.kpkg(*arguments, status=1).stderr)

    def test_errors_are_json_on_request(self):
        error = json.loads(self.kpkg("--json", "run", "absent.wasm", status=1).stderr)["error"]
        self.assertIn("absent.wasm", error["message"])
        error = json.loads(self.kpkg("--json", "eval", "-E", "{ a = 1; }.b", status=3).stderr)["error"]
        self.assertEqual(error["position"]["line"], 1)

    def test_usage_errors_are_json_too_wherever_json_stands(self):
        for arguments in [("--json", "eval", "--unknown"), ("eval", "--unknown", "--json"), ("--json", "frobnicate"),
                          ("frobnicate", "--json"), ("--json",), ("push", "x", "--json"), ("completion", "tcsh", "--json"),
                          ("build", "--jobs", "many", "--json"), ("system", "boto", "--json")]:
            error = json.loads(self.kpkg(*arguments, status=2).stderr)["error"]
            self.assertEqual(error["kind"], "usage", arguments)
            self.assertTrue(error["message"], arguments)

    def test_what_is_no_utf8_does_not_break_json(self):
        name = os.fsdecode(b"bad\xff\x1bname")
        for command in [("run",), ("store", "add"), ("eval",)]:
            error = json.loads(self.kpkg("--json", *command, name, status=1).stderr)["error"]
            self.assertIn("bad\ufffd", error["message"])
        self.write(name, "x\n")
        self.write("raw.nix", b'"a\xffb"')
        self.assertEqual(self.kpkg_json("eval", "raw.nix"), "a\ufffdb")
        json.loads(self.kpkg("--json", "eval", "-E", 'throw "' + os.fsdecode(b"\xff") + '"', status=3).stderr)

    def test_control_characters_of_names_are_shown_and_not_sent(self):
        for command in [("run",), ("store", "add"), ("eval",), ("frobnicate",)]:
            failed = self.kpkg(*command, "\x1b[31mname", status=None)
            self.assertNotIn("\x1b", failed.stderr)
        self.assertIn("\\x1b[31mname", self.kpkg("run", "\x1b[31mname", status=1).stderr)
        primary, terminal = os.openpty()
        subprocess.run([programs.BUILD / "bin" / "kpkg", "eval", "--raw", "-E", '"\x1b]0;owned"'], stdout=terminal, check=True)
        os.close(terminal)
        self.assertEqual(os.read(primary, 100), b"\\x1b]0;owned\r\n")
        os.close(primary)

    def test_completion_names_commands_and_options(self):
        script = self.kpkg("completion", "bash").stdout
        self.run_program(["bash", "-n"], text_input=script)
        self.write("some file.nix", "1")
        for words, expected in [("kpkg system bu", ["build"]), ("kpkg completion z", ["zsh"]), ("kpkg build --no-l", ["--no-link"]),
                                ("kpkg store info --rec", ["--recursive"]), ("kpkg eval some", ["some file.nix"]),
                                ("kpkg build --key some", ["some file.nix"])]:
            typed = " ".join(words.split())
            offered = self.run_program(["bash", "-c", script + f'\nCOMP_WORDS=({typed}); COMP_CWORD={len(words.split()) - 1}; '
                                        '_kpkg; printf "%s\\n" "${COMPREPLY[@]}"'])
            self.assertEqual(offered.stdout.splitlines(), expected, words)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_the_zsh_completion_is_native_and_parses(self):
        script = self.kpkg("completion", "zsh").stdout
        self.assertTrue(script.startswith("#compdef kpkg\n"))
        self.run_program(["zsh", "-n"], text_input=script)

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_the_fish_completion_offers_commands_options_and_choices(self):
        script = self.kpkg("completion", "fish").stdout
        for line, expected in [("kpkg system bu", "build"), ("kpkg completion z", "zsh"), ("kpkg build --no-l", "--no-link")]:
            offered = self.run_program(["fish", "--no-config", "-c", script + f'\ncomplete -C "{line}"'], env={"HOME": str(self.work)})
            self.assertEqual([word.split("\t")[0] for word in offered.stdout.splitlines()], [expected], line)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_the_manual_pages_have_nothing_to_complain_about(self):
        pages = self.kpkg("manual", "--man", "man1").stdout.split()
        self.assertIn("man1/kpkg-system-build.1", pages)
        self.assertEqual(self.run_program(["mandoc", "-T", "lint", "-W", "warning", *pages]).stdout, "")

    def test_the_manual_has_a_page_for_every_command(self):
        self.kpkg("manual", "--markdown", "manual")
        index = (self.work / "manual" / "README.md").read_text()
        links = re.findall(r"\]\(([a-z-]+\.md)\)", index)
        self.assertEqual({*links, "README.md"}, {page.name for page in (self.work / "manual").iterdir()})

    def test_the_program_alone_has_its_library_with_it(self):
        alone = self.work / "machine" / "kpkg"
        alone.parent.mkdir()
        shutil.copy(programs.BUILD / "bin" / "kpkg", alone)
        self.write("kpkg.nix", '{ kpkgs }: kpkgs.mkModule { name = "m"; version = "1"; src = ./.; }')
        missing = self.run_program([alone, "eval"], status=3)
        self.assertIn("kpkg toolchain import clang", missing.stderr)
        names = self.run_program([alone, "eval", "-E", "{ kpkgs }: builtins.attrNames kpkgs"]).stdout
        self.assertIn("mkModule", names)
        self.assertIn("mkSystem", self.run_program([alone, "eval", "-E", "builtins.attrNames (import <kpkgs> { toolchains = { }; })"]).stdout)
        self.write("x.img", "x")
        _, public = self.key("k")
        boot = self.run_program([alone, "system", "boot", "x.img", "--trusted-key", public, "--generation", "sha256:" + "0" * 52], status=1)
        self.assertIn("--kernel", boot.stderr)


class ExitStatuses(programs.Case):
    """README's table, row by row, in the commands that can end so."""

    def failing(self, status, *arguments, **options):
        """The error must be an object with --json, too."""
        self.kpkg(*arguments, status=status, **options)
        lines = self.kpkg("--json", *arguments, status=status, **options).stderr.splitlines()
        return json.loads(lines[-1])["error"]

    def test_1_failed(self):
        _, public = self.key("k")
        missing = "/kpkg/store/" + "0" * 32 + "-missing"
        for arguments in [("eval", "absent.nix"), ("instantiate", "absent"), ("build", "absent"), ("run", "absent.wasm"),
                          ("run", missing), ("log", missing), ("push", "--to", "http://127.0.0.1:9", missing),
                          ("install", "--from", "http://127.0.0.1:9", missing), ("profile", "set", missing),
                          ("profile", "switch", "3"), ("profile", "rollback"), ("system", "inspect", "absent.img"),
                          ("system", "boot", "absent.img", "--trusted-key", public),
                          ("system", "build", "absent.nix", "--key", self.work / "k.secret"), ("key", "public", "absent"),
                          ("key", "generate", "k", "--out", self.work / "k.secret"), ("store", "add", "absent"),
                          ("store", "info", missing), ("store", "sign", "--key", self.work / "k.secret", missing),
                          ("store", "sign", "--key", "absent", missing), ("builtins", "unheard")]:
            with self.subTest(arguments):
                self.assertEqual(self.failing(1, *arguments)["kind"], "failed")

    def test_2_wrong_usage(self):
        for command in self.commands():
            with self.subTest(command):
                self.assertEqual(self.failing(2, *command.split(), "--unknown")["kind"], "usage")

    def commands(self):
        self.kpkg("manual", "--markdown", "manual", "--quiet")
        return re.findall(r"\[`kpkg ([a-z ]+)`\]", (self.work / "manual" / "README.md").read_text())

    def test_3_evaluation_failed(self):
        self.write("broken.nix", "{ a = ")
        secret, _ = self.key("k")
        for command in [("eval",), ("instantiate",), ("build",), ("run",), ("system", "build", "--key", secret)]:
            with self.subTest(command):
                self.failing(3, *command, "broken.nix")
        self.assertEqual(self.failing(3, "build", "-E", "1")["kind"], "evaluation")

    def test_5_refused_damage_in_the_store(self):
        self.write("a.txt", "a\n")
        path = self.kpkg("store", "add", "a.txt").stdout.strip()
        file = self.root / "store" / pathlib.Path(path).name
        os.chmod(file, 0o644)
        file.write_text("b\n")
        self.kpkg("store", "verify", "--contents", status=5)
        self.write("x.img", "no image")
        _, public = self.key("k")
        self.assertEqual(self.failing(5, "system", "inspect", "x.img")["kind"], "refused")
        self.assertEqual(self.failing(5, "system", "boot", "x.img", "--trusted-key", public)["kind"], "refused")

    def test_6_invalid_module(self):
        self.write("bad.wasm", b"\0asm\1\0\0\0\xff")
        self.write("bad.wat", '(module (func (export "_start") (i32.add)))')
        for name in ["bad.wasm", "bad.wat"]:
            self.assertEqual(self.failing(6, "run", name)["kind"], "invalid-module")

    def test_134_trapped(self):
        self.write("trap.wat", '(module (func (export "_start") unreachable))')
        self.assertEqual(self.failing(134, "run", "trap.wat")["kind"], "trapped")

    def test_a_guests_status_arrives_whole_and_without_a_word(self):
        for status in [0, 1, 7, 97, 125, 126, 134, 200, 255]:
            self.write("guest.wat", '(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) '
                                    f'(func (export "_start") (call $exit (i32.const {status}))))')
            self.assertEqual(self.kpkg("run", "guest.wat", status=status).stderr, "", status)
            self.assertEqual(self.kpkg("run", "--json", "guest.wat", status=status).stderr, "", status)


class Evaluation(programs.Case):
    def test_values_print_as_nix_prints_them(self):
        self.assertEqual(self.kpkg("eval", "-E", '{ b = [ 1 2.5 "x" ]; a = true; }').stdout.strip(), '{ a = true; b = [ 1 2.5 "x" ]; }')
        self.assertEqual(self.kpkg("eval", "--raw", "-E", '"a${toString 1}"').stdout.strip(), "a1")
        self.assertEqual(self.kpkg_json("eval", "-E", "{ a = [ null ]; }"), {"a": [None]})
        self.assertEqual(self.kpkg("eval", "--argstr", "who", "you", "-E", '{ who }: "hi ${who}"').stdout.strip(), '"hi you"')

    def test_errors_have_a_position_and_status_3(self):
        self.write("broken.nix", "let\n  x = 1;\nin x +\n")
        self.assertIn("broken.nix:", self.kpkg("eval", "broken.nix", status=3).stderr)
        self.write("undefined.nix", "{\n  a = lenght [ ];\n}\n")
        self.assertIn("undefined.nix:2:7", self.kpkg("eval", "undefined.nix", status=3).stderr)
        self.assertIn("recursion", self.kpkg("eval", "-E", "let x = x; in x", status=3).stderr)

    def test_evaluation_is_pure_unless_told_otherwise(self):
        probe = 'builtins.getEnv "SECRET"'
        self.assertEqual(self.kpkg("eval", "-E", probe, env={"SECRET": "s"}).stdout.strip(), '""')
        self.assertEqual(self.kpkg("eval", "--impure", "-E", probe, env={"SECRET": "s"}).stdout.strip(), '"s"')

    def test_eval_writes_nothing(self):
        self.kpkg("eval", "-E", '(derivation { name = "x"; system = "s"; builder = "/b"; }).outPath')
        self.assertFalse(self.root.exists())


class Running(programs.Case):
    def run_wat(self, body, status, *arguments):
        self.write("guest.wat", f"(module {body})")
        return self.kpkg("run", "guest.wat", *arguments, status=status)

    def test_a_guest_ends_with_its_own_status(self):
        self.run_wat('(func (export "_start"))', 0)
        exit_7 = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (func (export "_start") (call $exit (i32.const 7)))'
        self.run_wat(exit_7, 7)

    def test_a_trap_ends_with_134_and_names_the_functions(self):
        trapped = self.run_wat('(func $inner unreachable) (func $outer call $inner) (func (export "_start") call $outer)', 134)
        self.assertLess(trapped.stderr.index("inner"), trapped.stderr.index("outer"))
        self.assertIn("call stack exhausted", self.run_wat('(func $f (export "_start") call $f)', 134).stderr)

    def test_what_is_no_valid_module_ends_with_6_and_says_where(self):
        self.assertIn("type mismatch", self.run_wat('(func (export "_start") (i32.add))', 6).stderr)
        for name, contents in {"truncated.wasm": b"\0asm\1\0\0\0\1", "text.wasm": b"hello", "empty.wasm": b"", "broken.wat": b"(module (func"}.items():
            self.write(name, contents)
            self.assertIn(name, self.kpkg("run", name, status=6).stderr)
        self.write("component.wasm", b"\0asm\x0d\0\1\0")
        self.assertIn("component", self.kpkg("run", "component.wasm", status=6).stderr)

    def test_a_missing_import_is_named_with_its_module(self):
        missing = self.run_wat('(import "greeter" "greet" (func)) (func (export "_start"))', 1)
        self.assertIn("greeter", missing.stderr)
        self.assertIn("--link", missing.stderr)

    def test_memory_has_the_limit_that_was_asked_for(self):
        grow = '(memory 1) (func (export "_start") (if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then unreachable)))'
        self.run_wat(grow, 0)
        self.run_wat(grow, 134, "--memory-limit", "1000000")


class Keys(programs.Case):
    def test_a_secret_key_is_private_and_never_overwritten(self):
        secret, public = self.key("acme-1")
        self.assertEqual(secret.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.kpkg("key", "public", secret).stdout.strip(), public)
        before = secret.read_bytes()
        self.assertIn("exists", self.kpkg("key", "generate", "acme-1", "--out", secret, status=1).stderr)
        self.assertEqual(secret.read_bytes(), before)
        self.write("bad.secret", "acme:notbase64!\n").chmod(0o600)
        self.assertIn("bad.secret", self.kpkg("key", "public", "bad.secret", status=1).stderr)


class Store(programs.Case):
    def test_add_info_roots_and_gc(self):
        self.write("a.txt", "a\n")
        path = self.kpkg("store", "add", "a.txt").stdout.strip()
        info = self.kpkg_json("store", "info", path)[0]
        self.assertEqual(info["path"], path)
        self.assertTrue(info["narHash"].startswith("sha256-"))
        self.kpkg("profile", "set", path)
        self.assertEqual(self.kpkg_json("store", "gc")["deleted"], [])
        self.write("b.txt", "b\n")
        other = self.kpkg("store", "add", "b.txt").stdout.strip()
        self.assertEqual(self.kpkg_json("store", "gc", "--dry-run")["deleted"], [other])
        self.assertEqual(self.kpkg_json("store", "gc")["deleted"], [other])
        self.assertIn("not valid", self.kpkg("store", "info", other, status=1).stderr)

    def test_a_damaged_file_is_found_by_verify(self):
        self.write("a.txt", "a\n")
        path = self.kpkg("store", "add", "a.txt").stdout.strip()
        file = self.root / "store" / pathlib.Path(path).name
        os.chmod(file, 0o644)
        file.write_text("b\n")
        damaged = self.kpkg("store", "verify", "--contents", status=5)
        self.assertIn(path, damaged.stdout)

    def test_profiles_switch_and_roll_back(self):
        paths = []
        for number in range(3):
            self.write("f", str(number))
            paths.append(self.kpkg("store", "add", "f").stdout.strip())
            self.kpkg("profile", "set", paths[-1])
        self.kpkg("profile", "rollback")
        current = [g for g in self.kpkg_json("profile", "list") if g["current"]]
        self.assertEqual([g["path"] for g in current], [paths[1]])
        self.kpkg("profile", "switch", "3")
        self.assertIn("7", self.kpkg("profile", "switch", "7", status=1).stderr)

    def test_what_is_no_store_path_is_said_so(self):
        for text in ["hello", "/kpkg/store/short-name", "/nix/store/" + "0" * 32 + "-x/..", "/kpkg/store/" + "e" * 32 + "-x"]:
            self.assertIn("store path", self.kpkg("store", "info", text, status=2).stderr)


if __name__ == "__main__":
    programs.main()
