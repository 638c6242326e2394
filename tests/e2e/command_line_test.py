"""kpkg's manners: help, usage errors, exit statuses, JSON, keys, the store's commands, evaluation errors."""
import json, os, pathlib, re
import programs


class Manners(programs.Case):
    def test_every_command_has_help(self):
        help_text = self.kpkg("--help").stdout
        commands = re.findall(r"^  ([a-z]+)  ", help_text.split("Subcommands:")[1], re.M)
        self.assertGreaterEqual(len(commands), 13)
        for command in commands:
            self.assertIn("--help", self.kpkg(command, "--help").stdout)

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

    def test_completion_names_commands_and_options(self):
        script = self.kpkg("completion", "bash").stdout
        self.run_program(["bash", "-n"], text_input=script)
        words = self.run_program(["bash", "-c", script + '\nCOMP_WORDS=(kpkg system bu); COMP_CWORD=2; _kpkg; echo "${COMPREPLY[@]}"'])
        self.assertEqual(words.stdout.split(), ["build"])


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
        self.write("bad.secret", "acme:notbase64!\n")
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
