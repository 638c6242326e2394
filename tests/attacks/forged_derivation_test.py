"""Derivations made by hand that claim what is not theirs."""
import hashlib, json, urllib.error, urllib.request
import attack


@attack.as_every_user
class ForgedDerivations(attack.Attack):
    def setUp(self):
        super().setUp()
        self.kpkg("toolchain", "import", "shell")

    def test_a_text_with_another_packages_output_path_is_no_derivation(self):
        """toFile writes a .drv whose output is the victim's path; appendContext hands it over as something to build."""
        self.write("victim.nix", '{ kpkgs }: derivation { name = "victim"; system = "x86_64-linux"; builder = "/bin/sh"; '
                                 'sandboxRoot = kpkgs.toolchains.shell; args = [ "-c" "echo honest > $out" ]; }')
        victim = self.kpkg_json("eval", "victim.nix", "-A", "outPath")
        shell = self.kpkg_json("eval", "-E", "{ kpkgs }: kpkgs.toolchains.shell")
        forged = ('Derive([("out","%s","","")],[],["%s"],"x86_64-linux","/bin/sh",["-c","echo forged > $out"],'
                  '[("out","%s"),("sandboxRoot","%s")])' % (victim, shell, victim, shell))
        self.write("kpkg.nix", """{ kpkgs }:
          let drv = builtins.toFile "victim.drv" (builtins.appendContext %s { "%s" = { path = true; }; });
          in { type = "derivation"; name = "victim"; drvPath = builtins.addDrvOutputDependencies drv;
               outPath = builtins.appendContext "%s" { ${builtins.unsafeDiscardStringContext drv} = { outputs = [ "out" ]; }; };
               outputName = "out"; outputs = [ "out" ]; }""" % (json.dumps(forged), shell, victim))
        refused = self.kpkg("build", "--no-link", status=None)
        self.assertIn(refused.returncode, [3, 5], refused.stderr)
        self.assertIn("output", refused.stderr)
        honest = self.kpkg("build", "--no-link", "victim.nix").stdout.strip()
        self.assertEqual(honest, victim)
        self.assertEqual((self.root / "store" / honest.rsplit("/", 1)[1]).read_text(), "honest\n")


    def test_a_derivation_made_by_hand_enters_by_no_command(self):
        self.write("drv/honest.nix", '{ kpkgs }: derivation { name = "honest"; system = "x86_64-linux"; builder = "/bin/sh"; '
                                     'sandboxRoot = kpkgs.toolchains.shell; args = [ "-c" "echo honest > $out" ]; }')
        honest = self.kpkg("instantiate", "drv/honest.nix").stdout.strip()
        text = (self.root / "store" / honest.rsplit("/", 1)[1]).read_text()
        victim = json.loads(self.kpkg("--json", "instantiate", "drv/honest.nix").stdout)[0]["outputs"]["out"]
        forged = self.write("forged.drv", text.replace("echo honest", "echo forged"))
        for command in [["store", "add", forged], ["build", "--no-link", "-E",
                        'builtins.path { path = ./forged.drv; name = "honest.drv"; }']]:
            refused = self.kpkg(*command, status=None)
            self.assertIn(refused.returncode, [3, 5], refused.stderr)
        self.assertEqual([path for path in self.kpkg("store", "list").stdout.split() if path.endswith(".drv")], [honest])
        self.assertNotIn(victim, self.kpkg("store", "list").stdout)

    def test_a_fixed_output_changes_after_it_was_checked(self):
        """The builder keeps a process and hard links to its output, which it would change once the hash was taken."""
        good = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        self.write("kpkg.nix", '{ kpkgs }: derivation { name = "fetched"; system = "x86_64-linux"; builder = "/bin/sh"; '
                               'sandboxRoot = kpkgs.toolchains.shell; PATH = "/bin:/usr/bin"; outputHashAlgo = "sha256"; '
                               'outputHash = "%s"; args = [ "-c" "touch $out; ln $out /build/other; '
                               '(while :; do echo changed > /build/other; done) & exit 0" ]; }' % good)
        for _ in range(5):  # a race, if there were one
            built = self.kpkg("build", "--no-link", status=None)
            if built.returncode == 0:
                path = self.root / "store" / built.stdout.strip().rsplit("/", 1)[1]
                self.assertEqual(path.read_bytes(), b"")
            else:
                self.assertIn("does not have the promised hash", built.stderr)
        self.assertEqual(self.kpkg("store", "verify").returncode, 0)


    def upload(self, url, path, text, references=(), deriver=None):
        """What a stranger with the token uploads: a plain file under any path. Returns the answer's status and text."""
        def pad(data):
            return len(data).to_bytes(8, "little") + data + b"\0" * (-len(data) % 8)
        nar = b"".join(map(pad, [b"nix-archive-1", b"(", b"type", b"regular", b"contents", text.encode(), b")"]))
        digest = hashlib.sha256(nar).hexdigest()
        narinfo = (f"StorePath: {path}\nURL: nar/{digest}.nar\nCompression: none\nNarHash: sha256:{digest}\n"
                   f"NarSize: {len(nar)}\nReferences: {' '.join(references)}\n")
        if deriver:
            narinfo += f"Deriver: {deriver}\n"

        def put(name, body):
            request = urllib.request.Request(f"{url}/{name}", data=body, method="PUT",
                                             headers={"Authorization": "Bearer let-me-in"})
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()
        put(f"nar/{digest}.nar", nar)
        return put(path[12:44] + ".narinfo", narinfo.encode())

    def test_a_derivation_made_by_hand_is_uploaded(self):
        """A registry takes the honest one, refuses the forged one, and what an honest one is said to have made."""
        expression = ('derivation { name = "honest"; system = "x86_64-linux"; builder = "/bin/sh"; '
                      'args = [ "-c" "echo honest > $out" ]; }')
        made = json.loads(self.kpkg("--json", "instantiate", "-E", expression).stdout)[0]
        honest, victim = made["drvPath"], made["outputs"]["out"]
        text = (self.root / "store" / honest[12:]).read_text()
        url = self.registry()
        forged = text.replace("echo honest", "echo forged")
        self.write("forged", forged)
        forged_path = self.kpkg_json("eval", "--impure", "-E",
                                     'builtins.unsafeDiscardStringContext (builtins.toFile "honest.drv" '
                                     '(builtins.readFile "%s"))' % (self.work / "forged"))
        self.assertEqual(self.upload(url, forged_path, forged), (400, self.upload(url, forged_path, forged)[1]))
        self.assertIn("is stated as", self.upload(url, forged_path, forged)[1])
        self.assertIn("another path", self.upload(url, honest, forged)[1])
        self.assertEqual(self.upload(url, honest, text)[0], 201)
        other = victim.replace(victim[12:44], "1" * 32)
        status, reason = self.upload(url, other, "content", deriver=honest[12:])
        self.assertEqual((status, "does not make it" in reason), (400, True), reason)
        self.assertEqual(self.upload(url, victim, "content", deriver=honest[12:])[0], 201)



if __name__ == "__main__":
    attack.main()
