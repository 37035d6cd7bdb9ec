"""Runs go test and says of each package how it went, of each failure what it printed, and of each skip why.

    tests/gotest.py NAME [arguments of go test]

With CI=true in the environment a skipped test is a failure: there, everything that a test needs is installed.
"""
import json
import os
import subprocess
import sys


def main(name, arguments):
    passed, skipped, output = 0, [], {}
    run = subprocess.Popen(["go", "test", "-json"] + arguments, stdout=subprocess.PIPE, universal_newlines=True)
    for line in run.stdout:
        event = decode(line)
        key = (event.get("Package") or event.get("ImportPath", ""), event.get("Test", ""))
        if event["Action"] in ("output", "build-output"):
            output.setdefault(key, []).append(event["Output"])
        elif event["Action"] in ("fail", "build-fail"):
            print("".join(output.pop(key, [])) or "FAIL {} {}".format(*key), flush=True)
        elif event["Action"] == "pass":
            passed += bool(event.get("Test"))
            if not event.get("Test"):
                print("ok   {:<60} {:6.1f} s".format(key[0], event.get("Elapsed", 0)), flush=True)
            output.pop(key, None)
        elif event["Action"] == "skip" and event.get("Test"):
            skipped.append(key)
            print("SKIP {} {}\n{}".format(key[0], key[1], "".join(output.pop(key, []))), flush=True)
    left = ", those of {} left out".format(arguments[arguments.index("-skip") + 1]) if "-skip" in arguments else ""
    failed = run.wait() != 0 or (skipped and os.environ.get("CI") == "true")
    print("{}: {} tests passed, {} skipped{}: {}".format(name, passed, len(skipped), left, "FAIL" if failed else "ok"), flush=True)
    return 1 if failed else 0


def decode(line):
    """One event of go test -json; a line that is none is passed on."""
    try:
        return json.loads(line)
    except ValueError:
        return {"Action": "output", "Output": line}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
