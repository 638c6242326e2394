"""Building and running packages from the command line, as a package's author meets it."""
import json, os, pathlib, shutil, signal, subprocess
import programs

programs.require("clang-22")

def shell_package(name, script):
    return ('{ kpkgs }: derivation { name = "%s"; system = "x86_64-linux"; builder = "/bin/sh"; '
            'sandboxRoot = kpkgs.toolchains.shell; PATH = "/bin:/usr/bin"; args = [ "-euc" %s ]; }' % (name, json.dumps(script)))


class Builds(programs.Case):
    def setUp(self):
        super().setUp()
        self.kpkg("toolchain", "import", "shell")

    def test_a_build_leaves_a_result_link_that_gc_respects(self):
        self.write("kpkg.nix", shell_package("made", "echo made > $out"))
        built = self.kpkg_json("build")[0]
        self.assertEqual((self.work / "result").read_text(), "made\n")
        self.kpkg("store", "gc")
        self.assertEqual(pathlib.Path(built["physicalPath"]).read_text(), "made\n")
        (self.work / "result").unlink()
        self.assertIn(built["path"], self.kpkg_json("store", "gc")["deleted"])

    def test_a_failing_builder_shows_its_log_and_ends_with_4(self):
        self.write("kpkg.nix", shell_package("broken", "echo the reason is here; exit 9"))
        failed = self.kpkg("build", status=4)
        self.assertIn("the reason is here", failed.stderr)
        self.assertIn("9", failed.stderr)
        drv = self.kpkg("instantiate").stdout.strip()
        self.assertIn("the reason is here", self.kpkg("log", drv).stdout)

    def test_a_failed_build_ends_every_command_that_builds_with_4(self):
        self.write("kpkg.nix", shell_package("broken", "exit 9"))
        for command in [("build",), ("run", ".")]:
            error = json.loads(self.kpkg("--json", "--quiet", *command, status=4).stderr.splitlines()[-1])["error"]
            self.assertEqual(error["kind"], "build")

    def test_an_interrupt_ends_a_build_its_sandbox_and_kpkg_by_that_signal(self):
        waiting = 'echo started; while :; do sleep 1; done'
        evaluated = '{ kpkgs }: builtins.readFile (%s)' % shell_package("waiting", waiting).removeprefix("{ kpkgs }: ")
        for expression, command in [(shell_package("waiting", waiting), ["build"]), (evaluated, ["instantiate"])]:
            self.write("kpkg.nix", expression)
            program = subprocess.Popen([programs.BUILD / "bin" / "kpkg", *command], cwd=self.work, text=True,
                                       stderr=subprocess.PIPE, env={**os.environ, "KPKG_ROOT": str(self.root)})
            for line in program.stderr:
                if line.strip() == "waiting> started":
                    break
            program.send_signal(signal.SIGINT)
            errors = program.communicate(timeout=60)[1]
            self.assertEqual(program.returncode, -signal.SIGINT, errors)
            self.assertIn("error: ", errors)
            self.assertIn("interrupted", errors)
            self.assertEqual(list((self.root / "var" / "builds").iterdir()), [])

    def test_builds_during_evaluation_obey_the_options_of_builds(self):
        self.write("kpkg.nix", '{ kpkgs }: builtins.readFile (%s)' % shell_package(
            "endless", "while :; do :; done").removeprefix("{ kpkgs }: "))
        self.assertIn("1 s", self.kpkg("instantiate", "--timeout", "1", status=4).stderr)

    def test_the_program_alone_builds_with_the_library_inside_it(self):
        self.kpkg("toolchain", "import", "clang")
        alone = self.work / "machine" / "kpkg"
        alone.parent.mkdir()
        shutil.copy(programs.BUILD / "bin" / "kpkg", alone)
        shutil.copytree(programs.SOURCE / "examples" / "greeter", self.work / "greeter")
        path = self.run_program([alone, "build", "--no-link", "greeter"]).stdout.strip()
        self.assertTrue((self.root / "store" / pathlib.Path(path).name / "module.wasm").exists())

    def test_check_finds_a_build_that_cannot_be_repeated(self):
        self.write("kpkg.nix", shell_package("steady", "echo same > $out"))
        self.kpkg("build", "--no-link")
        self.kpkg("build", "--no-link", "--check")
        self.write("kpkg.nix", shell_package("changing", "cat /proc/sys/kernel/random/uuid > $out"))
        self.kpkg("build", "--no-link")
        self.assertIn("changing", self.kpkg("build", "--no-link", "--check", status=4).stderr)

    def test_a_missing_toolchain_says_how_to_import_it(self):
        shutil.copytree(programs.SOURCE / "examples" / "greeter", self.work / "greeter")
        self.assertIn("kpkg toolchain import clang", self.kpkg("build", "greeter", status=3).stderr)

    def test_what_is_no_package_is_said_so(self):
        self.write("kpkg.nix", "{ kpkgs }: 42")
        self.assertIn("no derivation", self.kpkg("build", status=3).stderr)
        self.write("kpkg.nix", "{ kpkgs, unheard }: kpkgs")
        self.assertIn("unheard", self.kpkg("build", status=3).stderr)

    def test_what_was_built_elsewhere_is_fetched_when_trusted_and_built_when_not(self):
        self.write("kpkg.nix", shell_package("shared", "echo shared > $out"))
        secret, public = self.key("builder-1")
        path = self.kpkg("build", "--no-link", "--key", secret).stdout.strip()
        url = self.registry()
        self.kpkg("store", "sign", "-r", "--key", secret, path)
        self.kpkg("push", "--to", url, path, env={"KPKG_TOKEN": "let-me-in"})
        self.root = self.work / "second"
        self.kpkg("toolchain", "import", "shell")
        fetched = self.kpkg("build", "--no-link", "--from", url, "--trusted-key", public)
        self.assertIn("0 to build, 1 fetched", fetched.stderr)
        self.root = self.work / "third"
        self.kpkg("toolchain", "import", "shell")
        built = self.kpkg("build", "--no-link", "--from", url)
        self.assertIn("1 to build", built.stderr)
        self.assertEqual(built.stdout.strip(), path)


class Examples(programs.Case):
    def test_the_example_package_builds_the_same_twice_and_runs(self):
        self.kpkg("toolchain", "import", "clang")
        examples = programs.SOURCE / "examples"
        hello = self.kpkg("build", "--no-link", examples / "hello").stdout.strip()
        self.kpkg("build", "--no-link", "--check", examples / "hello")
        run = self.kpkg("run", "--link", f"greeter={examples / 'greeter'}", hello, "--", "reader")
        self.assertIn("Bonjour, reader! (7 letters from greeter)", run.stdout)
        unlinked = self.kpkg("run", hello, status=1)
        self.assertIn("greeter", unlinked.stderr)
        trapped = self.kpkg("run", examples / "crash", status=134)
        for function in ["store_measurement", "record", "measure", "main"]:
            self.assertIn(function, trapped.stderr)


if __name__ == "__main__":
    programs.main()
