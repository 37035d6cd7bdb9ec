"""make lab: JupyterLab on this clone's notebooks, for this machine only.

    python3 kernels/lab.py [notebook] [flags of jupyter lab]

It listens on the loopback address alone, on port 8888 or the next free one, and asks for a random token. The token is
handed over in the environment and stands in one file that only you can read, never in an argument or a log.
"""
import os
import secrets
import socket
import sys

from common import BIN, ROOT, VAR, jupyter_env

FIRST = "notebooks/00-start-here.ipynb"
PORT = 8888


def main(arguments):
    notebook = FIRST
    if arguments and not arguments[0].startswith("-"):
        notebook, arguments = arguments[0], arguments[1:]
    port, arguments = choose_port(arguments)
    env = dict(jupyter_env(), JUPYTER_TOKEN=secrets.token_hex(24))
    tell("http://127.0.0.1:{}/lab/tree/{}?token={}".format(port, notebook, env["JUPYTER_TOKEN"]))
    os.chdir(str(ROOT))
    os.execve(str(BIN / "python"), [
        "python", "-m", "jupyterlab", notebook,
        "--ServerApp.ip=127.0.0.1", "--ServerApp.port={}".format(port), "--ServerApp.root_dir={}".format(ROOT),
        # A notebook and its text are one source: the text wins however old it is, so a checkout never refuses to open.
        "--ContentsManager.outdated_text_notebook_margin=inf",
    ] + (["--allow-root"] if os.geteuid() == 0 else []) + arguments, env)


def choose_port(arguments):
    """The port that --port asks for, or the first free one from PORT on."""
    for i, argument in enumerate(arguments):
        if argument.startswith("--port="):
            return int(argument[len("--port="):]), arguments[:i] + arguments[i + 1:]
    for port in range(PORT, PORT + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port, arguments
            except OSError:
                continue
    sys.exit("lab: no free port from {} to {}: name one with LAB_ARGS=--port=N".format(PORT, PORT + 99))


def tell(address):
    """Writes the address with its token to a file of mode 600; prints it only where a person sits before a terminal."""
    file = VAR / "address"
    handle = os.open(str(file), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(address + "\n")
    print("lab: the address, with its token, is in {}".format(file.relative_to(ROOT)), flush=True)
    if sys.stderr.isatty():
        print("lab: {}".format(address), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
