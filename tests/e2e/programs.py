"""The built programs for end-to-end tests: kpkg with a store of its own, a registry on loopback, stock nix."""
import json, os, pathlib, shutil, subprocess, sys, tempfile, unittest

BUILD = pathlib.Path(os.environ.get("KPKG_BUILD_DIR", "build/release")).resolve()
SOURCE = pathlib.Path(os.environ.get("KPKG_SOURCE_DIR", ".")).resolve()


class Case(unittest.TestCase):
    """A test with a temporary folder `self.work`, a store in it, and programs that are stopped at its end."""

    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="kpkg-test-"))
        self.addCleanup(self.remove_work)
        self.root = self.work / "root"

    def remove_work(self):
        subprocess.run(["chmod", "-R", "u+w", self.work], check=True)
        shutil.rmtree(self.work)

    def run_program(self, arguments, status=0, env=None, cwd=None, timeout=120, text_input=None):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KPKG_")}
        environment.update({"KPKG_ROOT": str(self.root), **(env or {})})
        result = subprocess.run([str(a) for a in arguments], env=environment, cwd=cwd or self.work, timeout=timeout,
                                input=text_input, capture_output=True, text=True, errors="replace")
        if status is not None:
            self.assertEqual(result.returncode, status,
                             f"{' '.join(map(str, arguments))}\n--- stdout\n{result.stdout}\n--- stderr\n{result.stderr}")
        return result

    def kpkg(self, *arguments, **options):
        return self.run_program([BUILD / "bin" / "kpkg", *arguments], **options)

    def kpkg_json(self, *arguments, **options):
        return json.loads(self.kpkg("--json", *arguments, **options).stdout)

    def key(self, name):
        """A new key: (secret key file, public key text)."""
        secret = self.work / f"{name}.secret"
        return secret, self.kpkg("key", "generate", name, "--out", secret).stdout.strip()

    def write(self, name, contents):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    def registry(self, *arguments, token="let-me-in"):
        """Starts a registry; returns its URL. Stopped at the end of the test."""
        options = [*arguments]
        if token is not None:
            options += ["--token-file", self.write("token", token + "\n")]
        program = subprocess.Popen([str(a) for a in [BUILD / "bin" / "registry-server", "--root", self.work / "registry",
                                                     "--listen", "127.0.0.1:0", *options]],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def stop():
            program.terminate()
            output = program.communicate(timeout=20)
            self.assertEqual(program.returncode, 0, output)

        line = program.stdout.readline().strip()
        self.assertTrue(line.startswith("listening on http://127.0.0.1:"), line or program.stderr.read())
        self.addCleanup(stop)
        return line.removeprefix("listening on ")


def require(program):
    """Skips the whole file, visibly, where a program of somebody else is missing."""
    if not shutil.which(program):
        print(f"skipped: {program} is not installed (./dev setup installs it)")
        sys.exit(77)


def main():
    """Runs the file's tests. A test that was skipped makes the file skipped (77), so that CI sees it."""
    result = unittest.main(verbosity=2, exit=False).result
    sys.exit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)
