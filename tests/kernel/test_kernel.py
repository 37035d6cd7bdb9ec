"""The kernel against the Jupyter protocol (jupyter-kernel-test), and what this project promises of it beyond.

A check that GoNB itself fails is marked as an expected failure, so that the list in kernels/README.md stays true: the day
one passes, this file fails. Every wait has a time limit: GoNB leaves two kinds of request without any answer.

The kernel's name is taken from the environment variable KERNEL (default gonb).
"""
import os
import sys
import tempfile
import time
import unittest
from pathlib import Path

import jupyter_kernel_test as protocol
from jupyter_client.manager import start_new_kernel

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "kernels"))
from common import end_session, jupyter_env  # noqa: E402

KERNEL = os.environ.get("KERNEL", "gonb")
SILENT = 5  # seconds after which a request counts as never answered
SLOW = 180  # seconds for an answer that may need a build
os.environ.update(jupyter_env())


def begin(**env):
    """Starts a kernel in an empty folder; the user's environment is this process's, with env on top."""
    folder = tempfile.TemporaryDirectory()
    manager, client = start_new_kernel(kernel_name=KERNEL, cwd=folder.name, env=dict(os.environ, TMPDIR=folder.name, **env))
    manager.folder, manager.session_id = folder, manager.provisioner.pid
    return manager, client


def end(manager, client):
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    end_session(manager.session_id)
    manager.folder.cleanup()


class Protocol(protocol.KernelTests):
    """The checks of jupyter-kernel-test, with samples in Go."""

    language_name = "go"
    file_extension = ".go"
    code_hello_world = 'import "fmt"\n%%\nfmt.Println("hello, world")'
    code_stderr = 'import ("fmt"; "os")\n%%\nfmt.Fprintln(os.Stderr, "to stderr")'
    code_generate_error = "%%\nundefined()"
    code_inspect_sample = 'import "fmt"\n%%\nfmt.Println'
    code_display_data = [{"code": 'import "github.com/janpfeifer/gonb/gonbui"\n%%\ngonbui.DisplayMarkdown("*hello*")', "mime": "text/markdown"}]
    completion_samples = [{"text": 'import "strings"\n%%\nstrings.ToUpperS', "matches": {"ToUpperSpecial"}}]
    code_execute_result = [{"code": "%%\n6 * 7"}]
    code_history_pattern = "6*"
    supported_history_operations = ("tail", "range", "search")
    code_page_something = "%help"
    complete_code_samples = ["%%\nx := 1"]
    test_clear_output = None  # GoNB has no way to ask for it: there is no sample to run

    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = begin()

    @classmethod
    def tearDownClass(cls):
        end(cls.km, cls.kc)

    def setUp(self):
        protocol.TIMEOUT = SLOW

    def get_non_kernel_info_reply(self, timeout=None):
        return super().get_non_kernel_info_reply(timeout=timeout or SLOW)

    @unittest.expectedFailure
    def test_execute_result(self):
        """A cell is a program and has no value: what it prints and displays is its output."""
        super().test_execute_result()

    @unittest.expectedFailure
    def test_pager(self):
        """%help is displayed under the cell, not in a pager."""
        super().test_pager()

    @unittest.expectedFailure
    def test_history(self):
        """history_request is never answered."""
        self.kc.history(hist_access_type="tail", n=1)
        super().get_non_kernel_info_reply(timeout=SILENT)

    @unittest.expectedFailure
    def test_is_complete(self):
        """is_complete_request is never answered."""
        self.kc.is_complete("%%\nx := 1")
        super().get_non_kernel_info_reply(timeout=SILENT)


class Welcome(unittest.TestCase):
    @unittest.expectedFailure
    def test_recv_iopub_welcome_msg(self):
        """No iopub_welcome is sent."""
        manager, client = begin()
        self.addCleanup(end, manager, client)
        fresh = manager.client()
        self.addCleanup(fresh.stop_channels)
        fresh.start_channels()
        self.assertEqual(fresh.get_iopub_msg(timeout=SILENT)["msg_type"], "iopub_welcome")


WHERE = """import (
	"fmt"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
)

%%
b, err := backend.Open("")
if err != nil {
	panic(err)
}
fmt.Println("runs on", backend.Describe(b))
"""


class Promises(unittest.TestCase):
    """What the project promises of its kernel."""

    def run_cell(self, code, **env):
        manager, client = begin(**env)
        self.addCleanup(end, manager, client)
        texts = []
        reply = client.execute_interactive(code, timeout=SLOW, output_hook=lambda message: texts.append(str(message["content"])))
        return reply["content"]["status"], "".join(texts)

    def test_the_library_is_there_in_a_first_cell(self):
        status, text = self.run_cell(WHERE)
        self.assertEqual(status, "ok", text)
        self.assertIn("runs on", text)

    def test_the_user_names_the_backend(self):
        status, text = self.run_cell(WHERE, GOMLX_BACKEND="go")
        self.assertIn("runs on pure Go", text)

    def test_a_named_backend_that_is_not_there_is_an_error(self):
        status, text = self.run_cell(WHERE, GOMLX_BACKEND="xla:/nowhere/plugin.so")
        self.assertEqual(status, "error")
        self.assertIn("/nowhere/plugin.so", text)
        self.assertIn("make setup", text)

    def test_the_users_go_settings_do_not_break_it(self):
        status, text = self.run_cell(WHERE, GOWORK="off", GOFLAGS="-mod=vendor", GOPROXY="https://nowhere.invalid")
        self.assertEqual(status, "ok", text)

    def test_a_compile_error_is_readable_without_html(self):
        status, text = self.run_cell('%%\nvar n int = "one"\n_ = n')
        self.assertEqual(status, "error")
        self.assertIn("cannot use", text)

    def test_an_endless_cell_can_be_stopped(self):
        manager, client = begin()
        self.addCleanup(end, manager, client)
        message = client.execute('import "fmt"\n%%\nfmt.Println("begun")\nfor {\n}')
        while "begun" not in str(client.get_iopub_msg(timeout=SLOW)["content"].get("text")):
            pass
        manager.interrupt_kernel()
        start = time.monotonic()
        reply = client.get_shell_msg(timeout=SLOW)
        while reply["parent_header"].get("msg_id") != message:
            reply = client.get_shell_msg(timeout=SLOW)
        self.assertEqual(reply["content"]["status"], "error")
        self.assertLess(time.monotonic() - start, 60)


if __name__ == "__main__":
    unittest.main()
