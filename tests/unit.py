"""Runs files of Python unit tests. With CI=true a skipped test is a failure.

    tests/unit.py FILE [FILE ...]
"""
import os
import sys
import unittest
from pathlib import Path


def main(files):
    loader, suite = unittest.TestLoader(), unittest.TestSuite()
    for file in map(Path, files):
        sys.path.insert(0, str(file.resolve().parent))
        suite.addTests(loader.loadTestsFromName(file.stem))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    for test, why in result.skipped:
        print("SKIP {}: {}".format(test, why))
    return 0 if result.wasSuccessful() and not (result.skipped and os.environ.get("CI") == "true") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
