"""The command as a process: a reader that leaves, and the engine that papermill finds by its name."""
import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points

import nbformat
import pytest

from conftest import ROOT, YEAR

ENV = os.environ | {"PYTHONPATH": str(ROOT), "SONLA_EVAL_PROJECT": str(ROOT)}
PIPE = "import sys; from sonla_eval import cli; cli.COMMANDS['form'] = lambda a: print(*range(90_000), sep='\\n') or 0; sys.exit(cli.main(['form', '--year', '2022', '--unit', '116']))"


@pytest.mark.parametrize("words", [["-m", "sonla_eval", "--help"], ["-m", "sonla_eval", "packets"], ["-c", PIPE]], ids=["help", "packets", "long"])
@pytest.mark.parametrize("unbuffered", [False, True])
def test_a_reader_that_leaves(words, unbuffered):
    "Not a word, and the code that a shell gives for it; whether the pipe closes before the first line or in the middle."
    p = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV | ({"PYTHONUNBUFFERED": "1"} if unbuffered else {}))
    if words[0] == "-c": assert p.stdout.readline() == b"0\n"
    p.stdout.close()
    assert (p.stderr.read(), p.wait(60)) == (b"", 141)


def test_a_connection_that_breaks_is_a_fault(monkeypatch, capsys):
    "Somebody still reads: a broken pipe to elsewhere is said."
    from sonla_eval import cli
    def broken(a): raise BrokenPipeError(32, "the store hung up")
    monkeypatch.setitem(cli.COMMANDS, "form", broken)
    assert cli.main(["form", "--year", "2022", "--unit", "116"]) == 2 and "the store hung up" in capsys.readouterr().err
