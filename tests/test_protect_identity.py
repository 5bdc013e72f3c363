"""What names a person is seen, what doesn't is let through; keys stay outside; the two streams stay apart."""
import csv
import re
from datetime import date

import pandas as pd
import pytest

from sonla_eval.identity import KINDS, header_kinds, scan, value_kinds
from sonla_eval.plan.indicators import items
from sonla_eval.plan.units import communes, districts
from sonla_eval.protect.identity import (KeyProblem, PersonalData, StreamsMeet, enforce_streams, new_key, pseudonym, pseudonymise, pseudonymise_file, read_key, year_key)
from sonla_eval.settings import data_path

HEADERS = {
    "name": ["Họ tên", "HỌ VÀ TÊN", "ho_ten", "Tên khách hàng", "Tên đối tượng", "Tên chủ cơ sở", "Full name", "client_name", "Bí danh", "Surname"],
    "identity": ["Số CCCD", "CMND", "Số định danh cá nhân", "Căn cước công dân", "Passport No", "Hộ chiếu", "ID number"],
    "phone": ["SĐT", "Số điện thoại", "Điện thoại liên hệ", "ĐT", "Mobile", "Phone number", "Tel."],
    "card": ["Số thẻ BHYT", "Mã thẻ", "Số tài khoản", "Insurance no"],
    "address": ["Địa chỉ", "Nơi ở hiện nay", "Hộ khẩu thường trú", "Address", "Quê quán", "Số nhà"],
    "birth": ["Ngày sinh", "Năm sinh", "DOB", "Date of birth", "Ngày tháng năm sinh"],
    "photo": ["Ảnh", "Ảnh chân dung", "Hình ảnh", "Photo path", "File ảnh"],
    "place": ["Tọa độ", "Kinh độ", "lat", "Longitude", "GPS"],
    "contact": ["Email", "Zalo", "Facebook"],
}
VALUES = {
    "identity": ["014195000123", "014 195 000 123", "CMND 050123456", "số CCCD: 001203004567", "B1234567"],
    "phone": ["0912345678", "0912 345 678", "0912.345.678", "+84 912 345 678", "84912345678", "(+84)912345678", "02123 852 123", "ĐT: 0912345678", "０９１２３４５６７８", "0912\u200b345678"],
    "card": ["DN4 14 14 001 23456", "4111 1111 1111 1111"],
    "address": ["số nhà 12", "số 12, tổ 3, phường Tô Hiệu", "tổ 5 phường Quyết Thắng", "12 đường Tô Hiệu"],
    "birth": ["sinh năm 1995", "SN 1995", "sinh ngày 12/03/1995", "born 1995"],
    "photo": ["anh/kh001.jpg", "IMG_2034", "DCIM/100", "x.HEIC"],
    "place": ["21.3421, 103.9081", "21,34210; 103,90810", "21°20'31\"N", "https://maps.app.goo.gl/abc"],
    "contact": ["a.b@example.com", "facebook.com/abc", "zalo.me/0912"],
    "name": ["chị Lò Thị X", "NGUYỄN VĂN A đã được tư vấn"],
}
HARMLESS = ["", None, 0, 12, 3.5, "12", "1.234", "1.234.567", "150.000.000", 150_000_000, "2022", "01/03/2022", "2022-03-15", "Huyện Mường La", "Xã Chiềng Lề",
            "Phường Tô Hiệu", "Mai Sơn", "Hà Nội", "Kế hoạch số 52/KH-UBND", "QĐ 1629/QĐ-TTg ngày 28/9/2021", "100%", "Điều 327", "đã xử lý 3 vụ", "từ 18 đến 24", "12/12",
            "quý 1/2022", True, date(2022, 3, 1), "A1", "C1p", "118", "03646", "Công văn 5109", "tháng 12"]


@pytest.mark.parametrize("kind", HEADERS)
def test_headers(kind):
    assert [h for h in HEADERS[kind] if kind not in header_kinds(h)] == []


@pytest.mark.parametrize("kind", VALUES)
def test_values(kind):
    assert [v for v in VALUES[kind] if kind not in value_kinds(v)] == []


def test_harmless_values_pass():
    assert [(v, value_kinds(v)) for v in HARMLESS if value_kinds(v)] == []


