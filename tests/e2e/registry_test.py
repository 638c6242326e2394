"""The registry between two stores, against hostile requests, and with stock nix as its client."""
import base64, hashlib, os, pathlib, re, shutil, subprocess, urllib.error, urllib.request
import programs


def request(url, method="GET", body=None, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method, headers=headers), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


class BetweenStores(programs.Case):
    def setUp(self):
        super().setUp()
        self.secret, self.public = self.key("builder-1")
        self.write("files/data.txt", "forty-two\n")
        self.write("files/more/empty", "")
        self.path = self.kpkg("store", "add", "files").stdout.strip()

    def push(self, url, path=None, token="let-me-in", status=0):
        return self.kpkg("push", "--to", url, path or self.path, env={"KPKG_TOKEN": token}, status=status)

    def install(self, url, *arguments, path=None, status=0):
        self.root = self.work / "other-root"
        return self.kpkg("install", "--from", url, *arguments, path or self.path, status=status)

    def built_path(self):
        """A path whose name does not prove its content: the text of a derivation's output is out of reach without a
        sandbox, so a text file stands for it (its NAR hash does not give its path)."""
        drv = self.kpkg("instantiate", "-E", 'derivation { name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; }')
        return drv.stdout.strip()

    def test_a_pushed_path_arrives_unchanged_in_an_empty_store(self):
        url = self.registry()
        self.assertIn("pushed 1 paths", self.push(url).stdout)
        self.assertIn("pushed 0 paths", self.push(url).stdout)
        self.install(url)
        installed = self.root / "store" / pathlib.Path(self.path).name
        self.assertEqual((installed / "data.txt").read_text(), "forty-two\n")
        self.assertEqual(self.kpkg("store", "verify", "--contents").returncode, 0)

    def test_a_path_without_signature_is_neither_pushed_nor_installed(self):
        url = self.registry()
        self.assertIn("has no signature", self.push(url, self.built_path(), status=1).stderr)

    def test_only_a_trusted_signature_is_accepted(self):
        url = self.registry()
        path = self.built_path()
        self.kpkg("store", "sign", "--key", self.secret, path)
        self.push(url, path)
        _, stranger = self.key("stranger")
        refused = self.install(url, "--trusted-key", stranger, path=path, status=5)
        self.assertIn("builder-1", refused.stderr)
        self.assertEqual(self.kpkg("store", "list").stdout, "")
        self.install(url, "--trusted-key", self.public, path=path)
        self.assertEqual(self.kpkg("store", "list").stdout.strip(), path)

    def test_a_wrong_or_missing_token_is_refused_and_stores_nothing(self):
        url = self.registry()
        for token in ["wrong", ""]:
            refused = self.push(url, token=token, status=5)
            self.assertIn("401", refused.stderr)
        self.assertEqual(list((self.work / "registry" / "blobs").iterdir()), [])

    def test_a_registry_without_tokens_takes_no_uploads(self):
        url = self.registry(token=None)
        self.assertIn("403", self.push(url, status=5).stderr)

    def test_a_flipped_bit_in_a_stored_archive_is_found_on_arrival(self):
        url = self.registry()
        self.push(url)
        [archive] = (self.work / "registry" / "blobs").iterdir()
        data = bytearray(archive.read_bytes())
        data[len(data) // 2] ^= 4
        archive.write_bytes(data)
        self.install(url, status=5)
        self.assertEqual(self.kpkg("store", "list").stdout, "")

    def test_whatever_was_tampered_with_in_a_registry_ends_with_5_and_registers_nothing(self):
        url = self.registry()
        path = self.built_path()
        self.kpkg("store", "sign", "--key", self.secret, path)
        self.push(url, path)
        [archive] = (self.work / "registry" / "blobs").iterdir()
        data = archive.read_bytes()
        for at in range(0, len(data), max(1, len(data) // 24)):
            for bit in [0, 7]:
                with self.subTest(byte=at, bit=bit):
                    archive.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:])
                    self.install(url, "--trusted-key", self.public, path=path, status=5)
                    self.assertEqual(self.kpkg("store", "list").stdout, "")

    def test_a_record_that_was_tampered_with_ends_with_5(self):
        url = self.registry()
        path = self.built_path()
        self.kpkg("store", "sign", "--key", self.secret, path)
        self.push(url, path)
        text = request(f"{url}/{pathlib.Path(path).name[:32]}.narinfo")[1].decode()
        cache = self.work / "cache"
        archive = re.search(r"^URL: (nar/\S+)$", text, re.M).group(1)
        (cache / "nar").mkdir(parents=True)
        (cache / archive).write_bytes(request(f"{url}/{archive}")[1])
        (cache / "nix-cache-info").write_text("StoreDir: /kpkg/store\n")
        for field in ["Sig: builder-1:", "NarHash: sha256:"]:
            value = text.index(field) + len(field)
            for at in [value + 3, value + 20, value + 40]:
                for bit in range(7):
                    changed = text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1:]
                    if changed[at] in "\n\r":
                        continue
                    with self.subTest(field=field, at=at - value, bit=bit):
                        (cache / (pathlib.Path(path).name[:32] + ".narinfo")).write_text(changed)
                        self.install(f"file://{cache}", "--trusted-key", self.public, path=path, status=5)

    def test_a_path_that_nobody_has_is_named(self):
        url = self.registry()
        missing = "/kpkg/store/" + "0" * 32 + "-nothing"
        self.assertIn(missing, self.install(url, path=missing, status=1).stderr)

    def test_a_registry_that_is_not_there_is_named(self):
        failed = self.install("http://127.0.0.1:9", status=1)
        self.assertIn("http://127.0.0.1:9", failed.stderr)


