"""Runs the lesson cells beside pytest, so that both cores work, and ends with pytest's closing line; fails when either fails."""
import subprocess
import sys
import tempfile
from pathlib import Path

here = Path(__file__).resolve().parent


def main() -> int:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        lessons = subprocess.Popen([sys.executable, str(here/"lessons.py")], stdout=told, stderr=subprocess.STDOUT)
        tests = subprocess.Popen([sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", *sys.argv[1:]], cwd=here.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace")
        last = ""
        for line in tests.stdout: # the closing line is held back until the lessons have been told
            if last: print(last, end="", flush=True)
            last = line
        codes = tests.wait(), lessons.wait()
        told.seek(0)
        print(told.read().strip(), flush=True)
        print(last, end="", flush=True)
    return next((c for c in codes if c), 0)


if __name__ == "__main__": sys.exit(main())
