"""The protocol: faults are told with file and line, a lock is a fingerprint made before the data, and the command refuses to pretend."""
import shutil

import pytest

from sonla_eval.methods import protocol as P
from sonla_eval.plan.datafile import PlanError


@pytest.fixture()
def home(tmp_path, root, monkeypatch):
    "A project of its own with the three protocols and no data."
    for part in ("settings.ini", "data/plan/schema", "data/indicators", "data/units", "data/protocol"):
        target = tmp_path/part
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (root/part).is_dir() else shutil.copyfile)(root/part, target)
    (tmp_path/"data"/"protocol"/P.LOCKS).unlink(missing_ok=True)
    monkeypatch.setenv("SONLA_EVAL_PROJECT", str(tmp_path))
    monkeypatch.delenv("SONLA_EVAL_CLEAN", raising=False)
    return tmp_path


def page(home, old, new, name="community"):
    path = home/"data"/"protocol"/f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("old, new, said", [
    ("role: primary", "role: main", "none of"),
    ("role: primary", "role: secondary", "exactly one outcome must be primary"),
    ("    relevant: 0.03\n", "", "needs a relevant effect"),
    ("    margin: 0.3\n", "", "needs a margin"),
    ("item: any_service_3m", "item: any_service", "no item"),
    ("numerator: [E2c]", "numerator: [E9]", "no item"),
    ("harm_required: [health_contacts]", "harm_required: [any_service]", "not one of the harm outcomes"),
    ("id: community", "id: comunity", "must be the file's name"),
    ("id: hiv_tested", "id: any_service", "stands twice"),
    ("level: 0.95", "level: 95", "greater than the maximum"),
    ("step: half", "steps: half", "unknown key"),
])
def test_a_fault_is_told_with_its_line(home, old, new, said):
    path = page(home, old, new)
    with pytest.raises(PlanError) as err: P.load(path)
    faults = (err.value, *err.value.more)
    hit = [f for f in faults if said in f.reason]
    assert hit and all(f.file == "data/protocol/community.yaml" and f.line > 0 and f.reason_vi for f in hit)


def test_two_protocols_of_one_model(home):
    page(home, "model: 2", "model: 1", "labour")
    with pytest.raises(PlanError, match="already has the protocol"): P.protocols()


def test_lock_then_change(home, capsys):
    assert P.main(["lock", "--year", "2031"]) == 0 and P.main(["check", "--year", "2031"]) == 0
    one = P.protocols()[1]
    assert P.standing(one, 2031).before and P.standing(one, 2032).id == "not_locked"
    with pytest.raises(ValueError, match="already locked"): P.main(["lock", "community", "--year", "2031"])
    page(home, "relevant: 0.03", "relevant: 0.02")
    assert P.main(["check", "--year", "2031"]) == 1 and P.standing(P.protocols()[1], 2031).id == "changed"
    assert P.main(["lock", "community", "--year", "2031"]) == 0 and P.standing(P.protocols()[1], 2031).before
    assert len([k for k in P.locks() if k.id == "community"]) == 2


def test_no_lock_after_the_data(home):
    work = home/"reports"/"packets"/"2031"/"data"
    work.mkdir(parents=True)
    (work/"results.parquet").write_bytes(b"")
    with pytest.raises(PermissionError, match="--after-the-fact"): P.main(["lock", "--year", "2031"])
    assert not P.locks()
    assert P.main(["lock", "--year", "2031", "--after-the-fact"]) == 0
    stand = P.standing(P.protocols()[1], 2031)
    assert stand.id == "after_the_fact" and not stand.before and "after" in stand.en and P.main(["check", "--year", "2031"]) == 1


def test_a_new_page_is_in_order(home, capsys):
    assert P.main(["new", "shelter", "--model", "4"]) == 0
    assert P.protocols()[4].id == "shelter"
    for words in (["new", "shelter", "--model", "5"], ["new", "other", "--model", "4"], ["lock", "nobody", "--year", "2031"]):
        with pytest.raises(ValueError): P.main(words)


def test_a_wrong_page_ends_the_command_with_2(home, capsys):
    page(home, "role: primary", "role: main")
    assert P.main(["check", "--year", "2031"]) == 2 and "community.yaml" in capsys.readouterr().err


def test_the_claims_are_kept(root):
    from sonla_eval.methods.truths import WORLDS, as_markdown, broken, rates, worlds_of
    table, page = rates(), (root/"docs"/"reference.md").read_text(encoding="utf-8")
    assert set(table["protocol"] + "." + table["world"]) == set(WORLDS) and (table["runs"] >= 200).all()
    for p in P.protocols().values():
        mine = rates(protocol=p.id)
        assert set(p["rates"]["worlds"]) == set(mine["world"]) and broken(p["rates"]["worlds"], mine) == []
        assert as_markdown(mine) in page, f"docs/reference.md shows older rates of {p.id}"
        assert set(worlds_of(p.id)) == set(mine["world"])
        for text in (p["rates"]["vi"], p["rates"]["en"], *(x for w in worlds_of(p.id).values() for x in (w.vi, w.en))): assert "_" not in text, "a name for files in a reader's sentence"
    assert (table.loc[table["world"].isin(["no_effect", "pretrend", "late_trend"]), "continue"] <= 0.05).all()
    assert table.set_index(["protocol", "world"]).loc[("community", "builds_up"), "continue"] >= 0.8


def test_intervals_hold_as_stated():
    "Share of runs whose interval holds the truth, within two Monte Carlo errors of the level that it states, above as well as below."
    from sonla_eval.methods.truths import rates
    for r in rates().dropna(subset=["coverage"]).itertuples():
        error = (r.level*(1 - r.level)/r.runs)**0.5
        assert abs(r.coverage - r.level) <= 2*error + 1e-9, f"{r.protocol}.{r.world}: {r.coverage} at the level {r.level}"


def test_a_claim_that_is_not_kept_is_found():
    from sonla_eval.methods.truths import broken, rates
    table = rates(protocol="labour")
    assert broken({"harm": {"right": 0.5}}, table) == [] and broken({"builds_up": {"right": 0.5, "coverage": 0.999}}, table)
    assert broken({"no_effect": {"right": 0.5}}, table.assign(right=0.4)) and broken({"one_site": {"right": 0.5}}, table) == ["one_site: not measured"]


def test_the_projects_own_locks_are_unbroken():
    for p in P.protocols().values(): assert P.standing(p, 2022).id == "after_the_fact", f"{p.id} changed after it was locked: lock it again"
