"""The attack against public editions that hold and against editions weakened on purpose: it must see each weakness."""
import base64
import io
import json

import numpy as np
import pandas as pd
import pytest

import protect_year as year
from sonla_eval.plan.units import unit_name
from sonla_eval.protect.attack import attack
from sonla_eval.protect.suppress import protect, public_table

FAMILY = ["item:C1", "item:C3a", "item:D2", "item:E0", "item:E0s", "item:E5", "item:A8b", "C3"]
TITLES = {"item:C1": ("Số vụ", "Cases"), "item:E5": ("Số người hưởng lợi", "Persons helped"), "C3": ("Được hỗ trợ khi có nhu cầu", "Supported when in need")}


@pytest.fixture(scope="module")
def pair():
    before = year.results(seed=6, scale=4.0, communes=False)
    before = before[before["measure"].isin(FAMILY) & (before["period"].eq("2022") | before["measure"].eq("item:C1"))].reset_index(drop=True)
    after = protect(before, "public")
    assert {"primary", "complementary"} <= set(after["mask"])
    return before, after


def number(x, lang, share=False):
    text = f"{100*x:,.1f}%" if share else f"{x:,.0f}"
    return text.translate(str.maketrans(",.", ".,")) if lang == "vi" else text


def grid(before, after, measure, lang, leave=False):
    "Rows of a page's table: unit, number (or the mark)."
    share = measure == "C3"
    rows = [["Đơn vị" if lang == "vi" else "Unit", TITLES[measure][lang == "en"]]]
    for (_, b), (_, a) in zip(before.iterrows(), after.iterrows()):
        if b["measure"] != measure or b["period"] != "2022" or (a["mask"] == "withheld" and not leave): continue
        name = ("Toàn tỉnh" if lang == "vi" else "Whole province") if b["unit"] == "14" else unit_name(b["unit"], "to2024", lang)
        rows.append([name, "‹5" if a["mask"] and not leave else number(b["value"], lang, share)])
    return rows


def figure(before, after, measure, lang, leave=()):
    "A figure with a drawing, a description, a table, a CSV, as the pages carry them. `leave`: parts that show the true numbers."
    rows = {part: grid(before, after, measure, lang, part in leave) for part in ("table", "csv", "alt", "hover", "json")}
    cell = lambda c: f'<span class="masked">{c}</span>' if c == "‹5" else c
    body = "".join("<tr>" + "".join(f"<td>{cell(c)}</td>" for c in r) + "</tr>" for r in rows["table"])
    text = io.StringIO()
    pd.DataFrame([[r[0], r[1].replace(".", "").replace(",", ".") if lang == "vi" else r[1].replace(",", "")] for r in rows["csv"][1:]], columns=rows["csv"][0]).to_csv(text, index=False)
    uri = "data:text/csv;base64," + base64.b64encode(text.getvalue().encode()).decode()
    marks = "".join(f"<rect><title>{n}: {v}</title></rect>" for n, v in rows["hover"][1:])
    data = json.dumps([{rows["json"][0][0]: n, "n": v if v == "‹5" else float(v.strip("%").replace(".", "").replace(",", ".") if lang == "vi" else v.strip("%").replace(",", ""))} for n, v in rows["json"][1:]], ensure_ascii=False)
    about = "; ".join(f"{n}: {v}" for n, v in rows["alt"][1:])
    return (f'<figure id="{measure.removeprefix("item:").lower()}"><figcaption>{TITLES[measure][lang == "en"]}</figcaption><svg role="img"><title>{TITLES[measure][lang == "en"]}</title>'
            f'<desc>{about}</desc>{marks}</svg><details><table>{body}</table></details><a href="{uri}">CSV</a><script type="application/json">{data}</script></figure>')


def edition(folder, before, after, leave=None):
    "A public edition; `leave` names the parts that show the truth, by language."
    leave = leave or {}
    (folder/"tables").mkdir(parents=True)
    for lang in ("vi", "en"):
        body = "".join(figure(before, after, m, lang, leave.get(lang, ())) for m in TITLES)
        (folder/f"province_{lang}.html").write_text(f'<!doctype html><html lang="{lang}"><body>{body}</body></html>', encoding="utf-8")
    public_table(after).to_csv(folder/"tables"/"results.csv", index=False)
    (folder/"manifest.json").write_text(json.dumps({"edition": "public", "files": ["province_vi.html"], "counts": {"figures": 3}}))
    return folder


def test_a_sound_edition_holds(pair, tmp_path):
    report = attack(edition(tmp_path/"public", *pair))
    assert report.safe, (report.recovered, report.narrow, report.leaks, report.withheld_found, report.printed)
    assert report.suppressed >= 15 and report.narrowest >= 3 and report.files == 4 and report.tables >= 12
    assert "0 recovered" in report.sentence("en") and "0 con số bị lộ" in report.sentence("vi")


