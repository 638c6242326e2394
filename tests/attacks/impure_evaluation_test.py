"""Expressions that look at files which are none of theirs."""
import os, socket
import attack


@attack.as_every_user
class ImpureEvaluations(attack.Attack):
    def setUp(self):
        super().setUp()
        self.write("secret", "4711\n")
        self.write("elsewhere/lib.nix", '"elsewhere"')
        self.write("project/kpkg.nix", "null")
        self.project = self.work / "project"

    def refused(self, expression, name=None):
        """Refused by path and flag, in a file as in a text, and seen with --impure."""
        self.write("project/kpkg.nix", expression)
        errors = {self.kpkg("eval", "project", status=3).stderr,
                  self.kpkg("eval", "-E", expression, cwd=self.project, status=3).stderr}
        for error in errors:
            self.assertIn(str(name or self.work / "secret"), error)
            self.assertIn("--impure", error)
            self.assertNotIn("4711", error)

    def test_it_reads_a_file_of_the_user(self):
        for expression in ['builtins.readFile "%s/secret"', "builtins.readFile (/. + \"%s/secret\")", "import %s/secret",
                           'builtins.hashFile "sha256" "%s/secret"', "builtins.readFileType %s/secret",
                           '"${%s/secret}"', "builtins.path { path = %s/secret; }",
                           "builtins.filterSource (_: _: true) %s/secret",
                           'derivation { name = "x"; system = "x"; builder = "x"; src = %s/secret; }']:
            with self.subTest(expression):
                self.refused(expression % self.work)
        self.assertIn("4711", self.kpkg("eval", "--impure", "-E", 'builtins.readFile "%s/secret"' % self.work).stdout)

    def test_it_reads_the_machines_secrets(self):
        self.refused('builtins.readFile "/etc/shadow"', "/etc/shadow")
        self.refused('builtins.readDir "/root"', "/root")
        self.assertEqual(self.kpkg_json("eval", "-E", "builtins.attrNames (builtins.readDir /.)"), ["kpkg"])  # our library
        self.refused('builtins.readFile "/proc/self/environ"', "/proc/self/environ")
        self.refused("builtins.readDir /kpkg/store", "/kpkg/store")

    def test_it_leaves_the_project_by_a_link_or_by_dots(self):
        (self.project / "link").symlink_to("../secret")
        (self.project / "folder").symlink_to("..")
        self.refused("builtins.readFile ./link", self.project / "link")
        self.refused("builtins.readFile ./folder/secret", self.project / "folder/secret")
        self.refused("import ./folder/elsewhere/lib.nix", self.project / "folder/elsewhere/lib.nix")
        self.refused("builtins.readFile ../secret")
        self.refused("import ../elsewhere/lib.nix", self.work / "elsewhere/lib.nix")
        self.assertEqual(self.kpkg("eval", "-E", "builtins.readFileType ./link", cwd=self.project).stdout.strip(), '"symlink"')

    def test_it_learns_whether_a_file_exists(self):
        (self.project / "there").symlink_to("../secret")
        (self.project / "absent").symlink_to("../absent")
        seen = self.kpkg_json("eval", "-E", "map builtins.pathExists [ ../secret ../absent /etc/passwd /etc/absent "
                                            "(./there + \"/x\") ]", cwd=self.project)
        self.assertEqual(seen, [False] * 5)
        errors = [self.kpkg("eval", "-E", f"builtins.readFile ./{name}", cwd=self.project, status=3).stderr.replace(name, "")
                  for name in ["there", "absent"]]
        self.assertEqual(errors[0], errors[1])

    def test_it_finds_a_file_by_a_search_path_of_its_own(self):
        error = self.kpkg("eval", "-E", '__findFile [ { prefix = ""; path = "%s"; } ] "secret"' % self.work,
                          cwd=self.project, status=3).stderr
        self.assertNotIn("4711", error)
        self.assertEqual(self.kpkg_json("eval", "-I", f"lib={self.work}/elsewhere", "-E", "import <lib/lib.nix>",
                                        cwd=self.project), "elsewhere")
        self.assertEqual(self.kpkg_json("eval", "-I", f"{self.work}/elsewhere", "-E", "import <lib.nix>",
                                        cwd=self.project), "elsewhere")
        self.assertIn("no such", self.kpkg("eval", "-I", "nowhere", "-E", "1", status=1).stderr)

    def test_a_repository_is_one_project(self):
        self.write("project/sub/kpkg.nix", "import ../lib.nix")
        self.write("project/lib.nix", '"shared"')
        self.kpkg("eval", "project/sub", status=3)
        self.write("project/.git/HEAD", "ref: refs/heads/main\n")
        self.assertEqual(self.kpkg_json("eval", "project/sub"), "shared")
        self.kpkg("eval", "-E", "builtins.readFile ../secret", cwd=self.project / "sub", status=3)

    def test_somebody_elses_repository_lies_around_the_project(self):
        self.write(".git/HEAD", "ref: refs/heads/main\n")
        if os.getuid() == 0:  # else nobody can be somebody else
            os.chown(self.work / ".git", 61998, 61998)
            self.refused("builtins.readFile ../secret")

    def test_it_hangs_on_a_pipe_or_a_device(self):
        os.mkfifo(self.project / "pipe")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.project / "socket"))
            for name in ["pipe", "socket"]:
                for how in ["builtins.readFile", "import", 'builtins.hashFile "sha256"', "builtins.readDir",
                            "(p: \"${p}\")"]:
                    self.kpkg("eval", "-E", f"{how} ./{name}", cwd=self.project, status=3, timeout=20)
        for name in ["/dev/zero", "/dev/tty", "/dev/stdin"]:
            self.kpkg("eval", "--impure", "-E", f"builtins.readFile {name}", status=3, timeout=20)

    def test_it_reads_the_environment_and_the_clock(self):
        seen = self.kpkg_json("eval", "-E", '[ (builtins.getEnv "HOME") (builtins ? currentTime) (builtins ? currentSystem) ]')
        self.assertEqual(seen, ["", False, False])


if __name__ == "__main__":
    attack.main()
