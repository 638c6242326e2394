"""README never lies: its commands run as they stand, in a checkout's examples, with the ports of a machine of their own."""
import os, shutil, unittest
import programs, readme

for program in ["bwrap", "clang-22", "qemu-system-x86_64"]:
    programs.require(program)


class Readme(programs.Case):
    def test_the_commands_run_as_they_stand(self):
        commands = readme.blocks((programs.SOURCE / "README.md").read_text())
        self.assertTrue(commands, "README.md has no block that runs")
        shutil.copytree(programs.SOURCE / "examples", self.work / "examples")
        # Its network is a new one, so that port 8080 is free.
        shown = self.run_program(
            ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "timeout", "250", "bash", "-euo", "pipefail",
             "-c", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + "\n".join(commands)],
            env={"PATH": f"{programs.BUILD}/bin:{os.environ['PATH']}", "HOME": str(self.work)}, timeout=280)
        for text in ["Bonjour, you! (7 letters from greeter)", "Bonjour, kernel! (7 letters from greeter)"]:
            self.assertIn(text, shown.stdout)


if __name__ == "__main__":
    programs.main()
