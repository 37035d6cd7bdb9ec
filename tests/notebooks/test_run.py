"""The runner of notebooks finds what it is there to find: each kind of bad notebook is reported, and a good one is not."""
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

    def write(self, *cells):
        text = HEAD + "".join("\n```{{code-cell}}\n{}\n```\n".format(cell) for cell in cells)
        (run.NOTEBOOKS / "01-x.md").write_text(text)

    def run_cells(self, *cells):
        self.write(*cells)
        return run.run_one("01-x", argparse.Namespace(kernel=KERNEL, train=False, write=True))

    def test_good(self):
        self.assertEqual(self.run_cells("%%\nprintln(1)", 'import "fmt"\n%%\nfmt.Println("two")'), [])
        self.assertEqual(run.committed_faults("01-x"), [])
        written = nbformat.read(str(run.NOTEBOOKS / "01-x.ipynb"), 4)
        self.assertEqual(written.cells[2].outputs[0].text, "two\n")
        self.assertEqual([c.id for c in written.cells], [c.id for c in run.read_source("01-x", KERNEL).cells], "ids are not stable")

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
        self.assertIn("its cells differ", run.committed_faults("01-x")[0])


if __name__ == "__main__":
    unittest.main()