def test_the_projects_own_words_pass():
    words = [x for i in items().values() for x in (i.vi, i.en, i.unit_vi, i.unit_en)]
    places = [*communes("to2024")["name"], *districts()["name"], *communes("from2025-07")["name"]]
    assert scan(words) == [] and scan(["Đơn vị"], [[p] for p in places]) == []
    with open(data_path("published", "figures.csv"), encoding="utf-8") as f: rows = list(csv.reader(f))
    assert scan(rows[0], rows[1:]) == []


@pytest.mark.parametrize("kind,column", [("phone", [912345678, 987654321, 356789123]), ("identity", ["050123456", "050123457", "050987654"]),
                                         ("birth", ["12/03/1995", "01/01/1988", "30/11/1999"]), ("birth", [date(1995, 1, 2), date(1980, 5, 6)]),
                                         ("place", [21.34215, 21.40012, 21.55551]), ("name", ["Lò B", "Nguyễn C D", "Cà E"])])
def test_columns_tell_what_single_values_do_not(kind, column):
    assert [p.kind for p in scan(["Cột 1"], [[v] for v in column])] == [kind]


def test_columns_of_counts_and_money_pass():
    assert scan(["x", "y", "z"], [[150_000_000, 120, 21.5], [125_000_000, 98, 103.2], [98_000_000, 5, 12.25]]) == []


def test_messages_never_repeat_the_value():
    rows = [[v] for values in VALUES.values() for v in values]
    found = scan(["Ghi chú"], rows)
    text = " ".join(p.vi + p.en + repr(p) for p in found)
    assert {p.kind for p in found} == set(KINDS) and not re.search(r"\d{6,}|Thị|example", text)
    assert all(not p.header for p in scan(["0912345678"]))


def test_keys(tmp_path):
    project = tmp_path/"project"
    project.mkdir()
    key = new_key(tmp_path/"key", project)
    with pytest.raises(KeyProblem): new_key(key, project)
    with pytest.raises(KeyProblem): read_key(project/"key", project)
    (project/"link").symlink_to(key)
    assert read_key(project/"link", project) == read_key(key, project) # a link out of the project leads out of it
    inside = project/"real"
    inside.write_text(key.read_text()); inside.chmod(0o600)
    (tmp_path/"way").symlink_to(inside)
    with pytest.raises(KeyProblem): read_key(tmp_path/"way", project)
    key.chmod(0o644)
    with pytest.raises(KeyProblem): read_key(key, project)
    key.chmod(0o600); key.write_text("short")
    with pytest.raises(KeyProblem): read_key(key, project)


def test_pseudonyms_rotate_and_differ():
    keys = [year_key(bytes(range(32)), y) for y in (2021, 2022, None)]
    names = [pseudonym("KH-001", k) for k in keys]
    assert len(set(names)) == 3 and all(re.fullmatch(r"[A-Z2-7]{20}", n) for n in names)
    assert len({pseudonym(f"KH-{k}", keys[1]) for k in range(2000)}) == 2000
    assert pseudonym(None, keys[0]) == pseudonym("  ", keys[0]) == pseudonym(float("nan"), keys[0]) == ""


def test_a_file_is_pseudonymised_whole_or_not_at_all(tmp_path):
    project = tmp_path/"project"
    project.mkdir()
    key = new_key(tmp_path/"key", project)
    frame = pd.DataFrame({"Mã khách hàng": ["KH1", "KH2"], "Họ tên": ["a", "b"], "Tuổi": [19, 44], "Ngày đến": ["15/03/2022", "2022-04-01"], "Dịch vụ": ["=1+1", "y tế"]})
    frame.to_csv(tmp_path/"in.csv", index=False)
    frame.drop(columns="Dịch vụ").to_excel(tmp_path/"in.xlsx", index=False)
    book = pd.read_csv(pseudonymise_file(tmp_path/"in.xlsx", tmp_path/"book.csv", key, 2022, project))
    out = pseudonymise_file(tmp_path/"in.csv", tmp_path/"out.csv", key, 2022, project)
    made = pd.read_csv(out)
    assert list(made.columns) == ["client_key", "age_band", "tháng đến", "Dịch vụ"] and book["client_key"].tolist() == made["client_key"].tolist()
    assert "KH1" not in out.read_text() and made.iloc[0, 3] == "'=1+1" and made.iloc[0, 2] == "2022-03" and out.stat().st_mode & 0o077 == 0
    frame.assign(remark=["gọi 0912345678", ""]).to_csv(tmp_path/"bad.csv", index=False)
    with pytest.raises(PersonalData): pseudonymise_file(tmp_path/"bad.csv", tmp_path/"none.csv", key, 2022, project)
    assert not (tmp_path/"none.csv").exists() and not list(tmp_path.glob(".part-*"))
    with pytest.raises(ValueError): pseudonymise(frame[["Tuổi"]], bytes(32), 2022)


