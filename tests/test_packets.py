"""Packets: what is archived, what it is named by, that it comes out the same elsewhere, and what is said when it doesn't."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from conftest import ROOT, YEAR
from sonla_eval.publish import packet as P
from sonla_eval.publish import verify as V
from sonla_eval.publish.site import reports


@pytest.fixture(scope="session")
def archive(built) -> P.Archive:
    return P.archive_of(built[0])


def of(archive, built, key) -> dict:
    edition, lang, name = key.split("/")
    m = json.loads((built[2]/edition/"manifest.json").read_text(encoding="utf-8"))
    return P.read_packet(archive, m["packets"][f"{lang}/{name}.html"])


def test_every_published_page_has_its_packet(archive, built):
    schema = json.loads((ROOT/"sonla_eval"/"assets"/"packet.schema.json").read_text(encoding="utf-8"))
    seen = set()
    for edition in ("internal", "public"):
        m = json.loads((built[2]/edition/"manifest.json").read_text(encoding="utf-8"))
        assert set(m["packets"]) == {n for n in m["outputs"] if n.endswith(".html")}
        for name, key in m["packets"].items():
            p = P.read_packet(archive, key)
            jsonschema.validate(p, schema)
            assert V.spoiled(archive, p) == []
            assert p["outputs"]["page.html"]["sha256"] == m["outputs"][name]["sha256"]
            seen.add(key)
    assert len(seen) == len(reports(YEAR))
    rows = P.listing(archive, Path(built[0].packets)/"failed", built[2].parent)
    assert {r["id"] for r in rows if r["state"] == "published"} == seen and not [r for r in rows if r["state"] == "failed"]


def test_a_run_is_the_list_of_what_stood_published(archive, built):
    runs = [json.loads(p.read_text()) for p in (archive.folder/"runs").glob("*.json")]
    jsonschema.validate(runs[0]["id"], {"pattern": "^[0-9a-f]{64}$"})
    assert len(runs) == 1 and len(runs[0]["packets"]) == len(reports(YEAR)) and P.read_run(archive, runs[0]["id"][:8]) == runs[0]


def test_the_archive_is_closed_to_others_and_names_no_folder(archive, built):
    assert stat.S_IMODE(archive.folder.stat().st_mode) == 0o700
    p = of(archive, built, "internal/vi/province")
    folder = archive.packet(p["id"])
    for text in ((folder/"packet.json").read_text(encoding="utf-8"), (folder/"report.ipynb").read_text(encoding="utf-8")):
        assert str(ROOT) not in text and str(Path(built[0].site).parent) not in text and str(Path.home()) + "/" not in text
    assert not any("archive" in n or n.startswith("/") for n in [*p["inputs"], *p["definitions"], *p["source"]])


def test_everything_it_lists_is_kept_once(archive, built):
    p = of(archive, built, "public/en/district-119")
    listed = {**p["source"], **p["definitions"], **p["inputs"], **p["prepared"]}
    assert {"sonla_eval/publish/packet.py", f"data/plan/{YEAR}.yaml", "nbs/reports/district.ipynb", f"{YEAR}/119_bao-cao-{YEAR}.xlsx", "results-public.parquet"} <= set(listed)
    assert all(archive.store.path(k).is_file() for k in listed.values())
    blobs = [f for f in (archive.folder/"store").rglob("*") if f.is_file()]
    assert all(f.name == P.sha256(f) for f in blobs)
    assert P._size(archive.folder) < 45_000_000, "a year's archive stays small"


@pytest.mark.parametrize("kind,name", [("source", "sonla_eval/cli.py"), ("definitions", f"data/plan/{YEAR}.yaml"), ("definitions", "nbs/reports/district.ipynb"), ("inputs", f"{YEAR}/119_bao-cao-{YEAR}.xlsx")])
def test_one_changed_byte_gives_another_id(archive, built, kind, name):
    p = of(archive, built, "public/en/district-119")
    assert P.identity(p) == p["id"] and name in p[kind]
    assert P.identity(p | {kind: p[kind] | {name: "0"*64}}) != p["id"]


def test_other_parameters_or_packages_give_another_id(archive, built):
    p = of(archive, built, "public/en/district-119")
    assert P.identity(p | {"parameters": p["parameters"] | {"threshold": 6}}) != p["id"]
    assert P.identity(p | {"lock": p["lock"] | {"versions": p["lock"]["versions"] | {"pandas": "9"}}}) != p["id"]
    assert P.identity(p | {"prepared": {}, "counts": {}}) == p["id"], "what came out is not part of the id"


def test_an_edited_packet_is_refused(archive, built, tmp_path):
    p = of(archive, built, "public/en/district-119")
    with pytest.raises(ValueError, match="doesn't belong"): P.check_packet(p | {"year": 2022, "inputs": {}})
    with pytest.raises(ValueError, match="format"): P.check_packet(p | {"format": 9})
    outside = p | {"inputs": p["inputs"] | {"../../outside.xlsx": "0"*64}}
    with pytest.raises(ValueError, match="inputs"): P.check_packet(outside | {"id": P.identity(outside)})
    for part in ("source", "definitions", "inputs", "prepared"): # a list that was right once is no pass for another
        for wrong in ({"a.py": "short"}, {"/etc/a.py": "0"*64}, {"a.py": 1}, {"a.py": ["0"*64]}, ["a.py"], None):
            with pytest.raises(ValueError, match=part): P.check_packet(p | {part: wrong})


def test_comes_out_the_same_elsewhere(archive, built):
    """A second checkout of the package in another folder, another interpreter, hash seed, time zone, language,
    two threads of linear algebra, one worker instead of two, no SOURCE_DATE_EPOCH: the same bytes and the same ids."""
    packets = [of(archive, built, k) for k in ("internal/vi/province", "internal/en/district-119")]
    verdicts = V.verify(archive, packets, V.How(workers=1, threads=2, hash_seed=1234, its_code=True))
    assert [(v.differ, v.same_id) for v in verdicts] == [((), True)]*2, "\n".join(v.text() for v in verdicts)


def test_made_again_in_the_same_process(built, archive, tmp_path, example):
    "A repetition within one process: nothing of the first is left behind that moves a byte of the second."
    from sonla_eval.publish.engine import execute, forked
    from sonla_eval.publish.run import without_folders
    import nbformat
    given = {"year": YEAR, "unit": "119", "lang": "vi", "edition": "internal", "data": str(example), "work": str(Path(built[0].packets)/str(YEAR)/"data")}
    def twice(_): return [nbformat.writes(without_folders(execute(ROOT/"nbs"/"reports"/"district.ipynb", given, cwd=ROOT))) for _ in range(2)]
    out = next(iter(forked(twice, {"twice": None})))
    assert out.ok, out.value
    kept = (archive.packet(of(archive, built, "internal/vi/district-119")["id"])/"report.ipynb").read_text(encoding="utf-8")
    assert out.value[0] == out.value[1] == kept


def other_plan(archive, m: dict) -> dict:
    "The packet as it would stand if its plan had asked for less: other definitions, the old page."
    key = m["definitions"][f"data/plan/{YEAR}.yaml"]
    plan = yaml.safe_load(archive.store.path(key).read_text(encoding="utf-8"))
    plan["commitments"]["C5"]["target"]["value"] = 0.5
    file = archive.folder/"plan.yaml"
    file.write_text(yaml.safe_dump(plan, allow_unicode=True, sort_keys=False), encoding="utf-8")
    changed = m | {"definitions": m["definitions"] | {f"data/plan/{YEAR}.yaml": archive.store.put(file)}}
    changed["id"] = P.identity(changed)
    folder = archive.packet(m["id"])
    P.write_packet(archive, changed, folder/"report.ipynb", folder/"page.html")
    file.unlink()
    return changed


def test_says_what_differs_and_by_how_much(archive, built):
    m = other_plan(archive, of(archive, built, "internal/vi/province"))
    try:
        v = V.verify(archive, [m])[0]
        assert set(v.differ) == {"page.html", "report.ipynb", "results.parquet"} and v.code == ()
        text = v.text(1000)
        assert re.search(r"C5:C5\|\d{2,3}\|2022\| status: \w+ -> \w+", text)
        assert "cell " in text and "its output differs, figures " in text and "figure " in text
    finally: shutil.rmtree(archive.packet(m["id"]))


def test_other_code_is_said_first(archive, built):
    m = of(archive, built, "internal/vi/district-119")
    then = m | {"source": m["source"] | {"sonla_eval/cli.py": "0"*64}, "lock": m["lock"] | {"versions": m["lock"]["versions"] | {"pandas": "1.0"}}}
    said = V.other_code(then, P.package_source(), P.lock_of(ROOT))
    assert said[0].startswith("made by other code: 1 file of the package differs (sonla_eval/cli.py)") and "pandas 1.0 -> " in said[1]
    assert V.other_code(m, P.package_source(), P.lock_of(ROOT)) == []


def copied(archive, built, tmp_path, key="internal/vi/district-119") -> tuple:
    "An archive of one packet that a test may spoil; what is in the store is copied, not linked."
    m, a = of(archive, built, key), P.Archive(tmp_path/"archive")
    shutil.copytree(archive.packet(m["id"]), a.packet(m["id"]))
    shutil.copytree(archive.folder/"store", a.folder/"store")
    return m, a


def test_a_spoiled_archive_is_not_taken_for_a_difference(archive, built, tmp_path):
    m, a = copied(archive, built, tmp_path)
    book = a.store.path(m["inputs"][f"{YEAR}/119_bao-cao-{YEAR}.xlsx"])
    book.write_bytes(book.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="was changed"): V.verify(a, [m])
    book.unlink()
    with pytest.raises(FileNotFoundError, match="not in the archive"): V.verify(a, [m])
    (a.packet(m["id"])/"page.html").write_text("another page")
    with pytest.raises(V.CannotVerify, match="page.html in the archive is not what was archived"): V.verify(a, [m])


def test_exit_codes_of_the_command(archive, built, tmp_path):
    from sonla_eval.cli import main
    m, a = copied(archive, built, tmp_path)
    (a.packet(m["id"])/"page.html").write_text("another page")
    assert main(["verify", m["id"][:10], "--archive", str(a.folder)]) == 2
    assert main(["verify", "feedfeed", "--archive", str(a.folder)]) == 2
    assert main(["verify", str(tmp_path/"nowhere"), "--archive", str(a.folder)]) == 2


def test_an_edited_page_on_the_site_shows(archive, built, tmp_path):
    shutil.copytree(built[2]/"public", tmp_path/str(YEAR)/"public")
    folder = tmp_path/str(YEAR)/"public"
    page = folder/"vi"/"quality.html"
    page.write_text(page.read_text(encoding="utf-8").replace("2022", "2023", 1), encoding="utf-8")
    packets, wrong = V.altered(archive, folder)
    assert wrong == ["vi/quality.html: not the file that was published"] and len(packets) == len(reports(YEAR, editions=("public",)))
    assert V.editions_at(tmp_path, YEAR) == [folder]
    with pytest.raises(FileNotFoundError): V.editions_at(tmp_path, 1999)


def test_a_failed_report_is_kept_apart_with_its_cell(built, tmp_path, example):
    from dataclasses import replace
    from sonla_eval.publish.run import run
    from sonla_eval.publish.site import Report
    from sonla_eval.publish import run as R
    s = replace(built[0], packets=str(tmp_path/"packets"))
    r = Report("district-999", "district", "999", "vi", "internal")
    target = P.failed_folder(s, YEAR, r.key)
    fields = dict(report=r, year=YEAR, data=str(example), work=str(Path(built[0].packets)/str(YEAR)/"data"), key="0"*16, synthetic=True, langs=("vi",), packets=str(tmp_path/"reports"), pages=str(tmp_path/"pages"), failed=str(target), basis=R.basis_of(s, r, True, "0"*64))
    task = R.Task(**fields)
    from sonla_eval.publish.engine import forked
    out = next(iter(forked(R.make_page, {r.key: task})))
    assert not out.ok and "unit" in str(out.value)
    told = json.loads((target/"failed.json").read_text(encoding="utf-8"))
    assert (target/"report.ipynb").is_file() and "999" in told["error"], "what there is of it is kept"
    assert told["line"].startswith("book = open_report") and isinstance(told["cell"], int) and str(ROOT) not in told["error"]
    row = P.listing(P.Archive(tmp_path/"packets"/"archive"), tmp_path/"packets"/"failed", built[2].parent)[0]
    assert (row["state"], row["cell"], row["report"]) == ("failed", told["cell"], "district-999")
    assert not (tmp_path/"packets"/"archive").exists() and not (tmp_path/"pages").exists()


def test_pruning_keeps_what_is_published(archive, built, tmp_path):
    m, a = copied(archive, built, tmp_path)
    for n in range(3):
        content = m | {"parameters": m["parameters"] | {"seed": n + 1}}
        content["id"] = P.identity(content)
        P.write_packet(a, content, a.packet(m["id"])/"report.ipynb", a.packet(m["id"])/"page.html")
        os.utime(a.packet(content["id"])/"packet.json", (n, n))
    extra = a.store.put(Path(__file__))
    gone, freed = P.prune(a, tmp_path/"failed", built[2].parent, 1)
    assert gone == 2 and freed > 300_000
    assert a.packet(m["id"]).is_dir() and a.packet(content["id"]).is_dir(), "the published one and the newest older one stay"
    assert not a.store.path(extra).exists()
    with pytest.raises(ValueError): P.prune(a, tmp_path/"failed", built[2].parent, -1)
    assert V.spoiled(a, m) == []


def test_the_list_needs_no_pandas():
    code = "import sys; from sonla_eval.publish import packet, verify; packet.main(['--json']); assert not {'pandas', 'numpy', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True)
