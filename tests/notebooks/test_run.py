"""The runner of notebooks finds what it is there to find: each kind of bad notebook is reported, and a good one is not.
So does the check of exercises."""
import argparse
import os
import sys
import tempfile
import unittest
from pathlib import Path

import nbformat
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent))
import run  # noqa: E402
import passed  # noqa: E402
from exercises import exercise_faults  # noqa: E402

KERNEL = os.environ.get("KERNEL", "gonb")
HEAD = "---\njupytext:\n  formats: ipynb,md:myst\nkernelspec:\n  display_name: Go\n  language: go\n  name: {}\n---\n\n# A notebook\n".format(KERNEL)


class Runner(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.notebooks, run.NOTEBOOKS = run.NOTEBOOKS, Path(folder.name)
        self.limit = run.LIMIT
        self.addCleanup(lambda: (setattr(run, "NOTEBOOKS", self.notebooks), setattr(run, "LIMIT", self.limit)))
        os.environ.update(run.jupyter_env())

    def write(self, *cells, name="01-x"):
        text = HEAD + "".join("\n```{{code-cell}}\n{}\n```\n".format(cell) for cell in cells)
        (run.NOTEBOOKS / (name + ".md")).write_text(text)

    def run_cells(self, *cells, name="01-x", train=False):
        self.write(*cells, name=name)
        return run.run_one(name, argparse.Namespace(kernel=KERNEL, train=train, write=True, times=False, jobs=1))

    def test_good(self):
        self.assertEqual(self.run_cells("%%\nprintln(1)", 'import "fmt"\n%%\nfmt.Println("two")'), [])
        self.assertEqual(run.executed_faults("01-x"), [])
        written = nbformat.read(str(run.NOTEBOOKS / "01-x.ipynb"), 4)
        self.assertEqual(written.cells[2].outputs[0].text, "two\n")
        self.assertEqual([c.id for c in written.cells], [c.id for c in run.read_source("01-x", KERNEL).cells], "ids are not stable")

    def test_solutions_run_beside_the_checkpoints(self):
        for folder in ("solutions", "checkpoints"):
            (run.NOTEBOOKS / folder).mkdir()
        (run.NOTEBOOKS / "checkpoints" / "x").write_text("weights")
        self.write("%%\nprintln(1)")
        cell = 'import ("fmt"; "os")\n%%\nb, err := os.ReadFile("../checkpoints/x")\nfmt.Println(string(b), err)'
        self.assertEqual(self.run_cells(cell, name="solutions/01-x", train=True), [])
        self.assertEqual(run.all_names(), ["01-x", "solutions/01-x"])
        self.assertEqual(run.executed_faults("solutions/01-x"), [])
        written = nbformat.read(str(run.NOTEBOOKS / "solutions" / "01-x.ipynb"), 4)
        self.assertEqual(written.cells[1].outputs[0].text, "weights <nil>\n")

    def test_every_failing_cell_is_reported(self):
        faults = self.run_cells('%%\npanic("first")', "%%\nprintln(1)", '%%\npanic("second")')
        self.assertEqual(len(faults), 2, faults)
        self.assertIn("first", faults[0])
        self.assertIn("second", faults[1])
        self.assertFalse((run.NOTEBOOKS / "01-x.ipynb").exists(), "a failing notebook was written")

    def test_path_of_this_machine(self):
        faults = self.run_cells('import ("fmt"; "os")\n%%\nfmt.Println("in\\n" + os.TempDir() + "/x")')
        self.assertEqual(len(faults), 1, faults)
        self.assertIn("prints a path of this machine", faults[0])

    def test_a_cell_that_ignores_the_stop_is_ended(self):
        run.LIMIT = 8
        faults = self.run_cells('import ("os/signal"; "os")\n%%\nsignal.Ignore(os.Interrupt)\nfor {\n}')
        self.assertIn("stopped after 8 s", faults[0])
        left = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"]) if "gonb_" in " ".join(p.info["cmdline"] or []) and p.parent() is None]
        self.assertEqual(left, [])

    def test_too_large(self):
        faults = self.run_cells('import ("fmt"; "strings")\n%%\nfmt.Print(strings.Repeat(strings.Repeat("x", 99)+"\\n", 4_100))')
        self.assertIn("bytes, at most 400000", faults[0])

    def test_text_and_notebook_differ(self):
        self.assertEqual(self.run_cells("%%\nprintln(1)"), [])
        self.write("%%\nprintln(2)")
        self.assertIn("its cells differ", run.executed_faults("01-x")[0])


class Memory(unittest.TestCase):
    """A notebook that passed runs again when something that it depends on has changed, and only then."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.write("01-x.md", 'import "{}/pkg/a"'.format(passed.MODULE))
        self.write("checkpoints/x.bin", "weights")
        self.built = {"a": "1", "b": "1", "c": "1"}
        real, passed.packages = passed.packages, self.packages
        self.addCleanup(setattr, passed, "packages", real)
        self.memory().keep("01-x", self.memory().key("01-x"))

    def write(self, name, text):
        (self.folder / "notebooks" / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / "notebooks" / name).write_text(text)

    def packages(self):
        """Package a imports b, and nothing imports c."""
        path = (passed.MODULE + "/pkg/{}").format
        return {path(p): {"BuildID": build, "Deps": [path("b")] if p == "a" else []} for p, build in self.built.items()}

    def memory(self):
        return passed.Passed(self.folder / "notebooks", KERNEL, self.folder / "memory")

    def test_unchanged(self):
        self.assertTrue(self.memory().before("01-x"))
        self.built["c"] = "2"
        self.write("02-y.md", "another notebook")
        self.write("01-x.ipynb", "its outputs")
        self.assertTrue(self.memory().before("01-x"), "what it does not use has changed")

    def test_changed(self):
        for change in (lambda: self.built.update(a="2"), lambda: self.built.update(a="1", b="2"), lambda: self.built.pop("a")):
            change()
            self.assertFalse(self.memory().before("01-x"), self.built)
        self.built = {"a": "1", "b": "1", "c": "1"}
        self.assertTrue(self.memory().before("01-x"))
        self.write("checkpoints/x.bin", "other weights")
        self.assertFalse(self.memory().before("01-x"))

    def test_another_text_kernel_or_backend(self):
        self.assertFalse(passed.Passed(self.folder / "notebooks", "another", self.folder / "memory").before("01-x"))
        self.addCleanup(os.environ.update, {k: v for k, v in os.environ.items() if k == "GOMLX_BACKEND"})
        os.environ["GOMLX_BACKEND"] = "another"
        self.assertFalse(self.memory().before("01-x"))
        del os.environ["GOMLX_BACKEND"]
        self.write("01-x.md", "import nothing")
        self.assertFalse(self.memory().before("01-x"))


GOOD = """# A notebook

**You need** [00-start-here](00-start-here.ipynb). It takes about 30 minutes.

```{code-cell}
# no heading
```

## Exercises

Answers are in [solutions/01-x](solutions/01-x.ipynb).

**Numeric.** How many
are there?

**Derivation.** Show that

$$a=b.$$

**Experiment.** Try it.
"""

SOLVED = """# Solutions to [01-x](../01-x.ipynb)

## Numeric

> How many are there?

```{code-cell}
## no heading
check.Near("two", 2, 2, 0)
```

## Derivation

> Show that
>
> $$a=b.$$

```{code-cell}
check.Less("more", 1, 2)
```

## Experiment

> Try it.

```{code-cell}
check.MC("mean", x, 0, 1)
```
"""


class Exercises(unittest.TestCase):
    def faults(self, text=GOOD, solution=SOLVED):
        with tempfile.TemporaryDirectory() as folder:
            notebooks = Path(folder)
            (notebooks / "solutions").mkdir()
            (notebooks / "01-x.md").write_text(text)
            if solution:
                (notebooks / "solutions" / "01-x.md").write_text(solution)
            return exercise_faults(notebooks, "01-x")

    def assert_one(self, found, part):
        self.assertEqual(len(found), 1, found)
        self.assertIn(part, found[0])

    def test_good(self):
        self.assertEqual(self.faults(), [])

    def test_opening(self):
        self.assert_one(self.faults(GOOD.replace("**You need**", "You need")), "**You need**")
        self.assert_one(self.faults(GOOD.replace(" minutes", "")), "minutes")
        self.assert_one(self.faults(GOOD.replace("(00-start-here.ipynb)", "(x)")), "links no earlier notebook")

    def test_questions(self):
        self.assert_one(self.faults(GOOD.replace("**Experiment.** Try it.", "")), "has no question **Experiment.**")
        self.assert_one(self.faults(GOOD + "\n**Further.** And this?\n"), "'Further'")
        self.assert_one(self.faults(GOOD.replace("solutions/01-x.ipynb", "solutions/02-x.ipynb")), "does not link solutions/01-x.ipynb")

    def test_solution(self):
        self.assert_one(self.faults(solution=None), "there is no solutions/01-x.md")
        self.assert_one(self.faults(solution=SOLVED.replace("(../01-x.ipynb)", "(01-x.ipynb)")), "does not link ../01-x.ipynb")
        self.assert_one(self.faults(solution=SOLVED.replace("are there?", "were there?")), "Numeric: the quotation is not the question")
        self.assert_one(self.faults(solution=SOLVED.replace('check.Less("more", 1, 2)', "println(1)")), "Derivation: no code cell checks")
        self.assert_one(self.faults(solution=SOLVED + "\n## More\n"), "'More'")


if __name__ == "__main__":
    unittest.main()
