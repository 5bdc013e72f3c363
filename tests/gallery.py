"""Every chart on made-up rows, in both languages, long names included: what the tests of figures and pages draw."""
import numpy as np
import pandas as pd

from sonla_eval.plan.status import STATUSES
from sonla_eval.present.charts_flow import bounds_bars, budget_bars, cascade, decomposition, flow, forest, nested_bars
from sonla_eval.present.charts_places import funnel, heat, heat_values, interval_dots, tile_map
from sonla_eval.present.charts_status import bullet, gap_dots, grade_strip, status_counts, status_grid
from sonla_eval.present.charts_time import events, lines, retention, small_multiples

PLACES = ["Thành phố Sơn La", "Quỳnh Nhai", "Thuận Châu", "Mường La", "Bắc Yên", "Phù Yên", "Mộc Châu", "Yên Châu", "Mai Sơn", "Sông Mã", "Sốp Cộp", "Vân Hồ"]
TILES = [(1, 2), (1, 0), (1, 1), (2, 1), (3, 2), (4, 2), (4, 3), (3, 3), (2, 2), (1, 3), (0, 3), (5, 3)]
LONG = {"vi": ["Số người bán dâm được tiếp cận, sử dụng các dịch vụ hỗ trợ xã hội phù hợp khi có nhu cầu", "Cơ sở kinh doanh dịch vụ có điều kiện ký cam kết", "Xã, phường, thị trấn có truyền thông trong mỗi quý"],
        "en": ["Sex workers who had access to and used suitable social support when in need of it", "Conditional service businesses that signed the pledge", "Communes with a communication activity in every quarter"]}
SECRET = 7777.0


