"""Each further way by which a hidden number could go out, left open on purpose: the attack must see it. And the attack shares no code with what it attacks."""
import ast
import json

import openpyxl
import pandas as pd
import pytest

from conftest import ROOT
from sonla_eval.plan.units import unit_name
from sonla_eval.protect.attack import attack
from sonla_eval.protect.suppress import public_table
from sonla_eval.publish.workbook import marked, write_table
from test_protect_attack import edition, pair # noqa: F401


def imports(module, seen=None):
    "Modules of the package that a module imports, at first or second hand."
    seen = set() if seen is None else seen
    tree = ast.parse((ROOT/"sonla_eval"/f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    here = module.split(".")
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom): continue
        base = here[:len(here) - node.level] if node.level else []
        name = ".".join([*base, *(node.module or "").split(".")]).removeprefix("sonla_eval.").strip(".")
        for found in (name, *(f"{name}.{a.name}".strip(".") for a in node.names)):
            if found not in seen and (ROOT/"sonla_eval"/f"{found.replace('.', '/')}.py").is_file():
                seen.add(found)
                imports(found, seen)
    return seen


def test_attack_and_suppressor_share_no_code():
    attacker, defender = ({m for m in imports(f"protect.{name}") if m.startswith("protect.")} for name in ("attack", "suppress"))
    assert attacker == {"protect.published"} and {"protect.linked", "protect.choose"} <= defender and not attacker & defender and "protect.attack" not in defender


def hidden_row(before, after, measure="item:C1"):
    k = after.index[(after["measure"] == measure) & (after["mask"] == "primary") & (after["period"] == "2022")][0]
    return before.loc[k], unit_name(before.loc[k, "unit"], "to2024", "en")


def put(folder, text, lang="en"):
    "Adds something to the figure of item C1 on a page."
    path = folder/f"province_{lang}.html"
    html = path.read_text(encoding="utf-8")
    assert '<figure id="c1">' in html
    path.write_text(html.replace('<figure id="c1">', f'<figure id="c1">{text}', 1), encoding="utf-8")


@pytest.mark.parametrize("form", ['<p>{unit}: {n} cases were found.</p>', '<p>There, {unit} had {n}.</p>', '<span title="{unit}: {n}"></span>', '<span aria-label="{unit}: {n}"></span>', '<div data-tip="{unit}: {n}"></div>',
                                  '<img alt="{unit} {n}">', '<!-- {unit}: {n} -->', '<svg><desc>{unit}: {n}</desc></svg>', '<svg><text>{unit}: {n}</text></svg>', '<svg><g><title>{unit}: {n}</title></g></svg>',
                                  '<script type="application/json">[{{"unit": "{unit}", "about": "{unit}: {n}"}}]</script>'])
def test_a_number_left_in_words_is_found(pair, tmp_path, form): # noqa: F811
    row, name = hidden_row(*pair)
    folder = edition(tmp_path/"public", *pair)
    put(folder, form.format(unit=name, n=f"{row['value']:.0f}"))
    report = attack(folder)
    assert row["value"] in [leak.value for leak in report.leaks] and not report.safe


def files(folder, table):
    "The tables as the site publishes them: CSV and workbook."
    for old in (folder/"tables").glob("results*"): old.unlink()
    write_table(marked(table), folder/"tables"/"results.csv")


def test_the_published_files_hold(pair, tmp_path): # noqa: F811
    folder = edition(tmp_path/"public", *pair)
    plain = attack(folder)
    files(folder, public_table(pair[1]))
    report = attack(folder)
    assert report.safe and report.suppressed == plain.suppressed


@pytest.mark.parametrize("how", ["workbook", "json", "beside the mark", "csv in the other file"])
def test_a_file_of_results_left_is_found(pair, tmp_path, how): # noqa: F811
    before, after = pair
    folder, safe = edition(tmp_path/"public", before, after), public_table(after)
    files(folder, safe)
    row, _ = hidden_row(before, after)
    k = safe.index[safe["id"] == row["id"]][0]
    bare = safe.copy()
    bare.loc[k, ["numerator", "value", "mask"]] = [row["value"], row["value"], ""]
    if how == "workbook":
        wb = openpyxl.load_workbook(folder/"tables"/"results.xlsx")
        ws, heads = wb["data"], [c.value for c in wb["data"][2]]
        line = next(r for r in ws.iter_rows(min_row=3) if r[0].value == row["id"])
        for c, x in (("numerator", row["value"]), ("value", row["value"]), ("mask", None)): line[heads.index(c)].value = x
        wb.save(folder/"tables"/"results.xlsx")
    elif how == "json": (folder/"tables"/"results.json").write_text(json.dumps(json.loads(bare.to_json(orient="records"))))
    elif how == "beside the mark": write_table(safe.assign(value=bare["value"]), folder/"tables"/"results.csv")
    else: write_table(bare[bare["unit"] == row["unit"]], folder/"tables"/"results-more.csv")
    report = attack(folder)
    assert not report.safe and row["value"] in [leak.value for leak in report.leaks if leak.cell == row["id"]]


def test_a_remark_in_a_workbook_is_read(pair, tmp_path): # noqa: F811
    from openpyxl.comments import Comment
    from sonla_eval.protect.published import read_folder
    wb = openpyxl.Workbook()
    wb.active["A1"] = "x"
    wb.active["A1"].comment = Comment("Mường La: 3 < 5", "")
    wb.create_sheet("hidden").sheet_state = "veryHidden"
    for line in (["district", "n"], ["Mường La", 3]): wb["hidden"].append(line)
    wb.save(tmp_path/"t.xlsx")
    seen = read_folder(tmp_path)
    assert any("Mường La: 3 < 5" in t.text for t in seen.texts) and any(c.value == 3 for t in seen.tables for row in t.cells for c in row)


def test_the_reports_file_holds_no_hidden_number(pair, tmp_path): # noqa: F811
    before, after = pair
    told = attack(edition(tmp_path/"public", before, after)).summary()
    assert told["safe"] and told["recovered"] == 0 and told["suppressed"] > 10 and told["narrowest_interval"] >= 3
    assert not any(isinstance(v, (list, dict, pd.DataFrame)) for v in told.values())