class Requests(programs.Case):
    NAR = b"".join(len(s).to_bytes(8, "little") + s + b"\0" * (-len(s) % 8)
                   for s in [b"nix-archive-1", b"(", b"type", b"regular", b"contents", b"hello\n", b")"])

    def narinfo(self, **changes):
        digest = "0123456789abcdfghijklmnpqrsvwxyz"
        fields = {"StorePath": f"/kpkg/store/{digest}-hello", "URL": "nar/x.nar", "Compression": "none",
                  "NarHash": "sha256:" + hashlib.sha256(self.NAR).hexdigest(), "NarSize": len(self.NAR), "References": ""}
        fields.update(changes)
        return digest, "".join(f"{k}: {v}\n" for k, v in fields.items()).encode()

    def test_the_page_lists_what_is_stored(self):
        url = self.registry()
        self.assertEqual(request(f"{url}/nar/x.nar", "PUT", self.NAR, "let-me-in")[0], 201)
        digest, text = self.narinfo()
        self.assertEqual(request(f"{url}/{digest}.narinfo", "PUT", text, "let-me-in")[0], 201)
        status, page = request(url + "/")
        self.assertEqual(status, 200)
        self.assertIn(f"{digest}-hello".encode(), page)

    def test_an_archive_that_is_not_what_its_narinfo_says_is_refused(self):
        url = self.registry()
        request(f"{url}/nar/x.nar", "PUT", self.NAR, "let-me-in")
        for changes in [{"NarHash": "sha256:" + "00" * 32}, {"NarSize": len(self.NAR) + 8}, {"NarSize": 16},
                        {"FileSize": 3}, {"URL": "nar/y.nar"}, {"URL": "../x.nar"}, {"NarSize": "many"},
                        {"StorePath": "/nix/store/" + "0" * 32 + "-hello"}, {"Compression": "zstd"}]:
            digest, text = self.narinfo(**changes)
            status, answer = request(f"{url}/{digest}.narinfo", "PUT", text, "let-me-in")
            self.assertEqual(status, 400, (changes, answer))
        self.assertEqual(request(f"{url}/{digest}.narinfo")[0], 404)

    def test_hostile_requests_get_an_error_and_the_server_lives(self):
        url = self.registry()
        for path in ["/../token", "/%2e%2e/token", "/nar/..%2f..%2ftoken", "/nar/%00", "/nar/%zz", "/nar/.hidden", "/a" * 2000]:
            self.assertIn(request(url + path)[0], [400, 404], path)
        for path in ["/nar/../../x", "/x", "/nix-cache-info", "/" + "a" * 32 + ".narinfo"]:
            self.assertIn(request(url + path, "PUT", b"x", "let-me-in")[0], [400, 404, 405], path)
        self.assertEqual(request(url + "/nar/x.nar", "DELETE", token="let-me-in")[0], 405)
        self.assertEqual(request(f"{url}/nar/x.nar", "PUT", self.NAR, "let-me-in")[0], 201)
        self.assertEqual(request(f"{url}/nar/x.nar", "PUT", self.NAR + b"\0", "let-me-in")[0], 409)
        self.assertEqual(request(f"{url}/nar/x.nar")[1], self.NAR)

    def test_an_upload_that_breaks_off_leaves_nothing(self):
        url = self.registry()
        import socket
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=10) as client:
            client.sendall(b"PUT /nar/half.nar HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer let-me-in\r\nContent-Length: 1000\r\n\r\nhalf")
        self.assertEqual(request(f"{url}/nar/half.nar")[0], 404)
        for _ in range(100):
            if not list((self.work / "registry" / "incoming").iterdir()):
                break
            request(url + "/")
        self.assertEqual(list((self.work / "registry" / "incoming").iterdir()), [])

    def test_a_wrong_start_is_explained(self):
        server = programs.BUILD / "bin" / "registry-server"
        self.assertIn("--root", self.run_program([server], status=2).stderr)
        self.assertIn("token", self.run_program([server, "--root", "r", "--token-file", "absent"], status=1).stderr)
        self.assertIn("no port", self.run_program([server, "--root", "r", "--listen", "127.0.0.1:http"], status=1).stderr)
        self.run_program([server, "--root", "r", "--unknown"], status=2)


