"""Attacks: what somebody who means harm did, and what must come of it. Every case runs as root and as a plain user."""
import atexit, os, pathlib, shutil, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import programs

PLAIN_UID = 61999  # nobody's on any machine; needs no entry in passwd
_programs = None  # a copy of the built programs that everyone can execute


def _everyones_programs():
    global _programs
    if _programs is None:
        _programs = pathlib.Path(tempfile.mkdtemp(prefix="kpkg-programs-"))
        atexit.register(shutil.rmtree, _programs)
        _programs.chmod(0o755)
        (_programs / "bin").mkdir()
        for name in ["kpkg", "registry-server"]:
            shutil.copy(programs.BUILD / "bin" / name, _programs / "bin" / name)
    return _programs


class Attack(programs.Case):
    """A case whose kpkg runs as `self.uid`; made twice by `as_every_user`."""
    uid = os.getuid()

    def setUp(self):
        super().setUp()
        os.chown(self.work, self.uid, self.uid)

    def is_root(self):
        return self.uid == 0

    def run_program(self, arguments, **options):
        if self.uid != os.getuid():
            arguments = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--", *arguments]
        options["env"] = {"HOME": str(self.work), **(options.get("env") or {})}
        return super().run_program(arguments, **options)

    def kpkg(self, *arguments, **options):
        return self.run_program([_everyones_programs() / "bin" / "kpkg", *arguments], **options)

    def write(self, name, contents):
        path = super().write(name, contents)
        for made in [path, *path.parents]:
            if made == self.work:
                break
            os.chown(made, self.uid, self.uid)
        return path


def as_every_user(case):
    """Replaces the class by two, …AsRoot and …AsPlainUser (only the latter where the tests are not run by root)."""
    module = sys.modules[case.__module__]
    users = {"AsRoot": 0, "AsPlainUser": PLAIN_UID} if os.getuid() == 0 else {"AsPlainUser": os.getuid()}
    for suffix, uid in users.items():
        made = type(case.__name__ + suffix, (case,), {"uid": uid, "__module__": case.__module__})
        setattr(module, made.__name__, made)
    return None  # the name itself must not be run


main = programs.main
