"""Packages whose files are not what they seem."""
import os
import attack

WASM = b"\0asm\1\0\0\0"


@attack.as_every_user
class HostilePackages(attack.Attack):
    def package(self, name, make):
        folder = self.write(f"{name}/README", "x").parent
        make(folder)
        return folder

    def test_a_module_is_a_link_to_a_file_of_the_user(self):
        outside = self.write("outside.wasm", WASM)
        for name, target in [("absolute", outside), ("dots", "../outside.wasm"), ("proc", "/proc/self/exe"),
                             ("through", "folder/outside.wasm")]:
            def make(folder):
                if name == "through":
                    (folder / "folder").symlink_to("..")
                (folder / "module.wasm").symlink_to(target)
            folder = self.package(name, make)
            self.assertIn("is a link that leaves", self.kpkg("run", folder, status=5).stderr)
            path = self.kpkg("store", "add", folder).stdout.strip()
            self.assertIn("is a link that leaves", self.kpkg("run", path, status=5).stderr)

    def test_a_link_that_stays_inside_is_a_module(self):
        def make(folder):
            (folder / "real.wasm").write_bytes(WASM)
            (folder / "module.wasm").symlink_to("real.wasm")
        path = self.kpkg("store", "add", self.package("inside", make)).stdout.strip()
        self.assertIn("no WASI program", self.kpkg("run", path, status=None).stderr)

    def test_a_store_path_is_a_link_itself(self):
        (self.work / "alias").symlink_to("/etc/passwd")
        path = self.kpkg("store", "add", self.work / "alias").stdout.strip()
        self.assertIn("is a link", self.kpkg("run", path, status=5).stderr)

    def test_a_module_is_a_pipe(self):
        folder = self.package("pipe", lambda folder: os.mkfifo(folder / "module.wasm"))
        self.assertIn("not a plain file", self.kpkg("run", folder, status=5, timeout=20).stderr)
        self.assertIn("neither a file", self.kpkg("store", "add", folder, status=1, timeout=20).stderr)
        self.assertEqual(self.kpkg("store", "list").stdout, "")

    def test_a_systems_module_is_a_link(self):
        folder = self.package("component", lambda folder: (folder / "module.wasm").symlink_to("../outside.wasm"))
        self.write("outside.wasm", WASM)
        path = self.kpkg("store", "add", folder).stdout.strip()
        key, _ = self.key("system-1")
        self.write("system.nix", '{ kpkgs }: kpkgs.mkSystem { name = "s"; instances = [ { name = "i"; '
                                 'component = builtins.storePath "%s"; } ]; }' % path)
        refused = self.kpkg("system", "build", "--impure", "--key", key, status=5)
        self.assertIn("is a link that leaves", refused.stderr)
        self.assertFalse((self.work / "s.img").exists())


if __name__ == "__main__":
    attack.main()
