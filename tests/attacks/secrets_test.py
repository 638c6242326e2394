"""Servers, processes and files that try to learn, or to show, a token or a secret key."""
import http.server, os, pathlib, stat, subprocess, threading, time
import attack
import programs

TOKEN = "sesame-4711-open"


class EchoingRegistry(http.server.BaseHTTPRequestHandler):
    """Refuses everything, with the request's Authorization header in its answer; shows the client to `seen`."""

    def answer(self):
        body = f"refused: {self.headers.get('Authorization')}\n".encode()
        self.server.seen(self)
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_POST = answer

    def log_message(self, *arguments):
        pass


@attack.as_every_user
class Secrets(attack.Attack):
    def served(self, seen=lambda request: None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EchoingRegistry)
        server.seen = seen
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()

        def stop():
            server.shutdown()
            server.server_close()
            thread.join(timeout=20)

        self.addCleanup(stop)
        return f"http://127.0.0.1:{server.server_port}"

    def something(self):
        self.write("file", "content")
        return self.kpkg("store", "add", "file").stdout.strip()

    def assert_silent(self, result):
        for text in [result.stdout, result.stderr]:
            self.assertNotIn(TOKEN, text)
            self.assertNotIn(TOKEN[:-1], text)

    def test_a_registry_echoes_the_token(self):
        path, url = self.something(), self.served()
        token_file = self.write("token", TOKEN + "\n")
        for options, env in [([], {"KPKG_TOKEN": TOKEN}), (["--token-file", token_file], {})]:
            refused = self.kpkg("push", "--to", url, *options, path, env=env, status=None)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("[secret]", refused.stderr)
            self.assert_silent(refused)
            self.assert_silent(self.kpkg("--json", "push", "--to", url, *options, path, env=env, status=None))

    def test_a_neighbour_looks_at_the_process(self):
        """While it uploads, its arguments, environment and memory do not show the token to others of its user."""
        seen = {}
        path = self.something()

        def look(request):
            proc = pathlib.Path("/proc", str(program.pid))
            seen["cmdline"] = (proc / "cmdline").read_bytes()
            seen["environ"] = (proc / "environ").read_bytes()
            seen["owner"] = (proc / "environ").stat().st_uid
            look = ["cat", proc / "environ", "/dev/null"]
            if self.uid != os.getuid():
                look = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--", *look]
            seen["neighbour"] = subprocess.run(look, capture_output=True).returncode

        ready = threading.Event()
        url = self.served(lambda request: (ready.wait(20), look(request)))
        words = [attack._everyones_programs() / "bin" / "kpkg", "push", "--to", url, path]
        if self.uid != os.getuid():
            words = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--", *words]
        program = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={"KPKG_ROOT": str(self.root), "HOME": str(self.work), "KPKG_TOKEN": TOKEN,
                                        "PATH": os.environ["PATH"]})
        ready.set()
        program.communicate(timeout=60)
        self.assertIn(b"push", seen["cmdline"])
        self.assertNotIn(TOKEN.encode(), seen["cmdline"])
        self.assertNotIn(TOKEN.encode(), seen["environ"])
        self.assertEqual(seen["owner"], 0)  # not dumpable: no core, no tracing by its user
        if not self.is_root():
            self.assertNotEqual(seen["neighbour"], 0)

    def test_a_key_that_others_can_read(self):
        secret, _ = self.key("mine-1")
        self.assertEqual(stat.S_IMODE(secret.stat().st_mode), 0o600)
        content = secret.read_text().strip()
        path = self.something()
        self.kpkg("store", "sign", "--key", secret, path)
        for mode in [0o644, 0o640, 0o604, 0o620]:
            secret.chmod(mode)
            refused = self.kpkg("store", "sign", "--key", secret, path, status=1)
            self.assertIn("chmod 600", refused.stderr)
            self.assertNotIn(content.split(":")[1][:20], refused.stderr)
        secret.chmod(0o600)
        fifo = self.work / "fifo"
        os.mkfifo(fifo, 0o666)
        os.chown(fifo, self.uid, self.uid)
        writer = subprocess.Popen(["sh", "-c", f"cat {secret} > {fifo}"])
        self.addCleanup(writer.wait, timeout=20)
        self.kpkg("store", "sign", "--key", fifo, path)

    def test_a_broken_key_is_quoted(self):
        secret, public = self.key("mine-1")
        content = secret.read_text().strip()
        name, key = content.split(":")
        for broken in [key, name + ":" + key[:-8], name + ":" + key[:40] + "!" + key[41:], name + ":" + key[4:] + key[:4],
                       name + " " + key]:
            secret.write_text(broken + "\n")
            refused = self.kpkg("key", "public", secret, status=1)
            for start in range(0, len(key) - 12, 12):
                self.assertNotIn(key[start:start + 12], refused.stderr)

    def test_a_key_file_is_put_in_place_of_the_new_one(self):
        target = self.write("victim", "precious")
        (self.work / "link").symlink_to(target)
        (self.work / "dangling").symlink_to(self.work / "elsewhere")
        for name in ["victim", "link", "dangling"]:
            refused = self.kpkg("key", "generate", "k", "--out", self.work / name, status=1)
            self.assertIn("exists already", refused.stderr)
        self.assertEqual(target.read_text(), "precious")
        self.assertFalse((self.work / "elsewhere").exists())

    def test_a_signed_build_works_with_hidden_memory(self):
        """A process that has read a key is not dumpable, which its sandboxes must not need."""
        self.kpkg("toolchain", "import", "shell")
        secret, public = self.key("mine-1")
        self.write("kpkg.nix", '{ kpkgs }: derivation { name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; '
                   'sandboxRoot = kpkgs.toolchains.shell; args = [ "-euc" "export -p; echo x > $out" ]; }')
        built = self.kpkg("build", "--no-link", "--key", secret, env={"KPKG_TOKEN": TOKEN})
        self.assert_silent(built)
        self.assertNotIn("KPKG_TOKEN", built.stderr)

    def test_a_request_writes_into_the_registrys_log(self):
        log = self.work / "log"
        with open(log, "wb") as output:
            server = subprocess.Popen([programs.BUILD / "bin" / "registry-server", "--root", self.work / "registry",
                                       "--listen", "127.0.0.1:0", "--log-requests",
                                       "--token-file", self.write("token", TOKEN + "\n")], stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + 20
            while b"\n" not in log.read_bytes() and time.monotonic() < deadline:
                time.sleep(0.05)
            port = log.read_text().split(":")[-1].strip()
            self.assertEqual(pathlib.Path("/proc", str(server.pid), "environ").stat().st_uid, 0)
            for target in ["/\x9b2J", "/%1b%5b2J", "/nar/x"]:
                subprocess.run(["curl", "-s", "-o", "/dev/null", "--path-as-is", "-X", "PUT", "-d", "x",
                                "-H", f"Authorization: Bearer {TOKEN}", f"http://127.0.0.1:{port}{target}"], check=True)
        finally:
            server.terminate()
            server.wait(timeout=20)
        written = log.read_bytes()
        self.assertIn(b"PUT /", written)
        self.assertNotIn(TOKEN.encode(), written)
        self.assertFalse([byte for byte in written.decode() if ord(byte) < 0x20 and byte != "\n" or 0x7f <= ord(byte) < 0xa0])
        self.assertEqual(stat.S_IMODE((self.work / "registry").stat().st_mode), 0o700)


if __name__ == "__main__":
    attack.main()
