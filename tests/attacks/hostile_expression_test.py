"""Texts that are made to take all of a machine's time or memory: each ends with a value or an error that says where."""
import json, os
import attack

N = 500_000


@attack.as_every_user
class HostileExpressions(attack.Attack):
    def evaluate(self, text, status=None, options=(), **more):
        """Bounded in time and memory, whatever the text."""
        self.write("hostile.nix", text)
        result = self.kpkg("--json", "eval", *options, "hostile.nix", status=status, timeout=60, **more)
        self.assertIn(result.returncode, [0, 3], result.stderr[:2000])
        return result

    def test_half_a_million_operands(self):
        for operand, operator in [("1", "+"), ("1", "-"), ("1", "*"), ("[ ]", "++"), ("{ }", "//"), ("true", "&&"),
                                  ("false", "||"), ("true", "->"), ('"a"', "+"), ("1", "==")]:
            with self.subTest(operator):
                error = self.evaluate(f"{operand} {operator} " * N + operand, 3)
                self.assertEqual(json.loads(error.stderr.splitlines()[-1])["error"]["position"]["line"], 1)

    def test_half_a_million_levels(self):
        for begin, middle, end in [("(", "1", ")"), ("[", "", "]"), ("{a=", "1", ";}"), ("let a = 1; in ", "1", ""), ("x: ", "1", ""),
                                   ("with {}; ", "1", ""), ("if true then 1 else ", "1", ""), ("assert true; ", "1", ""),
                                   ("!", "true", ""), ("-", "1", ""), ('"${', '"x"', '}"'), ("''${", '"x"', "}''"),
                                   ("{ a ? ", "1", "}: 1"), ("(", "", ""), ("{a=", "", ""), ('"${', "", "")]:
            with self.subTest(begin):
                self.evaluate(begin * N + middle + end * N, 3)

    def test_half_a_million_names(self):
        self.evaluate("let f = x: x" + ".a" * N + "; in 1", 0)
        self.evaluate("{ } ? a" + ".a" * N, 0)
        self.evaluate("{ a" + ".a" * N + " = 1; }", 3)
        self.evaluate("{" + "".join(f"a.b{i}=1;" for i in range(N)) + "}.a.b1", 0)
        self.evaluate("{" + ",".join(f"a{i}" for i in range(N)) + "}: 1")
        self.evaluate("''\n" + "  line\n" * N + "''", 0)
        self.evaluate("./" + "a/" * N + "b")

    def test_deep_values(self):
        deep = "builtins.foldl' (a: b: [ a ]) [ ] (builtins.genList (x: x) %d)" % N
        for text in [deep, f"builtins.toJSON ({deep})", f"builtins.deepSeq ({deep}) 1", f"({deep}) == ({deep})",
                     "builtins.fromJSON ''" + "[" * N + "]" * N + "''", f"builtins.concatLists [ ({deep}) ]"]:
            with self.subTest(text[:40]):
                self.evaluate(text)

    def test_expressions_that_are_too_regular(self):
        for pattern, text in [("((((a{1,100}){1,100}){1,100}){1,100})", "a"), ("(a*)*b", "a" * N), ("(a|a)*c", "a" * N),
                              ("x{1,32767}", "x" * 30000), ("(" * 50000 + "a" + ")" * 50000, "a"), ("a" + "*" * 100000, "a"),
                              ("|".join(["ab"] * 100000), "a"), ("(x+x+)+y", "x" * 5000), ("a{99999999999999999999}", "a"),
                              ("[" * 100000, "a"), ("[[.].][](((a{1,100}){1,100}){1,100})[x]", "a"),
                              ("[[=a=][:alpha:]]((a{1,100}){1,100})", "a"), ("((a+)+)+" * 500, "a"), (".*.*.*.*=.*", "x" * N)]:
            with self.subTest(pattern[:40]):
                self.evaluate('builtins.match "%s" "%s"' % (pattern, text))

    def test_it_never_ends(self):
        error = json.loads(self.evaluate("let f = x: f (x + 1); in f 1", 3).stderr.splitlines()[-1])["error"]
        self.assertEqual(error["kind"], "stack-overflow")
        error = json.loads(self.evaluate("let f = n: if n < 2 then n else f (n - 1) + f (n - 2); in f 70", 3,
                                         ["--eval-timeout", "1"]).stderr.splitlines()[-1])["error"]
        self.assertEqual(error["kind"], "limit")
        self.assertIn("--eval-timeout", error["hint"])
        self.assertEqual(error["position"]["line"], 1)

    def test_it_takes_all_memory(self):
        texts = ["builtins.stringLength (builtins.toJSON (builtins.foldl' (a: _: [ a a ]) [ ] (builtins.genList (x: x) 60)))",
                 "builtins.length (builtins.genList (x: x) 500000000)",
                 "let f = l: if builtins.length l == 0 then 0 else f (l ++ l); in f [ 1 ]",
                 'let f = s: if s == "" then 0 else f (s + s); in f "x"',
                 "builtins.stringLength (builtins.concatStringsSep (builtins.concatStringsSep \"\" (builtins.genList (x: \"x\") "
                 "100000)) (builtins.genList (x: \"\") 100000))"]
        for text in texts:
            with self.subTest(text):
                error = self.evaluate(text, 3, ["--eval-memory", "100000000"])
                self.assertIn("--eval-memory", error.stderr)

        # Three hundred of these would take a gigabyte together.
        patterns = "builtins.genList (i: builtins.match ''(a{1,40}){1,40}${toString i}'' ''a'') 300"
        if os.environ.get("KPKG_SANITIZE") != "ON":
            self.run_program(["sh", "-c", 'ulimit -v 1000000; exec "$0" eval -E "$1"',
                              attack._everyones_programs() / "bin" / "kpkg", patterns], status=0)

        # Where the system has no more, the same. (A sanitizer needs more than any system has.)
        for text in texts if os.environ.get("KPKG_SANITIZE") != "ON" else []:
            with self.subTest(text + " by ulimit"):
                self.write("hostile.nix", text)
                result = self.run_program(["sh", "-c", 'ulimit -v 1500000; exec "$0" eval "$1"',
                                           attack._everyones_programs() / "bin" / "kpkg", self.work / "hostile.nix"], status=3)
                self.assertIn("memory", result.stderr)


if __name__ == "__main__":
    attack.main()