def test_primary_only_falls(pair, tmp_path):
    before, after = pair
    weak = after.copy()
    back = weak["mask"] == "complementary"
    weak.loc[back, before.columns] = before.loc[back]
    weak.loc[back, "mask"] = ""
    report = attack(edition(tmp_path/"public", before, weak))
    assert not report.safe and len(report.recovered) > 0
    truth = dict(zip(before["measure"] + "||" + before["unit"] + "|2022|", before["value"]))
    for _, row in report.recovered.iterrows():
        if row["where"] in truth: assert row["low"] == truth[row["where"]]


def test_one_cell_of_a_row_falls(tmp_path):
    before = pd.DataFrame([year.row("item:C1", u, "2022", x, num="C1", value_unit="cases", sensitive=True) for u, x in zip(("14", *year.DISTRICTS[:4]), (30.0, 3.0, 12.0, 8.0, 7.0))])
    naive = before.assign(mask=np.where(before["value"] < 5, "primary", ""))
    naive.loc[naive["mask"] != "", ["numerator", "value"]] = np.nan
    (tmp_path/"tables").mkdir()
    public_table(naive).to_csv(tmp_path/"tables"/"results.csv", index=False)
    report = attack(tmp_path)
    assert report.recovered[["low", "high"]].values.tolist() == [[3.0, 3.0]]


def test_percentages_left_fall(pair, tmp_path):
    before, after = pair
    weak = after.copy()
    share = (weak["measure"] == "C3") & (weak["mask"] != "") & before["value"].notna()
    assert share.any()
    weak.loc[share, "value"] = before.loc[share, "value"]
    folder = edition(tmp_path/"public", before, weak)
    table = public_table(weak)
    table.to_csv(folder/"tables"/"results.csv", index=False)
    assert not attack(folder).safe


@pytest.mark.parametrize("lang,part", [("en", "table"), ("vi", "table"), ("en", "alt"), ("vi", "hover"), ("en", "csv"), ("vi", "json")])
def test_one_channel_left_falls(pair, tmp_path, lang, part):
    report = attack(edition(tmp_path/"public", *pair, {lang: (part,)}))
    assert not report.safe and report.leaks
    assert all(leak.value >= 0 for leak in report.leaks)


def test_a_workbook_left_falls(pair, tmp_path):
    before, after = pair
    folder = edition(tmp_path/"public", before, after)
    rows = grid(before, after, "item:C1", "en", leave=True)
    pd.DataFrame(rows[1:], columns=rows[0]).to_excel(folder/"tables"/"c1.xlsx", index=False)
    assert any("c1.xlsx" in leak.found_in for leak in attack(folder).leaks)


def test_parts_of_wholes_are_read(tmp_path):
    "The same table prints 3/4 in one language and the mark in the other."
    for lang, first in (("vi", "che"), ("en", "3/4 (75 %)")):
        rows = "".join(f"<tr><td>{unit_name(u, 'to2024', lang)}</td><td>{x}</td></tr>" for u, x in (("120", first), ("116", "18/20"), ("118", "30/31")))
        (tmp_path/f"{lang}.html").write_text(f'<html lang="{lang}"><figure id="c3"><table><tr><th>x</th><th>y</th></tr>{rows}</table></figure></html>', encoding="utf-8")
    assert {leak.value for leak in attack(tmp_path).leaks} >= {3.0, 4.0}


def test_an_earlier_edition_that_told_falls(pair, tmp_path):
    before, after = pair
    now, past = edition(tmp_path/"now", before, after), tmp_path/"past"/"tables"
    past.mkdir(parents=True)
    told = before.assign(mask="")
    hidden = after["mask"].isin(["primary", "complementary"])
    public_table(told[hidden | (told["unit"] == "14")]).to_csv(past/"results.csv", index=False)
    assert attack(now).safe
    assert not attack(now, past.parent).safe


def test_a_small_number_nobody_hid_is_named(pair, tmp_path):
    before, _ = pair
    report = attack(edition(tmp_path/"public", before, before.assign(mask="")))
    assert len(report.printed) > 5 and not report.safe


def test_months_of_one_district_are_found(tmp_path):
    "One district alone has cases in the year: the province's months are its months."
    rows = [year.row("item:C1", u, "2022", x, num="C1", value_unit="cases", sensitive=True) for u, x in zip(("14", *year.DISTRICTS[:3]), (6.0, 6.0, 0.0, 0.0))]
    rows += [year.row("item:C1", u, f"2022-{m:02d}", x if m in (3, 9) else 0.0, num="C1", value_unit="cases", sensitive=True) for m in range(1, 13) for u, x in zip(("14", *year.DISTRICTS[:3]), (3.0, 3.0, 0.0, 0.0))]
    before = pd.DataFrame(rows)
    naive = before.assign(mask=np.where((before["unit"] != "14") & before["period"].str.contains("-"), "withheld", ""))
    for name, table in (("naive", naive), ("sound", protect(before, "public"))):
        (tmp_path/name/"tables").mkdir(parents=True)
        public_table(table).to_csv(tmp_path/name/"tables"/"results.csv", index=False)
    assert len(attack(tmp_path/"naive").withheld_found) == 2
    assert attack(tmp_path/"sound").safe


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(FileNotFoundError): attack(tmp_path)
