"""The ways in which the set-up fails, each with what it says, and the ways in which it heals.

Everything runs on a copy of kernels/ in a temporary folder, with an empty HOME, and without a network.
"""
import ast
import base64
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


class Case(unittest.TestCase):
    def setUp(self):
        self.top = Path(tempfile.mkdtemp(prefix="setup-")).resolve()
        self.addCleanup(self.remove_top)
        self.clone, self.home, self.bin = self.top / "clone", self.top / "home", self.top / "bin"
        self.home.mkdir()
        self.bin.mkdir()
        leave = shutil.ignore_patterns("__pycache__", "doctor")
        shutil.copytree(str(ROOT / "kernels"), str(self.clone / "kernels"), ignore=leave)
        for name in ("go.mod", "go.sum"):
            shutil.copy(str(ROOT / name), str(self.clone / name))

    def remove_top(self):
        """Go's own counters may write into the HOME here for a moment after go has ended."""
        for _ in range(50):
            shutil.rmtree(str(self.top), ignore_errors=True)
            if not self.top.exists():
                return
            time.sleep(0.1)
        self.fail("{} cannot be removed".format(self.top))

    def run_setup(self, *arguments, **env):
        return self.python("kernels/setup.py", *arguments, **env)

    def python(self, *argv, **env):
        """Runs Python in the clone with an empty HOME, a PATH that holds self.bin alone, and env."""
        clean = {"HOME": str(self.home), "PATH": str(self.bin), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
        done = subprocess.run([sys.executable] + list(argv), cwd=str(self.clone), env=dict(clean, **env), timeout=300,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        return done.returncode, done.stdout

    def snippet(self, code, **env):
        """Runs code with the set-up of the clone imported."""
        head = "import sys; sys.path.insert(0, 'kernels'); import setup; from common import *\n"
        return self.python("-c", head + textwrap.dedent(code), **env)

    def program(self, name, script):
        path = self.bin / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)

    def fake_go(self, version="go1.26.8", compiler="gcc"):
        keys = '{{"GOVERSION":"{}","GOROOT":"/go","GOCACHE":"/c","GOMODCACHE":"/m","CC":"{}"}}'.format(version, compiler)
        self.program("go", "echo '{}'\n".format(keys))

    def check_fails(self, result, *said):
        code, output = result
        self.assertNotEqual(code, 0, output)
        self.assertNotIn("Traceback", output)
        for words in said + ("mend it with: ",):
            self.assertIn(words, output)


class Missing(Case):
    """What is missing is said before anything is made."""

    def tearDown(self):
        self.assertFalse((self.clone / ".venv").exists(), "something was made before the check")

    def test_no_go(self):
        self.check_fails(self.run_setup(), "Go is missing")

    def test_old_go(self):
        self.fake_go(version="go1.21.0")
        self.check_fails(self.run_setup(), "or newer is needed, go is go1.21.0")

    def test_no_c_compiler(self):
        self.fake_go()
        self.program("apt-get", "")
        self.check_fails(self.run_setup(), "no C compiler: gcc", "sudo apt-get install -y gcc libc6-dev")

    def test_no_venv(self):
        self.fake_go()
        self.program("gcc", "")
        self.program("apt-get", "")
        (self.top / "ensurepip.py").write_text("raise ImportError('no', name='ensurepip')")
        self.check_fails(self.run_setup(PYTHONPATH=str(self.top)), "module ensurepip is missing", "sudo apt-get install -y python3-venv")

    def test_old_python(self):
        self.fake_go()
        self.program("gcc", "")
        result = self.snippet("sys.version_info = (3, 9, 0, 'final', 0)\nsys.argv = ['setup.py']\nsetup.main()")
        self.check_fails(result, "Python 3.10 or newer is needed")

    def test_unknown_kernel(self):
        self.check_fails(self.run_setup("--kernel", "nosuch"), "kernels/nosuch/kernel.json is missing")

    def test_old_python_can_read_the_set_up(self):
        for name in ("setup.py", "common.py"):
            ast.parse((ROOT / "kernels" / name).read_text(), feature_version=(3, 6))

    def test_full_disk(self):
        result = self.snippet("""
            try:
                setup.require_disk("venv", free=lambda path: 5 << 20)
            except Problem as problem:
                sys.exit(str(problem))
            """)
        self.check_fails(result, "the disk is too full: 0.0 GiB free, 1.0 GiB needed")


class Steps(Case):
    """A step is done once, whole, and again when it was cut short."""

    def test_stamps(self):
        code, output = self.snippet("""
            done = []
            setup.step("s", "one", done.append, says="s")
            setup.step("s", "one", done.append, says="s")  # nothing changed: not done
            setup.step("s", "two", done.append, says="s")  # made from something else: done
            def cut(again):
                raise KeyboardInterrupt
            try:
                setup.step("s", "three", cut, says="s")
            except KeyboardInterrupt:
                pass
            setup.step("s", "two", done.append, says="s")  # cut short before: done again, from the start
            setup.step("s", "two", done.append, says="s")
            print(done)
            """)
        self.assertEqual(code, 0, output)
        self.assertIn("[False, False, True]", output)

    def test_removed_work_is_done_again(self):
        code, output = self.snippet("""
            done, made = [], ROOT / "made"
            def make(again):
                done.append(again)
                made.write_text("here")
            for _ in range(2):
                setup.step("s", "one", make, says="s", makes=[made])
            made.unlink()
            for _ in range(2):
                setup.step("s", "one", make, says="s", makes=[made])
            print(done)
            """)
        self.assertEqual(code, 0, output)
        self.assertIn("[False, True]", output)

    def test_side_by_side(self):
        code, output = self.snippet("""
            import threading
            meet = threading.Barrier(2, timeout=30)
            def fails():
                meet.wait()
                raise Problem("no network", "make setup")
            def works():
                meet.wait()
                setup.step("s", "one", lambda again: None, says="s")
            for jobs in [(fails, works), (works, fails)]:
                try:
                    setup.at_once(*jobs)
                except Problem as problem:
                    print("raised:", problem)
            print("done:", (setup.STAMPS / "s").read_text())
            """)
        self.assertEqual(code, 0, output)
        self.assertEqual(output.count("raised: no network"), 2, output)
        self.assertIn("done: one", output)

    def test_second_set_up_waits(self):
        code, output = self.snippet("""
            import subprocess, time
            with setup.Lock(ROOT):
                other = subprocess.Popen([sys.executable, "kernels/setup.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                line = other.stdout.readline()
                assert other.poll() is None
            print(line.decode(), other.wait())
            """)
        self.assertEqual(code, 0, output)
        self.assertIn("another set-up runs in this clone; waiting", output)

    def test_a_full_disk_in_the_middle(self):
        result = self.snippet("""
            try:
                setup.run(["sh", "-c", "head -c 9 /dev/zero > /dev/full"], "writing")
            except Problem as problem:
                sys.exit(str(problem))
            """, PATH=os.environ["PATH"])
        self.check_fails(result, "writing: the disk is full")


class Python(Case):
    """pip's real answers, from a wheel made here. One .venv is made, and each test moves a copy of it into its clone."""

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory(prefix="setup-")
        cls.addClassCleanup(cls.made.cleanup)
        case = cls("test_wrong_hash")
        Case.setUp(case)
        code, output = case.snippet("setup.step('python', 'here', setup.make_venv)\nsetup.move_venv()")
        shutil.copytree(str(case.clone / ".venv"), cls.made.name + "/.venv", symlinks=True)
        case.doCleanups()
        if code != 0:
            raise AssertionError(output)

    def setUp(self):
        super().setUp()
        shutil.copytree(self.made.name + "/.venv", str(self.clone / ".venv"), symlinks=True)
        self.hash = self.wheel("tiny", "1.0", {"tiny.py": "answer = 42\n"})

    def wheel(self, name, version, files):
        """Makes a wheel in self.top and returns its hash."""
        info = "{}-{}.dist-info/".format(name, version)
        files = dict(files)
        files[info + "METADATA"] = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n".format(name, version)
        files[info + "WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        files[info + "entry_points.txt"] = "[console_scripts]\n{0} = {0}:__doc__\n".format(name)
        digest = lambda text: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record = "".join("{},sha256={},{}\n".format(path, digest(text), len(text)) for path, text in files.items())
        files[info + "RECORD"] = record + info + "RECORD,,\n"
        path = self.top / "{}-{}-py3-none-any.whl".format(name, version)
        with zipfile.ZipFile(str(path), "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def install(self, sha, **env):
        (self.clone / "kernels" / "python" / "lab.txt").write_text("tiny==1.0 --hash=sha256:{}\n".format(sha))
        env = dict(dict(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(self.top)), **env)
        return self.snippet("""
            try:
                setup.step("python", "here", setup.make_venv, says="a Python environment")
                setup.move_venv()
                setup.step("lab", "lock", lambda again: setup.pip(setup.lock("lab"), again), says="a lock")
            except Problem as problem:
                sys.exit(str(problem))
            """, **env)

    def answer(self):
        run = subprocess.run([str(self.clone / ".venv" / "bin" / "python"), "-c", "import tiny; print(tiny.answer)"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        return run.stdout.strip()

    def test_wrong_hash(self):
        self.check_fails(self.install("0" * 64), "its hash differs", "pip cache purge")
        self.assertEqual(self.answer(), "", "a wheel with a wrong hash was installed")

    def test_no_network(self):
        result = self.install(self.hash, PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=NOWHERE, PIP_RETRIES="0")
        self.check_fails(result, "the package registry does not answer: no network")

    def test_no_network_for_go(self):
        result = self.snippet("""
            try:
                setup.go_run("mod", "download")
            except Problem as problem:
                sys.exit(str(problem))
            """, PATH=os.environ["PATH"], GOPROXY=NOWHERE, GOMODCACHE=str(self.top / "mod"), GOFLAGS="-modcacherw")
        self.check_fails(result, "the package registry does not answer: no network")

    def test_interrupted_run_heals(self):
        code, output = self.install(self.hash)
        self.assertEqual((code, self.answer()), (0, "42"), output)
        half = next(self.clone.glob(".venv/lib/python3*/site-packages/tiny.py"))
        half.write_text("")  # as if the run had been killed while it wrote
        (self.clone / ".venv" / ".setup" / "lab.begun").write_text("")
        code, output = self.install(self.hash)
        self.assertEqual((code, self.answer()), (0, "42"), output)

    def test_another_python_makes_it_anew(self):
        code, output = self.install(self.hash)
        self.assertEqual((code, self.answer()), (0, "42"), output)
        (self.clone / ".venv" / ".setup" / "python").write_text("another Python")
        code, output = self.install(self.hash)
        self.assertEqual((code, self.answer()), (0, "42"), output)
        self.assertIn("a Python environment", output)
        code, output = self.install(self.hash)
        self.assertEqual((code, output), (0, ""), "a third run has nothing to do")

    def test_moved_clone_heals(self):
        code, output = self.install(self.hash)
        self.assertEqual(code, 0, output)
        old, self.clone = self.clone, self.top / "moved"
        old.rename(self.clone)
        code, output = self.install(self.hash)
        self.assertEqual((code, self.answer()), (0, "42"), output)
        self.assertIn("this clone was moved here", output)
        for script in ("pip", "tiny", "activate"):
            text = (self.clone / ".venv" / "bin" / script).read_text()
            self.assertNotIn(str(old), text)
            self.assertIn(str(self.clone), text)


class Kernel(Case):
    """The kernel's spec, the lab's defaults, and the launcher."""

    def write(self):
        code, output = self.snippet("setup.write_kernel('gonb', {'GOROOT': '/the/go'}); setup.write_overrides()")
        self.assertEqual(code, 0, output)
        return self.clone / ".venv" / "share" / "jupyter" / "kernels" / "gonb" / "kernel.json"

    def test_spec_follows_the_clone(self):
        spec = self.write()
        self.assertIn(str(self.clone / ".venv" / "bin" / "gonb"), spec.read_text())
        self.assertIn("-go_work={}".format(self.clone), spec.read_text())
        self.assertNotIn("@", spec.read_text())
        before = spec.stat().st_ino
        self.assertEqual(self.write().stat().st_ino, before, "an unchanged spec was written again")
        self.clone = self.clone.rename(self.top / "moved") or self.top / "moved"
        self.assertIn(str(self.top / "moved"), self.write().read_text())

    def test_home_stays_clean(self):
        self.write()
        self.assertEqual(list(self.home.iterdir()), [])

    def test_address_is_secret(self):
        code, output = self.snippet("import lab\nVAR.mkdir(parents=True)\nlab.tell(8888, 'http://here?token=secret')")
        self.assertEqual(code, 0, output)
        self.assertNotIn("secret", output)
        file = self.clone / ".venv" / "var" / "address-8888"
        self.assertIn("token=secret", file.read_text())
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)

    def test_next_free_port(self):
        code, output = self.snippet("""
            import lab, socket
            taken = lab.free_port()
            with socket.socket() as other:
                other.bind(("127.0.0.1", taken))
                other.listen()
                assert lab.free_port() > taken
            """)
        self.assertEqual(code, 0, output)

    def test_listens_on_this_machine_alone(self):
        code, output = self.snippet("import lab\nprint(lab.settings(8888, ROOT))")
        self.assertIn("--ServerApp.ip=127.0.0.1", output)
        self.assertNotIn("token", output)


if __name__ == "__main__":
    unittest.main()
