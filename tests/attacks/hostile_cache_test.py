"""Caches that lie about sizes and addresses, lead elsewhere, or are somebody else."""
import base64, hashlib, http.server, os, shutil, ssl, subprocess, threading
import attack
import programs

programs.require("openssl")
programs.require("zstd")

DIGEST = "0123456789abcdfghijklmnpqrsvwxyz"
PATH = f"/kpkg/store/{DIGEST}-hostile"


def nar(contents):
    def text(data):
        return len(data).to_bytes(8, "little") + data + b"\0" * (-len(data) % 8)
    return b"".join(map(text, [b"nix-archive-1", b"(", b"type", b"regular", b"contents", contents, b")"]))


class Server:
    """Answers by a table: «METHOD», or a path → (status, headers, body). Remembers paths and Authorization headers."""

    def __init__(self, answers, context=None):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                asked.append((self.path, self.headers.get("Authorization")))
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                known = [name for name in (self.path, self.command) if name in answers]
                status, headers, body = answers[known[0]] if known else (404, {}, b"not here")
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    if value is not None:
                        self.send_header(name, value)
                if headers.get("Content-Length", "") is None:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                self.end_headers()
                if self.command != "HEAD":
                    try:
                        self.wfile.write(body)
                    except OSError:
                        pass  # the client has seen enough

            do_GET = do_HEAD = do_PUT = answer

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.server.handle_error = lambda *unused: None  # a client that refuses the certificate
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.02])
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@attack.as_every_user
class HostileCaches(attack.Attack):
    def serve(self, answers, context=None):
        server = Server({"/nix-cache-info": (200, {}, b"StoreDir: /kpkg/store\nWantMassQuery: 1\nPriority: 1\n"), **answers},
                        context)
        self.addCleanup(server.stop)
        return server

    def narinfo(self, contents=b"harm", sign=True, **changes):
        """A narinfo of a path whose NAR is `contents`, signed by a trusted key whatever it says."""
        data = nar(contents)
        digest = hashlib.sha256(data).digest()
        fields = {"StorePath": PATH, "URL": "nar/x.nar", "Compression": "none", "NarHash": "sha256:" + digest.hex(),
                  "NarSize": str(len(data)), "References": "", **changes}
        fingerprint = f"1;{PATH};sha256:{self.nix32(digest)};{fields['NarSize']};"
        key = self.work / "key.pem"
        if not key.exists():
            subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
        self.write("fingerprint", fingerprint)
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", self.work / "fingerprint"],
                                   check=True, capture_output=True).stdout
        public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                                capture_output=True).stdout[-32:]
        self.trusted = "evil-1:" + base64.b64encode(public).decode()
        fields["Sig"] = "evil-1:" + base64.b64encode(signature).decode()
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None).encode(), data

    @staticmethod
    def nix32(data):
        alphabet, number = "0123456789abcdfghijklmnpqrsvwxyz", int.from_bytes(data, "little")
        return "".join(alphabet[number >> (5 * i) & 31] for i in reversed(range((len(data) * 8 + 4) // 5)))

    def install(self, url, status, *options, env=None):
        result = self.kpkg("install", "--from", url, "--trusted-key", self.trusted, *options, PATH, status=status, env=env)
        if status != 0:
            self.assertEqual(self.kpkg("store", "list").stdout, "")
            self.assertEqual([p for p in (self.root / "store").iterdir()], [])
        return result

    def certificate(self, name, subject):
        """A server's TLS context with a certificate NAME.pem that nobody else has signed."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={subject}",
                        "-keyout", self.work / f"{name}.key", "-out", self.work / f"{name}.pem"],
                       check=True, capture_output=True)
        os.chmod(self.work / f"{name}.pem", 0o644)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.work / f"{name}.pem", self.work / f"{name}.key")
        return context

    def test_the_server_is_what_it_says(self):
        """The attacks below differ from this by one thing each."""
        text, data = self.narinfo()
        server = self.serve({f"/{DIGEST}.narinfo": (200, {}, text), "/nar/x.nar": (200, {}, data)})
        self.install(server.url, 0)

    def test_an_archive_lies_elsewhere(self):
        other = self.serve({"/x": (200, {}, nar(b"harm"))})
        secret = self.write("secret.nar", nar(b"harm"))
        for url in [f"{other.url}/x", f"//{other.url.removeprefix('http://')}/x", f"file://{secret}", "../x", "nar/%2e%2e/x"]:
            with self.subTest(url):
                text, data = self.narinfo(URL=url)
                server = self.serve({f"/{DIGEST}.narinfo": (200, {}, text)})
                self.assertIn("its URL", self.install(server.url, 5).stderr)
                self.assertEqual([path for path, _ in server.asked if path not in ["/nix-cache-info", f"/{DIGEST}.narinfo"]], [])
        self.assertEqual(other.asked, [])

    def test_it_redirects_to_a_place_without_encryption(self):
        text, data = self.narinfo()
        other = self.serve({"/x": (200, {}, data)})
        for status in [301, 302, 303, 307, 308]:
            server = self.serve({f"/{DIGEST}.narinfo": (200, {}, text),
                                 "/nar/x.nar": (status, {"Location": f"{other.url}/x"}, b"")})
            self.assertIn("redirects", self.install(server.url, 5).stderr)
        self.assertEqual(other.asked, [])

    def test_it_redirects_an_upload_and_its_token(self):
        other = self.serve({}, self.certificate("right", "IP:127.0.0.1"))
        trust = {"NIX_SSL_CERT_FILE": "", "SSL_CERT_FILE": str(self.work / "right.pem"), "KPKG_TOKEN": "sesame"}
        path = self.kpkg("store", "add", self.write("file", "x")).stdout.strip()
        moved = (307, {"Location": f"{other.url}/moved"}, b"")
        server = self.serve({"PUT": moved})
        self.kpkg("push", "--to", server.url, path, env=trust, status=1)
        self.assertTrue(any(asked.startswith("/nar/") and token == "Bearer sesame" for asked, token in server.asked))
        self.assertEqual(other.asked, [])  # an upload does not follow
        server = self.serve({"HEAD": moved})
        self.kpkg("push", "--to", server.url, path, env=trust, status=None)
        self.assertEqual(other.asked, [("/moved", None)])  # a question does, without the token

    def test_an_archive_is_larger_than_announced(self):
        text, data = self.narinfo(FileSize="50")
        for headers in [{}, {"Content-Length": None}]:
            server = self.serve({f"/{DIGEST}.narinfo": (200, {}, text), "/nar/x.nar": (200, headers, data)})
            self.assertIn("announced", self.install(server.url, 5).stderr)

    def test_it_never_ends(self):
        text, data = self.narinfo()
        server = self.serve({f"/{DIGEST}.narinfo": (200, {}, text),
                             "/nar/x.nar": (200, {"Content-Length": None}, data + b"\0" * 50_000_000)})
        self.install(server.url, 5)

    def test_a_path_fills_the_disk(self):
        more_than_free = shutil.disk_usage(self.work).free + 2**30
        for size, limit, status, words in [(2**62, 2**35, 5, "limit"), (2**64 - 1, 2**35, 5, "limit"),
                                           (more_than_free, 2**60, 1, "free")]:
            text, data = self.narinfo(NarSize=str(size))
            server = self.serve({f"/{DIGEST}.narinfo": (200, {}, text), "/nar/x.nar": (200, {}, data)})
            self.assertIn(words, self.install(server.url, status, "--max-path-size", str(limit)).stderr)
            self.assertNotIn("/nar/x.nar", [path for path, _ in server.asked])
        self.assertIn("--max-path-size", self.kpkg("install", "--help").stdout)
        text, data = self.narinfo()
        server = self.serve({f"/{DIGEST}.narinfo": (200, {}, text), "/nar/x.nar": (200, {}, data)})
        self.assertIn("limit of 10", self.install(server.url, 5, "--max-path-size", "10").stderr)

    def test_a_small_archive_unpacks_to_a_large_one(self):
        text, data = self.narinfo(contents=b"x", Compression="zstd", URL="nar/x.nar.zst")
        bomb = subprocess.run(["zstd", "-q", "-c"], input=data + b"\0" * 200_000_000, capture_output=True, check=True).stdout
        server = self.serve({f"/{DIGEST}.narinfo": (200, {}, text), "/nar/x.nar.zst": (200, {}, bomb)})
        self.install(server.url, 5)

    def test_it_answers_for_another_path(self):
        text, data = self.narinfo(StorePath="/kpkg/store/" + "1" * 32 + "-other")
        server = self.serve({f"/{DIGEST}.narinfo": (200, {}, text)})
        self.assertIn("speaks of", self.install(server.url, 5).stderr)

    def test_a_password_in_an_address_is_shown(self):
        text, data = self.narinfo()
        server = self.serve({})
        address = server.url.replace("http://", "http://me:word@")
        for result in [self.kpkg("install", "--from", address, PATH, status=1),
                       self.kpkg("--json", "install", "--from", address, PATH, status=1)]:
            self.assertNotIn("word", result.stderr + result.stdout)

    def test_somebody_else_answers_over_tls(self):
        text, data = self.narinfo()
        answers = {f"/{DIGEST}.narinfo": (200, {}, text), "/nar/x.nar": (200, {}, data)}
        for name, subject, status in [("wrong", "DNS:registry.example", 5), ("right", "IP:127.0.0.1", 0)]:
            server = self.serve(answers, self.certificate(name, subject))
            self.assertIn("who it is", self.install(server.url, 5).stderr)  # signed by nobody known
            self.install(server.url, status, env={"NIX_SSL_CERT_FILE": "", "SSL_CERT_FILE": str(self.work / f"{name}.pem")})


if __name__ == "__main__":
    attack.main()
