"""Police figures and service figures of a place never meet: tried at each place where tables meet."""
import inspect
import json
import re
import sys

import pandas as pd
import pytest

import protect_year as year
from conftest import YEAR
from sonla_eval.plan.commitments import load_plan
from sonla_eval.present import district, editions, figures_people, figures_work, quality # noqa: F401
from sonla_eval.present.blocks import Html
from sonla_eval.present.book import Book
from sonla_eval.protect.apart import APART, DRAWN, by_stream, guard_outputs, results_apart, row_streams, shown_apart, tables_apart
from sonla_eval.protect.identity import StreamsMeet


@pytest.fixture(scope="module")
def results(): return year.results(communes=False).assign(mask="")


def test_a_years_results_are_apart(results):
    assert results_apart(results) is results
    stream = row_streams(results)
    assert set(stream) == {"", *APART} and stream[results["measure"] == "item:C1"].eq("enforcement").all() and stream[results["measure"] == "C3"].eq("services").all()


def test_a_joined_result_is_refused(results):
    joined = pd.DataFrame([year.row("odd", "118", "2022", 2, 9, "C1a", "E0")])
    with pytest.raises(StreamsMeet, match="odd"): results_apart(pd.concat([results, joined], ignore_index=True))
    assert len(results_apart(joined.assign(unit="14"))) == 1


def test_the_evaluation_refuses_it_too(tmp_path, monkeypatch):
    "The check stands in the yearly run itself, before anything is written."
    from sonla_eval.publish import quality_year
    from sonla_eval.publish.year import evaluate_year
    (tmp_path/"clean.json").write_text(json.dumps({"synthetic": True}))
    monkeypatch.setattr(quality_year, "evaluated", lambda *a: pd.DataFrame([year.row("odd", "118", "2022", 2, 9, "C1a", "E0")]))
    monkeypatch.setattr(quality_year, "read_tables", lambda work: {})
    with pytest.raises(StreamsMeet): evaluate_year(YEAR, tmp_path)
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.parametrize("name", ["Công an tỉnh", "danh sách xử lý vi phạm", "police list", "Offenders"])
def test_lists_of_persons_are_refused(name):
    service = pd.DataFrame({"list": ["phòng khám"]*2, "key": ["K1", "K2"]})
    with pytest.raises(StreamsMeet): tables_apart({"lists": pd.concat([service, pd.DataFrame({"list": [name], "key": ["K9"]})])})
    with pytest.raises(StreamsMeet): tables_apart({"lists": pd.DataFrame({"list": [name], "key": ["K1"]}), "cohort": pd.DataFrame({"person": ["K1"]})})
    both = {"lists": pd.concat([service, service.assign(list="tiếp cận cộng đồng")]), "cohort": pd.DataFrame({"person": ["K1"]})}
    assert tables_apart(both) is both


def test_files_hold_one_stream(results):
    for name, part in by_stream(results).items():
        below = part[part["unit"].str.len() > 2]
        assert set(row_streams(below)) == {name} and len(part)
    assert sum(map(len, by_stream(results).values())) == len(results)


def test_figures_are_watched(results):
    "A function that mixes them is stopped wherever it got its rows from; the package's own functions are all checked."
    book = Book(results, load_plan(YEAR), YEAR, lang="en")
    def mixed(book: Book): return Html(f"<p>{len(book.by_district('item:C1')) + len(book.by_district('item:E0'))}</p>")
    def police(book: Book): return Html(f"<p>{len(book.by_district('item:C1'))} {len(book.rows('item:E0', '14'))}</p>")
    with pytest.raises(StreamsMeet, match="mixed"): shown_apart(mixed)(book)
    assert shown_apart(police)(book)
    assert guard_outputs() > 40 and all(hasattr(f, "apart") for f in (figures_work.fig_cases, figures_people.fig_need, district.fig_status))
    assert DRAWN == []


def test_a_districts_statuses_are_two_figures(results):
    book = Book(results, load_plan(YEAR), YEAR, "118", "en")
    guard_outputs()
    one, other = district.fig_status(book), district.fig_status_enforcement(book)
    ids = lambda f: set(f.data.iloc[:, 0].astype(str).str.extract(r"([A-Z]\d+)")[0].dropna())
    assert ids(one) and ids(other) and not ids(one) & ids(other) and one.id != other.id


def test_functions_that_differ_by_edition_are_named():
    "Whoever makes a figure depend on the edition must say so at the end of the page."
    found = set()
    for name, module in list(sys.modules.items()):
        if not name.startswith("sonla_eval.present.") or name.endswith((".editions", ".closing")): continue
        for key, f in vars(module).items():
            if inspect.isfunction(f) and f.__module__ == name and 'book.edition == "public"' in inspect.getsource(inspect.unwrap(f)): found.add(key)
    assert found - {"statuses_without"} == editions.DETAIL # that one gives rows to figures that count what they leave out


def test_published_files_are_apart(built):
    for edition in ("internal", "public"):
        for path in (built[2]/edition/"tables").glob("results*.csv"):
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            below = table[table["unit"].str.len() > 2].assign(num_item="", den_item="")
            held = set(row_streams(below)) & set(APART)
            assert len(held) <= 1 and (path.stem == "results" or held == {path.stem.partition("-")[2]}), path


def test_no_table_of_a_page_holds_both(built):
    "District tables of the pages: the items that their heads name are of one stream."
    from sonla_eval.plan.indicators import items
    words = {lang: {getattr(i, lang): i.stream for i in items().values() if i.stream in APART and len(getattr(i, lang)) > 12} for lang in ("vi", "en")}
    for path in built[2].glob("*/*/*.html"):
        text = path.read_text(encoding="utf-8")
        for table in re.findall(r"(?s)<table.*?</table>", text):
            if len(re.findall(r"Mai Sơn|Mường La|Vân Hồ|Sông Mã", table)) < 3: continue
            assert len({s for w, s in words[path.parent.name].items() if w in table}) <= 1, path
