"""The suppressor on realistic years: what is hidden, what stays, that the order of rows doesn't matter, that it is fast."""
import time

import pandas as pd
import pytest

import protect_year as year
from sonla_eval.protect.attack import attack
from sonla_eval.plan.indicators import items
from sonla_eval.protect.suppress import MASKS, NUMBERS, disclosure_log, plan, protect, public_table, summary


@pytest.fixture(scope="module", params=[1, 2])
def pair(request):
    before = year.results(seed=request.param)
    return before, protect(before, "public")


def test_rows_and_masks(pair):
    before, after = pair
    assert list(after["id"]) == list(before["id"]) and set(after["mask"]) <= set(MASKS)
    masked = after["mask"] != ""
    assert after.loc[masked, NUMBERS + ["n"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(after.loc[~masked, NUMBERS], before.loc[~masked, NUMBERS])


def test_small_numbers_are_gone(pair):
    before, after = pair
    shown = after["mask"] == ""
    district = before["unit"].str.len() == 3
    sensitive = before["num_item"].map(lambda c: c != "" and all(items()[x].sensitive for x in c.split("+")))
    money = before["num_item"] == "B3"
    small = before["numerator"].between(1, 4) & sensitive & district & ~money
    assert small.sum() > 100 and not (small & shown).any()
    share = before["value_unit"].eq("share") & sensitive & district & before["den_item"].map(lambda c: c in items() and items()[c].sensitive)
    gap = before["denominator"] - before["numerator"]
    assert not (share & gap.between(1, 4) & shown).any()
    assert not (before["sensitive"] & (before["unit"].str.len() == 5) & shown).any()


def test_province_and_zero_stay(pair):
    before, after = pair
    assert (after.loc[before["unit"] == "14", "mask"] == "").all()
    zero = before["value"].eq(0) & before["value_unit"].ne("share")
    assert set(after.loc[zero, "mask"]) <= {"", "withheld"}
    assert (after.loc[~before["sensitive"], "mask"] == "").all()


def test_order_of_rows_does_not_matter(pair):
    before, after = pair
    mixed = protect(before.sample(frac=1, random_state=5), "public").sort_index()
    pd.testing.assert_series_equal(mixed["mask"], after["mask"])


def test_missing_is_not_hidden():
    before = year.results(seed=1, communes=False, missing={("C1", "118"), ("C1", "119")})
    after = protect(before, "public")
    absent = before["value"].isna() & before["numerator"].isna()
    assert absent.sum() > 20 and (after.loc[absent, "mask"] == "").all()


def test_internal_hides_nothing(pair):
    before, _ = pair
    inside = protect(before, "internal")
    assert (inside["mask"] == "").all()
    pd.testing.assert_frame_equal(inside.drop(columns="mask"), before)


def test_the_choice_is_proved_cheapest(pair):
    before, _ = pair
    assert plan(before).gap < 1e-6


def test_under_ten_seconds():
    before = year.results(seed=3)
    start = time.process_time()
    protect(before, "public")
    assert time.process_time() - start < 10


def test_log_public_table_and_sentences(pair):
    before, after = pair
    log = disclosure_log(before, after)
    assert len(log) == (after["mask"] != "").sum() and log["value"].notna().sum() > 100
    public = public_table(after)
    assert set(public["mask"]) == {"", "suppressed"} and not public["id"].duplicated().any()
    assert summary(after, "vi").count(". ") == 1 and summary(after, "en").count(". ") == 1


def test_texts_of_hidden_numbers_quote_none():
    before = year.results(seed=1, communes=False)
    before["reason_en"] = "3 of 4"
    after = protect(before, "public")
    assert (after.loc[after["mask"] != "", "reason_en"] == "").all() and (after.loc[after["mask"] == "", "reason_en"] == "3 of 4").all()


def test_years_side_by_side_hold(tmp_path):
    "This year's edition repeats last year's numbers: what was hidden then stays hidden, and both editions together tell no more."
    keep = ["item:C1", "item:D2", "item:E0", "item:E0s", "item:E5", "item:A8b", "C3"]
    last, this = (year.results(y, seed=s, scale=3.0, communes=False) for y, s in ((2022, 4), (2023, 5)))
    last, this = (f[f["measure"].isin(keep) & ~f["period"].str.contains("-")] for f in (last, this))
    this = pd.concat([this, last[last["measure"].str.startswith("item:")]], ignore_index=True)
    first = protect(last, "public", threshold=8)
    second = protect(this, "public", earlier=first)
    hidden = set(first.loc[(first["mask"] != "") & first["measure"].str.startswith("item:"), "id"])
    assert hidden and hidden <= set(second.loc[second["mask"] != "", "id"])
    assert not hidden <= set(protect(this, "public").query("mask != ''")["id"]) # without the earlier edition it would have shown some
    for name, table in (("2022", first), ("2023", second)):
        (tmp_path/name/"tables").mkdir(parents=True)
        public_table(table).to_csv(tmp_path/name/"tables"/"results.csv", index=False)
    assert attack(tmp_path/"2023", tmp_path/"2022").safe


@pytest.mark.parametrize("edition,threshold", [("secret", 5), ("public", 1), ("public", 2.5)])
def test_wrong_calls_are_refused(edition, threshold):
    with pytest.raises(ValueError): protect(year.results(communes=False), edition, threshold)


def test_no_results_no_trouble():
    empty = year.results(communes=False).iloc[:0]
    assert list(protect(empty, "public").columns) == [*empty.columns, "mask"]
