"""Systems in a machine: the kernel runs what the image promises and refuses everything else."""
import json, pathlib
import programs

programs.require("qemu-system-x86_64")
programs.require("wat2wasm")

PRINT = """(module $%s
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  %s
  (memory (export "memory") 1)
  (data (i32.const 64) "%s\\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const %d))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    %s))"""


def printing(name, text, imports="", then=""):
    return PRINT % (name, imports, text, len(text) + 1, then)


class Systems(programs.Case):
    def setUp(self):
        super().setUp()
        self.secret, self.public = self.key("system-1")

    def component(self, name, wat):
        self.write(f"{name}.wat", wat)
        (self.work / name).mkdir()
        self.run_program(["wat2wasm", "--debug-names", f"{name}.wat", "-o", f"{name}/module.wasm"])
        return self.kpkg("store", "add", name).stdout.strip()

    def build(self, *instances, status=0):
        """instances: (name, component, extra attributes as Nix text)."""
        listed = " ".join(f'{{ name = "{name}"; component = "{component}"; {extra} }}' for name, component, extra in instances)
        self.write("system.nix", f'{{ kpkgs }}: kpkgs.mkSystem {{ name = "test"; instances = [ {listed} ]; }}')
        return self.kpkg("system", "build", "--key", self.secret, "--out", "test.img", status=status)

    def boot(self, image="test.img", *arguments, status=0, key=None):
        return self.kpkg("system", "boot", image, "--trusted-key", key or self.public, "--timeout", "100", *arguments, status=status)

    def test_instances_link_run_and_end_with_the_systems_status(self):
        adder = self.component("adder", '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))')
        user = self.component("user", printing("user", "the user runs", '(import "math" "add" (func $add (param i32 i32) (result i32)))',
                                               "(call $proc_exit (call $add (i32.const 19) (i32.const 23)))"))
        self.build(("adder", adder, 'exit = "ignore"; grants = [ ];'), ("user", user, 'links = { math = "adder"; };'))
        self.assertIn("the user runs", self.boot(status=42).stdout)

    def test_every_status_of_a_system_passes_whole(self):
        for status in [1, 96, 97, 126, 200, 255]:
            exits = self.component(f"exits-{status}", printing(f"exits-{status}", "it ends", "", f"(call $proc_exit (i32.const {status}))"))
            self.build((f"exits-{status}", exits, ""))
            self.boot(status=status)

    def test_a_trap_ends_one_instance_and_the_others_go_on(self):
        bad = self.component("bad", '(module (func $inner unreachable) (func $outer call $inner) (func (export "_start") call $outer))')
        good = self.component("good", printing("good", "still here"))
        self.build(("bad", bad, 'exit = "ignore";'), ("good", good, ""))
        serial = self.boot().stdout
        self.assertLess(serial.index("unreachable"), serial.index("still here"))
        self.assertLess(serial.index("inner"), serial.index("outer"))
        self.build(("bad", bad, ""), ("good", good, ""))
        self.assertIn("still here", self.boot(status=134).stdout)

    def test_what_is_not_granted_is_not_there(self):
        silent = self.component("silent", printing("silent", "never seen"))
        self.build(("silent", silent, "grants = [ ];"))
        self.assertNotIn("never seen", self.boot().stdout)

    def test_endless_recursion_ends_the_guest_and_not_the_kernel(self):
        deep = self.component("deep", '(module (func $f (export "_start") call $f))')
        self.build(("deep", deep, ""))
        self.assertIn("call stack exhausted", self.boot(status=134).stdout)

    def test_damage_anywhere_in_the_image_is_refused_before_anything_runs(self):
        good = self.component("good", printing("good", "it ran"))
        generation = self.build(("good", good, "")).stdout.strip()
        image = (self.work / "test.img").read_bytes()
        self.assertIn("it ran", self.boot("test.img", "--generation", generation).stdout)
        module = image.index(b"\0asm")
        manifest = image.index(b'"instances"')
        damaged = {
            "a bit of a module": image[:module + 40] + bytes([image[module + 40] ^ 1]) + image[module + 41:],
            "a letter of the manifest": image[:manifest + 3] + b"X" + image[manifest + 4:],
            "the magic": b"X" + image[1:],
            "its last page": image[:-4096],
            "its second half": image[:len(image) // 2],
            "all but its header": image[:32],
            "everything": b"\0" * 4096,
        }
        for what, data in damaged.items():
            with self.subTest(what):
                self.write("damaged.img", data)
                refused = self.boot("damaged.img", "--generation", generation, status=5)
                self.assertNotIn("it ran", refused.stdout)
        with self.subTest("another generation"):
            self.boot("test.img", "--generation", "sha256:" + "0" * 52, status=5)
        with self.subTest("a key that did not sign"):
            _, stranger = self.key("stranger")
            self.assertIn("system-1", self.boot(status=5, key=stranger).stdout)

    def test_a_system_that_cannot_work_is_refused_with_its_name(self):
        needy = self.component("needy", printing("needy", "never", '(import "absent" "f" (func))'))
        self.build(("needy", needy, ""))
        serial = self.boot(status=125).stdout
        self.assertIn("absent", serial)
        self.assertNotIn("never", serial)
        self.write("bad/module.wasm", b"\0asm\1\0\0\0\xff")
        bad = self.kpkg("store", "add", "bad").stdout.strip()
        self.build(("bad", bad, ""))
        self.assertIn("bad", self.boot(status=125).stdout)
        self.assertIn("nobody", self.build(("needy", needy, 'links = { absent = "nobody"; };'), status=3).stderr)
        missing = "/kpkg/store/" + "0" * 32 + "-missing"
        self.assertIn(missing, self.build(("missing", missing, ""), status=1).stderr)

    def test_an_image_can_be_inspected(self):
        good = self.component("good", printing("good", "hi"))
        generation = self.build(("good", good, "")).stdout.strip()
        shown = self.kpkg("system", "inspect", "test.img").stdout
        for text in [generation, good, "system-1", "hash is right"]:
            self.assertIn(text, shown)

    def test_a_generation_is_the_same_for_the_same_system(self):
        good = self.component("good", printing("good", "hi"))
        self.assertEqual(self.build(("good", good, "")).stdout, self.build(("good", good, "")).stdout)

    def test_a_machine_without_qemu_says_what_to_install(self):
        self.build(("good", self.component("good", printing("good", "hi")), ""))
        missing = self.kpkg("system", "boot", "test.img", "--trusted-key", self.public, env={"PATH": "/nowhere"}, status=1)
        self.assertIn("apt-get install qemu-system-x86", missing.stderr)

    def test_what_is_asked_wrongly_is_said_so(self):
        self.write("system.nix", "{ kpkgs }: 1")
        self.kpkg("system", "build", status=2)
        self.assertIn("system", self.kpkg("system", "build", "--key", self.secret, status=3).stderr)
        self.kpkg("system", "boot", "absent.img", "--trusted-key", self.public, status=1)


if __name__ == "__main__":
    programs.main()
