"""Only what changed: one corrected cell makes again what reads it, everything else is kept, and the outcome is that of a whole run, byte for byte."""
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from conftest import ROOT, SMALL, YEAR, correct, small_settings, unattacked

KEYS = [f"{e}/vi/{n}" for e in ("internal", "public") for n in SMALL]
WORKBOOK = f"118_bao-cao-{YEAR}.xlsx"


@pytest.fixture(autouse=True)
def quick():
    with unattacked(): yield


def contents(folder): return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith(".")}


def copy_of(folder, target): return shutil.copytree(folder, target, symlinks=True)


def test_only_what_reads_the_cell_is_made(small, corrected):
    base, done = corrected
    assert done.files == (f"{YEAR}/{WORKBOOK} changed",)
    assert set(done.made) == {f"{e}/vi/{n}" for e in ("internal", "public") for n in ("district-118", "quality")} and set(done.kept) == set(KEYS) - set(done.made)
    why = {v.key: v for v in done.verdicts}
    assert "item:B1a 118" in why["public/vi/district-118"].why and why["public/vi/district-118"].holds, "cells that don't read the number are not run again"
    assert why["public/vi/district-121"].why == "nothing that it reads changed"
    before, after = (contents(f/"site"/str(YEAR)) for f in (small, base))
    assert {k for k in before if k.endswith(".html") and before[k] != after[k]} <= {f"{k}.html" for k in done.made}
    assert before["public/vi/district-118.html"] != after["public/vi/district-118.html"]


def test_partial_equals_whole(corrected, tmp_path):
    "The workbooks as corrected, run from nothing in another folder, with one worker: the same bytes everywhere."
    from dataclasses import replace
    from sonla_eval.publish.run import run
    base, _ = corrected
    copy_of(base/"raw", tmp_path/"raw")
    done = run(replace(small_settings(tmp_path), workers=1), SMALL, progress=False)
    assert done.failed == () and len(done.made) == len(KEYS)
    for part in (f"site/{YEAR}", f"packets/{YEAR}/reports", f"packets/{YEAR}/data"):
        whole, partial = contents(tmp_path/part), contents(base/part)
        assert whole.keys() == partial.keys()
        assert [k for k in whole if whole[k] != partial[k]] == [], part


def test_nothing_changed_needs_no_pandas(small):
    code = ("import sys; from sonla_eval.publish.run import run; from conftest import small_settings, SMALL; from pathlib import Path;"
            f"r = run(small_settings(Path({str(small)!r})), SMALL, progress=False); assert r.current and len(r.kept) == {len(KEYS)};"
            "heavy = {'pandas', 'numpy', 'matplotlib', 'IPython', 'papermill', 'openpyxl'} & set(sys.modules); assert not heavy, heavy")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT/"tests", env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT/'tests'}"})


def test_same_numbers_in_a_file_saved_again(small, tmp_path):
    "Other bytes, the same cells: everything is read, and every report is kept."
    from sonla_eval.publish.run import run
    base = copy_of(small, tmp_path/"x")
    path = base/"raw"/str(YEAR)/WORKBOOK
    with zipfile.ZipFile(path) as old: parts = [(i.filename, old.read(i.filename)) for i in old.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for name, data in parts: new.writestr(name, data)
    done = run(small_settings(base), SMALL, progress=False)
    assert done.made == () and set(done.kept) == set(KEYS) and not done.current
    assert run(small_settings(base), SMALL, progress=False).current


def test_one_language_asked_leaves_the_other(small, tmp_path):
    "A page names the other language's page whatever was asked for, so asking for one language makes no page of the other stale; the link to a page that isn't made is told."
    from dataclasses import replace
    from sonla_eval.publish.run import run
    base = copy_of(small, tmp_path/"x")
    s = replace(small_settings(base), langs=("vi", "en"))
    run(s, ("quality",), progress=False)
    before = contents(base/"site"/str(YEAR))
    done = run(s, ("district-121",), progress=False, langs=("vi",))
    after = contents(base/"site"/str(YEAR))
    assert set(done.made) == {f"{e}/vi/district-121" for e in s.editions} and done.failed == ()
    assert all(f"{e}/{l}/quality.html" in before and after[f"{e}/{l}/quality.html"] == before[f"{e}/{l}/quality.html"] for e in s.editions for l in s.langs)
    assert done.nowhere == tuple((f"{e}/vi/district-121", f"{e}/en/district-121") for e in s.editions)
    assert "en/district-121</p>" in (base/"site"/"index.html").read_text(encoding="utf-8")
    assert run(s, ("district-121",), progress=False, langs=("vi",)).current
    done = run(s, ("district-121",), progress=False)
    assert done.nowhere == () and set(done.made) == {f"{e}/en/district-121" for e in s.editions} and "that were not made" not in (base/"site"/"index.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="the site is made in vi, not in en; langs in settings.ini says so"): run(small_settings(base), SMALL, progress=False, langs=("en",))


def test_dry_run_says_it_and_does_nothing(small, corrected, tmp_path):
    base = copy_of(small, tmp_path/"x")
    correct(base/"raw"/str(YEAR)/WORKBOOK, "B Kiểm tra", {"N5": 7, "P5": 28})
    before = {part: contents(base/part) for part in ("site", f"packets/{YEAR}/reports", f"packets/{YEAR}/data")}
    words = [sys.executable, "-m", "sonla_eval", "run", "--dry-run", "--lang", "vi", "--data", str(base/"raw"), *(w for n in SMALL for w in ("--only", n))]
    settings = (ROOT/"settings.ini").read_text(encoding="utf-8").replace("langs = vi, en", "langs = vi").replace("reports/site", str(base/"site")).replace("reports/packets", str(base/"packets"))
    project = tmp_path/"project"
    project.mkdir()
    for part in ("data", "nbs"): (project/part).symlink_to(ROOT/part)
    (project/"settings.ini").write_text(settings, encoding="utf-8")
    told = subprocess.run(words, check=True, cwd=project, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT), "SONLA_EVAL_PROJECT": str(project)}).stdout
    assert f"{YEAR}/{WORKBOOK} changed" in told and "4 of 6 reports would be made" in told
    lines = {l.split()[1]: l.split()[0] for l in told.splitlines() if l.startswith(("make", "keep"))}
    assert {k for k, what in lines.items() if what == "make"} == set(corrected[1].made)
    assert all(contents(base/part) == held for part, held in before.items())