@programs.unittest.skipUnless(shutil.which("nix"), "nix is not installed")
class StockNix(programs.Case):
    def nix(self, *arguments):
        home = self.work / "nix"
        home.mkdir(exist_ok=True)
        (home / "nix.conf").write_text("experimental-features = nix-command\nsubstituters =\nbuild-users-group =\n")
        variables = {"NIX_STORE_DIR": "/kpkg/store", "NIX_STATE_DIR": home / "state", "NIX_LOCALSTATE_DIR": home / "var",
                     "NIX_LOG_DIR": home / "log", "NIX_CONF_DIR": home, "HOME": home, "XDG_CACHE_HOME": home / "cache"}
        return self.run_program(["nix", *arguments], env={k: str(v) for k, v in variables.items()})

    def local(self, name):
        root = self.work / name
        return f"local?root={root}&real={root}/store&state={root}/state&log={root}/log"

    def test_nix_pushes_and_kpkg_installs_and_the_other_way_round(self):
        url = self.registry()
        self.write("src/file", "made by nix\n")
        self.write("netrc", "machine 127.0.0.1 password let-me-in\n")
        path = self.nix("store", "add-path", "--store", self.local("a"), "--name", "from-nix", self.work / "src").stdout.strip()
        self.nix("copy", "--store", self.local("a"), "--to", url + "?compression=zstd", "--netrc-file", self.work / "netrc", path)
        self.kpkg("install", "--from", url, path)
        self.assertEqual((self.root / "store" / pathlib.Path(path).name / "file").read_text(), "made by nix\n")

        secret, public = self.key("builder-1")
        self.write("own/file", "made by kpkg\n")
        own = self.kpkg("store", "add", "own").stdout.strip()
        self.kpkg("store", "sign", "--key", secret, own)
        self.kpkg("push", "--to", url, own, env={"KPKG_TOKEN": "let-me-in"})
        self.nix("copy", "--from", url, "--to", self.local("b"), "--option", "trusted-public-keys", public, own)
        self.assertEqual((self.work / "b" / "store" / pathlib.Path(own).name / "file").read_text(), "made by kpkg\n")


if __name__ == "__main__":
    programs.main()
