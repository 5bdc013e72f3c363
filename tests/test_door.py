"""The command as a process: a reader that leaves, and the engine that papermill finds by its name."""
import os
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
    assert p.stderr.read() == b"" and p.wait(60) in ((0, 141) if "--help" in words else (141,)) # argparse itself passes over a reader of the help that left


@pytest.mark.parametrize("module", ["sonla_eval", "sonla_eval.cli"])
def test_the_package_is_the_command(module):
    "`python -m` with the package or its door does what `sonla-eval` does, exit codes and all."
    def said(*words): return (done := subprocess.run([sys.executable, "-m", module, *words], env=ENV, capture_output=True, text=True)).returncode, done.stdout, done.stderr
    assert (helped := said("--help"))[0] == 0 and helped[1].startswith("usage: sonla-eval ") and helped[2] == ""
    assert said("check", "nowhere") == (2, "", "sonla-eval: nowhere: no such folder\n")
    assert said("run", "--year", "20x2")[0] == 2 and said()[0] == 2


def test_a_connection_that_breaks_is_a_fault(monkeypatch, capsys):
    "Somebody still reads: a broken pipe to elsewhere is said."
    from sonla_eval import cli
    def broken(a): raise BrokenPipeError(32, "the store hung up")
    monkeypatch.setitem(cli.COMMANDS, "form", broken)
    assert cli.main(["form", "--year", "2022", "--unit", "116"]) == 2 and "the store hung up" in capsys.readouterr().err


def test_papermill_finds_the_engine_by_its_name(tmp_path):
    "`papermill --engine sonla` by hand, where the package is installed: a notebook that our engine ran keeps no kernel's marks, and its parameters arrive."
    if not any(e.name == "sonla" for e in entry_points(group="papermill.engine")): pytest.skip("the package is not installed here: papermill sees an engine's name only then")
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "no-such-kernel", "language": "python", "display_name": ""}, "language_info": {"name": "python"}})
    nb.cells = [nbformat.v4.new_code_cell("year: int = 1 # year", metadata={"tags": ["parameters"]}), nbformat.v4.new_code_cell("print(year)\nyear + 1")]
    nbformat.write(nb, tmp_path/"in.ipynb")
    words = [sys.executable, "-m", "papermill", "--engine", "sonla", str(tmp_path/"in.ipynb"), str(tmp_path/"out.ipynb"), "-p", "year", str(YEAR), "--no-progress-bar"]
    done = subprocess.run(words, env=ENV, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr # a kernel of that name would not be found
    outputs = nbformat.read(tmp_path/"out.ipynb", 4).cells[-1].outputs
    assert [o.get("text") or o.data["text/plain"] for o in outputs] == [f"{YEAR}\n", str(YEAR + 1)]