@pytest.mark.parametrize("what", ["notebook", "page", "trace", "site"])
def test_a_spoiled_file_is_made_again(small, tmp_path, what):
    from sonla_eval.publish.run import run
    from sonla_eval.publish.why import place
    base, key = copy_of(small, tmp_path/"x"), "public/vi/district-121"
    good = contents(base/"site"/str(YEAR))
    path = base/"site"/str(YEAR)/f"{key}.html" if what == "site" else place(base/"packets"/str(YEAR)/"reports", key, what)
    path.write_bytes(path.read_bytes()[:-40] + b" "*40)
    if what != "site": (base/"site"/str(YEAR)/"public"/"manifest.json").unlink() # else nothing would have to be published
    done = run(small_settings(base), SMALL, progress=False)
    assert done.made == (() if what == "site" else (key,)) and done.failed == ()
    assert contents(base/"site"/str(YEAR)) == good


def test_papermills_own_engine_gives_the_same(small):
    "The portable fallback, a kernel for the whole notebook, cell by cell."
    from sonla_eval.publish.engine import execute
    work = str(small/"packets"/str(YEAR)/"data")
    for template, more in (("province", {"edition": "public"}), ("district", {"unit": "118", "edition": "internal"})):
        given = {"year": YEAR, "lang": "vi", "work": work, **more}
        ours, theirs = (execute(ROOT/"nbs"/"reports"/f"{template}.ipynb", given, ROOT, engine=e) for e in ("sonla", "nbclient"))
        assert len(ours.cells) == len(theirs.cells)
        for k, (a, b) in enumerate(zip(ours.cells, theirs.cells)):
            assert (a.cell_type, a.source, a.get("execution_count")) == (b.cell_type, b.source, b.get("execution_count")), k
            assert json.dumps(a.get("outputs"), sort_keys=True) == json.dumps(b.get("outputs"), sort_keys=True), f"{template}: cell {k}"


def test_what_both_editions_show_alike_need_not_be_drawn_to_be_compared(small, tmp_path, monkeypatch):
    "Each figure drawn again from the public book gives the same page and the same list of differences as the answers alone."
    from sonla_eval.publish import run as R, site
    from sonla_eval.publish.reads import Watch
    from sonla_eval.publish.why import place, read_trace
    s, work = small_settings(small), small/"packets"/str(YEAR)/"data"
    alike = []
    monkeypatch.setattr(Watch, "_public_too", lambda self, found=Watch._public_too: alike.append(found(self)) or False)
    for r in site.reports(YEAR, ("vi",), ("internal",), ("district-118", "quality")):
        basis = R.basis_of(s, r, True, R.code_of("publish"))
        R.make_page(R.Task(r, YEAR, str(small/"raw"), str(work), "0"*16, True, s.langs, str(tmp_path), str(tmp_path), str(tmp_path/"failed"), basis))
        drawn, answered = ({k: c["drawn"] for k, c in read_trace(folder, r.key)["cells"].items()} for folder in (tmp_path, small/"packets"/str(YEAR)/"reports"))
        assert drawn == answered and any(drawn.values())
        assert place(tmp_path, r.key, "page").read_bytes() == place(small/"packets"/str(YEAR)/"reports", r.key, "page").read_bytes()
    assert alike.count(True) >= 10 and alike.count(False) >= 3