def test_streams_never_meet():
    police, service = pd.DataFrame({"client_key": ["X", "Y"], "C1a": [1, 1]}), pd.DataFrame({"client_key": ["Y"], "E1": [3]})
    for frames in ({"joined": police.merge(service, on="client_key")}, {"a": police, "b": service},
                   {"t": pd.DataFrame({"unit": ["116", "116"], "indicator": ["C1", "E1"]})}, {"t": pd.DataFrame({"num_item": ["C1"], "den_item": ["E0"], "unit": ["116"]})}):
        with pytest.raises(StreamsMeet): enforce_streams(frames)
    alone = {"a": police, "b": service.assign(client_key="Z"), "province": pd.DataFrame({"unit": ["14"], "num_item": ["C1"], "den_item": ["E0"]})}
    assert enforce_streams(alone) is alone


def test_days_under_any_head_and_every_identifier(tmp_path):
    "A day that its head doesn't name becomes a month, a second identifier a key, a second age a band; workbooks go in and out."
    project = tmp_path/"project"
    project.mkdir()
    key = new_key(tmp_path/"key", project)
    frame = pd.DataFrame({"client_id": ["KH1", "KH1"], "Mã hồ sơ": ["HS7", "HS8"], "Lần gặp": ["15/03/2022", "2022-04-01"], "Gặp lại": [date(2022, 5, 2), None], "Tuổi": [19, 44], "age": [19, 44], "Ghi chú": ["@SUM(1)", ""]})
    frame.to_excel(tmp_path/"in.xlsx", index=False)
    out = pseudonymise_file(tmp_path/"in.xlsx", tmp_path/"out.xlsx", key, 2022, project)
    made = pd.read_excel(out, dtype=str, keep_default_na=False, engine="calamine")
    assert out.stat().st_mode & 0o077 == 0 and made["client_key"].nunique() == 1 and made["Mã hồ sơ"].nunique() == 2 and made["Mã hồ sơ"].str.fullmatch(r"[A-Z2-7]{20}").all()
    assert made["Lần gặp"].tolist() == ["2022-03", "2022-04"] and made["Gặp lại"].tolist() == ["2022-05", ""]
    assert made["age_band"].tolist() == ["18-24", "35-49"] and made.iloc[:, 5].tolist() == ["18-24", "35-49"] and made["Ghi chú"].tolist() == ["'@SUM(1)", ""]
    with pytest.raises(ValueError, match="xlsx"): pseudonymise_file(tmp_path/"in.xlsx", tmp_path/"out.txt", key, 2022, project)


def test_the_command_asks_for_a_year_or_for_linkage(tmp_path, capsys, monkeypatch):
    from sonla_eval.cli import main
    project = tmp_path/"project"
    (project/"data"/"plan").mkdir(parents=True)
    (project/"settings.ini").write_text("")
    monkeypatch.setenv("SONLA_EVAL_PROJECT", str(project))
    pd.DataFrame({"client_id": ["KH1"], "Dịch vụ": ["y tế"]}).to_csv(tmp_path/"in.csv", index=False)
    call = ["pseudonymise", str(tmp_path/"in.csv"), str(tmp_path/"out.csv"), "--key", str(tmp_path/"k")]
    with pytest.raises(SystemExit): main(call)
    keys = []
    for more in (["--year", "2021"], ["--year", "2022"], ["--link"], ["--link"]):
        assert main([*call, *more]) == 0
        keys.append(pd.read_csv(tmp_path/"out.csv")["client_key"][0])
    assert len(set(keys)) == 3 and keys[2] == keys[3] and (tmp_path/"k").stat().st_mode & 0o777 == 0o600
    (tmp_path/"k").chmod(0o640)
    assert main([*call, "--link"]) == 2 and "quyền 640" in capsys.readouterr().err
    assert main([*call[:4], str(project/"k"), "--link"]) == 2 and not (project/"k").exists()
    pd.DataFrame({"client_id": ["KH1"], "Người đi cùng": ["Lò Thị X"]}).to_csv(tmp_path/"in.csv", index=False)
    (tmp_path/"k").chmod(0o600)
    (tmp_path/"out.csv").unlink()
    assert main([*call, "--link"]) == 2 and "Lò Thị X" not in capsys.readouterr().err and not (tmp_path/"out.csv").exists()
