"""Builders that try to reach the machine, its user and each other."""
import json, os, pathlib, re, socket, subprocess, time
import attack
import programs

programs.require("clang-22")
ATTEMPTS = pathlib.Path(__file__).resolve().parent / "hostile_builder.c"


def package(name, script, more=""):
    return ('{ kpkgs }: derivation { name = "%s"; system = "x86_64-linux"; builder = "/bin/sh"; '
            'sandboxRoot = kpkgs.toolchains.shell; PATH = "/bin:/usr/bin"; args = [ "-euc" %s ]; %s }'
            % (name, json.dumps(script), more))


def fixed(name, script, more=""):
    """A derivation with the network open, whose output must be empty."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    return package(name, script, 'outputHash = "%s"; outputHashAlgo = "sha256"; %s' % (empty, more))


@attack.as_every_user
class HostileBuilders(attack.Attack):
    def setUp(self):
        super().setUp()
        self.kpkg("toolchain", "import", "shell")

    def log_of(self, expression, status=0, **options):
        self.write("kpkg.nix", expression)
        self.kpkg("build", "--no-link", status=status, **options)
        return self.kpkg("log", self.kpkg("instantiate").stdout.strip()).stdout

    def attempts(self, arguments=""):
        """The program of attempts as a source path, and a script that runs it."""
        program = self.work / "attempts"
        subprocess.run(["clang-22", "-static", "-o", program, ATTEMPTS], check=True)
        program.chmod(0o755)
        return "${./attempts} " + arguments

    def test_it_is_never_root_outside(self):
        """The host's kernel sees the builder's processes with another uid than root's, whoever builds."""
        self.write("kpkg.nix", package("seen", "echo started; while [ ! -e /tmp/stop ]; do sleep 61.75; done"))
        arguments = [attack._everyones_programs() / "bin" / "kpkg", "build", "--no-link", "--timeout", "60"]
        if self.uid != os.getuid():
            arguments = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--", *arguments]
        build = subprocess.Popen(arguments, cwd=self.work, stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, "HOME": str(self.work), "KPKG_ROOT": str(self.root)})
        try:
            for line in build.stderr:
                if line.strip() == "seen> started":
                    break
            sleeper = []
            for _ in range(100):
                sleeper = subprocess.run(["pgrep", "-f", "^sleep 61.75$"], capture_output=True, text=True).stdout.split()
                if sleeper:
                    break
                time.sleep(0.05)
            self.assertEqual(len(sleeper), 1)
            status = pathlib.Path("/proc", sleeper[0], "status").read_text()
            for key in ["Uid", "Gid"]:
                ids = set(re.search(rf"^{key}:\s+(.*)$", status, re.M)[1].split())
                self.assertEqual(len(ids), 1)
                self.assertNotIn("0", ids)
                if not self.is_root():
                    self.assertEqual(ids, {str(self.uid)})
            self.assertRegex(status, r"CapBnd:\s+0000000000000000")
            self.assertRegex(status, r"NoNewPrivs:\s+1")
            self.assertRegex(status, r"Seccomp:\s+2")
        finally:
            build.terminate()
            build.communicate(timeout=60)

    def test_it_makes_every_system_call_that_no_compiler_needs(self):
        self.write("kpkg.nix", package("calls", self.attempts("> $out")))
        path = self.kpkg("build", "--no-link").stdout.strip()
        told = dict(line.split(": ") for line in (self.root / "store" / path.rsplit("/", 1)[1]).read_text().splitlines())
        self.assertNotIn("done", {what: how for what, how in told.items()}.values(), told)
        self.assertEqual(told["clone3"], "ENOSYS")  # so that the C library asks in the way that can be seen
        for what in ["keyctl", "mount", "unshare", "clone", "bpf", "chmod", "fchmodat", "fchmodat2", "create set-uid",
                     "unnamed set-uid", "trace the first process", "type into a terminal"]:
            self.assertEqual(told[what], "EPERM", what)

    def test_it_looks_for_paths_of_the_host(self):
        log = self.log_of(package("paths", "cat /proc/self/mountinfo /proc/self/mounts /proc/self/mountstats "
                                           "/proc/self/maps /proc/self/cgroup; pwd; export -p; echo x > $out"))
        for word in [str(self.work), self.work.name, "var/builds", str(self.root)]:
            self.assertNotIn(word, log)
        self.assertIn(" /kpkg/store/", log)

    def test_it_writes_to_the_machines_controls(self):
        before = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
        log = self.log_of(package("controls", """
          for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/swappiness /proc/sysrq-trigger; do
            (echo '|/bin/false' > $file) 2>/dev/null && echo "wrote $file" || true
          done
          cat /proc/keys /proc/kcore 2>/dev/null | head -c 100
          echo end; echo x > $out"""))
        self.assertEqual(log, "end\n")
        self.assertEqual(pathlib.Path("/proc/sys/kernel/core_pattern").read_text(), before)

    def test_it_asks_for_the_upload_token(self):
        secret = {"KPKG_TOKEN": "sesame-4711", "MY_SECRET": "sesame-4712", "http_proxy": "http://127.0.0.1:9"}
        for name in ["KPKG_TOKEN", "kpkg_token", "MY_SECRET"]:
            self.write("kpkg.nix", fixed("asks", "export -p; touch $out", 'impureEnvVars = "%s";' % name))
            refused = self.kpkg("build", "--no-link", status=4, env=secret)
            self.assertIn(name, refused.stderr)
            self.assertNotIn("sesame", refused.stderr)
        refused = self.kpkg("build", "--no-link", "--pass-env", "KPKG_TOKEN", status=2, env=secret)
        self.assertIn("KPKG_TOKEN", refused.stderr)
        log = self.log_of(fixed("proxy", "export -p; touch $out", 'impureEnvVars = "http_proxy";'), env=secret)
        self.assertIn("http_proxy='http://127.0.0.1:9'", log)
        self.assertNotIn("sesame", log)
        self.write("kpkg.nix", fixed("agreed", "export -p; touch $out", 'impureEnvVars = "MY_SECRET";'))
        self.kpkg("build", "--no-link", "--pass-env", "MY_SECRET", env=secret)

    def test_it_passes_descriptors_over_an_abstract_socket(self):
        """Two builders with the host's network share its abstract sockets: none can be reached."""
        names = [f"kpkg-attack-{kind}-{os.getpid()}-{self.uid}" for kind in ["stream", "datagram"]]
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram:
            stream.bind("\0" + names[0])
            stream.listen()
            datagram.bind("\0" + names[1])
            log = self.log_of(fixed("sockets", self.attempts(" ".join(names) + "; touch $out")))
            datagram.setblocking(False)
            self.assertRaises(BlockingIOError, datagram.recv, 1)
        self.assertEqual(len(log.splitlines()), 5)
        self.assertNotIn("done", log)

    def test_it_leaves_processes_behind(self):
        self.write("kpkg.nix", package("left", """
          trap "" TERM HUP INT
          (trap "" TERM HUP INT; (exec sleep 61.5) & exec sleep 61.5) > /dev/null 2>&1 &
          echo x > $out"""))
        self.kpkg("build", "--no-link")
        self.assertEqual(subprocess.run(["pgrep", "-f", "^sleep 61.5$"], capture_output=True, text=True).stdout, "")

    def test_it_plays_the_sandbox_and_a_signal(self):
        failed = self.log_and_error("exit 137")
        self.assertIn("exited with status 137", failed)
        self.assertNotIn("signal", failed)
        self.assertIn("ended by signal 9", self.log_and_error("kill -9 $$"))
        played = self.log_and_error("echo 'bwrap: execvp /bin/sh: No such file or directory'; "
                                    "echo 'the sandbox could not be set up'; exit 1")
        self.assertIn("exited with status 1", played)
        self.assertNotIn("cannot be executed", played)

    def log_and_error(self, script):
        self.write("kpkg.nix", package("plays", script))
        return self.kpkg("--json", "--quiet", "build", "--no-link", status=4).stderr

    def test_it_takes_all_memory_processes_descriptors_and_disk(self):
        hogs = {
            "memory": ('x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done', ["--max-memory", "200000000"], "failed"),
            "processes": ('while :; do sleep 60 & done', ["--max-processes", "50"], "failed"),
            "descriptors": ('i=3; while [ $i -lt 200 ]; do eval "exec $i< /dev/null"; i=$((i+1)); done',
                            ["--max-descriptors", "100"], "failed"),
            "disk": ('cat /dev/zero > a', ["--max-disk", "20000000"], "failed"),
            "many files": ('i=0; while :; do head -c 1000000 /dev/zero > $i; i=$((i+1)); done',
                           ["--max-disk", "20000000"], "bytes of disk"),
        }
        for name, (script, limit, words) in hogs.items():
            with self.subTest(name):
                self.write("kpkg.nix", package("hog", script))
                self.assertIn(words, self.kpkg("build", "--no-link", *limit, "--timeout", "50", status=4).stderr)
        self.assertEqual(list((self.root / "var" / "builds").iterdir()), [])

    def test_it_fills_its_folder_with_a_tree_that_nobody_can_remove(self):
        self.write("kpkg.nix", package("deep", """
          i=0; while [ $i -lt 3000 ]; do mkdir d; cd d 2>/dev/null; i=$((i+1)); done; chmod 0 ../../d; exit 1"""))
        self.kpkg("build", "--no-link", status=4)
        self.assertEqual(list((self.root / "var" / "builds").iterdir()), [])

    def test_what_builds_leave_is_private_whatever_the_umask(self):
        self.write("kpkg.nix", package("private", "umask 0; echo secret > file; exit 1"))
        before = os.umask(0)
        try:
            self.kpkg("build", "--no-link", "--keep-failed", status=4)
        finally:
            os.umask(before)
        for folder in ["builds", "failed"]:
            self.assertEqual((self.root / "var" / folder).stat().st_mode & 0o777, 0o700)


if __name__ == "__main__":
    attack.main()