def frames(lang: str) -> dict:
    "Chart -> (function, rows, options, whether a row can be masked)."
    names, rng = LONG[lang], np.random.default_rng(7)
    ids = ["O1", "O2"] + [f"C{i}" for i in range(1, 10)] + [f"A{i}" for i in range(1, 16)]
    status = [list(STATUSES)[(3*k) % 7] for k in range(26)]
    grid = pd.DataFrame({"id": ids, "label": [names[k % 3] for k in range(26)], "status": status,
                         "numerator": [1190.0 if k % 4 else None for k in range(26)], "denominator": [1213.0 if k % 4 else None for k in range(26)]})
    share = pd.DataFrame({"unit": PLACES, "value": rng.uniform(0.5, 0.95, 12).round(3)})
    share["low"], share["high"] = (share["value"] - 0.12).clip(0), (share["value"] + 0.1).clip(upper=1)
    n = np.arange(5, 301, 5)
    half = np.sqrt(0.7*0.3/n)
    limits = pd.DataFrame({"n": n, "low95": 0.7 - 1.96*half, "high95": 0.7 + 1.96*half, "low998": 0.7 - 3.09*half, "high998": 0.7 + 3.09*half})
    months, quarters = [f"2022-{m:02}" for m in range(1, 13)], [f"2022-Q{q}" for q in range(1, 5)]
    states = pd.DataFrame([(u, p, ["reported", "late", "zero", "missing", "not_due"][(i*5 + j*3) % 5]) for i, u in enumerate(PLACES) for j, p in enumerate(months)], columns=["unit", "period", "state"])
    cells = pd.DataFrame([(u, p, [0.4, 0.66, 0.9, 1.0, None][(i + 2*j) % 5]) for i, u in enumerate(PLACES) for j, p in enumerate(quarters)], columns=["unit", "period", "value"])
    tiles = pd.DataFrame(TILES, columns=["tile_col", "tile_row"]).assign(name=PLACES)
    series = pd.DataFrame([(names[s % 3][:24 + s], y, 0.3 + 0.15*s + 0.01*(y - 2018)) for s in range(4) for y in range(2018, 2027) if (s, y) != (1, 2020)], columns=["series", "x", "value"])
    small = pd.DataFrame([(u, p, float((i*3 + j*5) % 9)) for i, u in enumerate(PLACES) for j, p in enumerate(months)], columns=["panel", "x", "value"])
    nest = pd.DataFrame({"label": [*names, "x"], "value": [1213.0, 1190.0, 618.0, 21.0], "of": ["", names[0], names[0], names[2]]})
    court = pd.DataFrame([(y, s, float(v)) for y, vs in ((2020, (14, 14, 13)), (2021, (11, 10, 9)), (2022, (16, 12, 5))) for s, v in zip(names, vs)], columns=["cohort", "stage", "n"])
    steps = pd.DataFrame({"step": [*names, "y"], "value": [410.0, 172.0, 96.0, 88.0], "low": [300.0, None, None, None], "high": [560.0, None, None, None], "source": [names[0], "b", "c", "c"],
                          "period": ["2022", "2022-Q4", "2022", "2022"], "unit": ["persons"]*4, "break": [False, True, True, False]})
    effect = pd.DataFrame({"label": names, "value": [7.1, 3.0, -2.2], "low": [2.0, -1.4, -6.0], "high": [12.2, 7.4, 1.7]})
    stay = pd.DataFrame({"step": [*names, "z"], "value": [1, 0.84, 0.62, 0.51], "low": [1, 0.84, 0.5, 0.34], "high": [1, 0.84, 0.7, 0.68]})
    event = pd.DataFrame({"x": range(-4, 5), "value": [0.4, -1.1, 0.6, 0, 3.1, 5.2, 6.0, 6.4, 7.1], "low": [-3, -4, -2, None, -0.5, 1.5, 2.2, 2.4, 2.8], "high": [4, 2, 3.1, None, 6.6, 9, 9.8, 10.4, 11.4]})
    return {
        "status_grid": (status_grid, grid, {}, "numerator"), "status_counts": (status_counts, grid.assign(n=1)[["status", "n"]], {}, None),
        "gap_dots": (gap_dots, pd.DataFrame({"unit": PLACES, "numerator": [11.0, 402, 28, 13, 16, 24, None, 15, 21, 19, 8, 14], "denominator": [12.0, 409, 29, 16, 16, 27, 15, 15, 22, 19, 8, 14]}), {}, "numerator"),
        "bullet": (bullet, pd.DataFrame({"label": names, "value": [0.97, 0.81, None], "target": [1, 0.8, None], "last": [0.93, 0.84, 0.7]}), {}, "value"),
        "grade_strip": (grade_strip, pd.DataFrame({"label": names, "grade": ["A", "D", ""], "reason": [names[2], names[0], ""]}), {}, None),
        "interval_dots": (interval_dots, share, {"target": 0.9, "reference": 0.7}, "value"),
        "funnel": (funnel, share[["unit", "value"]].assign(n=[20, 250, 40, 60, 90, 120, 30, 200, 170, 140, 290, 80], value=[*share["value"][:11], 0.15]), {"limits": limits, "reference": 0.7}, "value"),
        "heat": (heat, states, {}, None), "heat_values": (heat_values, cells, {}, "value"),
        "tile_map": (tile_map, tiles.assign(value=share["value"]), {}, "value"), "tile_map_status": (tile_map, tiles.assign(status=status[:12]), {}, None),
        "lines": (lines, series, {"breaks": ((2025, "01/07/2025"),)}, "value"), "small_multiples": (small_multiples, small, {"unit": "cases"}, "value"),
        "small_bars": (small_multiples, small, {"unit": "cases", "kind": "bar"}, "value"), "retention": (retention, stay, {}, "value"), "events": (events, event, {"start_words": names[1]}, "value"),
        "nested_bars": (nested_bars, nest, {}, "value"), "flow": (flow, court, {}, "n"), "cascade": (cascade, steps, {}, "value"),
        "forest": (forest, effect, {"less": "a", "more": "b"}, "value"), "budget_bars": (budget_bars, pd.DataFrame({"activity": names, "allotted": [420.0, 150.0, 600.0], "spent": [418.5, 171.0, None]}), {}, "spent"),
        "bounds_bars": (bounds_bars, pd.DataFrame({"label": names, "value": [0.9, 0.98, 1], "low": [0.75, 0.94, 1], "high": [0.92, 0.985, 1]}), {"target": 0.9}, "value"),
        "decomposition": (decomposition, pd.DataFrame({"part": names, "value": [6.2, -3.5, 1.3]}), {"total": 4.0, "total_words": "2021–2022"}, None),
    }


NAMES = list(frames("en"))


def say(lang: str) -> dict:
    "What every chart is told."
    return dict(lang=lang, synthetic=True, headline={"vi": "Bốn huyện chưa đạt chỉ tiêu", "en": "Four districts fell short"}[lang], subtitle={"vi": "Tỷ lệ xã, 12 huyện, năm 2022", "en": "Share of communes, 12 districts, 2022"}[lang],
                source={"vi": "báo cáo của các huyện", "en": "district reports"}[lang])


def draw(name: str, lang: str, **changes):
    "One chart of the gallery."
    make, rows, options, _ = frames(lang)[name]
    return make(rows, name.replace("_", "-"), **{**say(lang), **options, **changes})


def draw_masked(name: str, lang: str):
    "The chart with a secret number in a suppressed row, or None where no row can be suppressed."
    make, rows, options, column = frames(lang)[name]
    if column is None: return None
    rows = rows.copy()
    at = {"nested_bars": 3, "flow": 5, "cascade": 3}.get(name, 1)
    for c in rows.columns:
        if c in (column, "low", "high", "denominator", "last"): rows[c] = rows[c].astype(float)
    for c in {column, "low", "high", "denominator"} & set(rows.columns): rows.loc[at, c] = SECRET
    rows["mask"] = ["primary" if i == at else "" for i in range(len(rows))]
    return make(rows, name.replace("_", "-"), **{**say(lang), **options})
