"""Cuts the two fonts of the pages and charts from the variable Source Sans 3.

    python tools/fonts.py "path/to/SourceSans3[wght].ttf" path/to/its/LICENSE

The variable file's default weight is ExtraLight (200), which draws hair-thin charts, so static cuts at 400 and 600
are made, reduced to the letters that Vietnamese and English pages need. The signs of the seven statuses are drawn here
as high as a capital letter: Source Sans 3 has no half circle and no cross, and its disc is too small to tell apart. Under the SIL Open Font License a changed font may
not bear the reserved name "Source": the result is called "Sonla Sans" and keeps the licence and the copyright line.

Gives, in sonla_eval/assets/fonts: SonlaSans-400.ttf, SonlaSans-600.ttf (read by matplotlib to measure and set text),
SonlaSans-400.woff2, SonlaSans-600.woff2 (held inside each page) and OFL.txt. The same input gives the same bytes.
"""
from pathlib import Path
import sys
import unicodedata

from fontTools import subset
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

FAMILY = "Sonla Sans"
OUT = Path(__file__).resolve().parent.parent/"sonla_eval"/"assets"/"fonts"
BASES = "aăâeêioôơuưy"
TONES = ["", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323"]
SIGNS = "–—‘’“”•…‹›«»×÷−±≥≤≠≈→←↑↓↗↘▲▼△▽●○■□◆✓°·§¹²³½₫€©†‡"
DRAWN, WIDE, MIDDLE = "●◐□■✕", 720, 330

def letters() -> str: # every sign the fonts must hold
    "ASCII, Latin-1 letters, every Vietnamese letter in NFC, and the signs used by the charts and pages."
    text = [unicodedata.normalize("NFC", b + t) for b in BASES for t in TONES] + ["đ"]
    small = "".join(text)
    ascii_ = "".join(map(chr, range(0x20, 0x7f)))
    latin = "".join(chr(c) for c in range(0xa0, 0x100))
    return "".join(sorted(set(ascii_ + latin + small + small.upper() + SIGNS)))

def circle(pen, r: float, clockwise: bool = True, half: bool = False):
    "A circle (or its left half) around (WIDE/2, MIDDLE) in quadratic curves."
    x, y, k = WIDE/2, MIDDLE, 0.4142
    turn = [(0, -1), (-1, 0), (0, 1)] if half else [(0, -1), (-1, 0), (0, 1), (1, 0), (0, -1)]
    if not clockwise: turn = turn[::-1]
    at = lambda p: (x + r*p[0], y + r*p[1])
    pen.moveTo(at(turn[0]))
    for a, b in zip(turn, turn[1:]):
        pen.qCurveTo(at((a[0] + k*b[0], a[1] + k*b[1])), at((b[0] + k*a[0], b[1] + k*a[1])), at(b))
    pen.closePath()

def square(pen, r: float, clockwise: bool = True):
    "A square around (WIDE/2, MIDDLE)."
    points = [(-r, -r), (-r, r), (r, r), (r, -r)][::1 if clockwise else -1]
    pen.moveTo((WIDE/2 + points[0][0], MIDDLE + points[0][1]))
    for px, py in points[1:]: pen.lineTo((WIDE/2 + px, MIDDLE + py))
    pen.closePath()

def cross(pen, r: float, s: float):
    "Two diagonal strokes of half width s."
    points = [(-r, r - s), (-s, 0), (-r, s - r), (s - r, -r), (0, -s), (r - s, -r), (r, s - r), (s, 0), (r, r - s), (r - s, r), (0, s), (s - r, r)]
    pen.moveTo((WIDE/2 + points[0][0], MIDDLE + points[0][1]))
    for px, py in points[1:]: pen.lineTo((WIDE/2 + px, MIDDLE + py))
    pen.closePath()

def draw(font: TTFont, weight: int):
    "Draws the five signs of the statuses as high as a capital letter, in place of smaller ones where there are any."
    line = 62 if weight == 400 else 84
    shapes = {"●": lambda p: circle(p, 310), "◐": lambda p: (circle(p, 310), circle(p, 310 - line, False), circle(p, 290, half=True)),
              "□": lambda p: (square(p, 285), square(p, 285 - line, False)), "■": lambda p: square(p, 285), "✕": lambda p: cross(p, 290, line*0.9)}
    for char, put in shapes.items():
        pen, name = TTGlyphPen(None), f"sonla.uni{ord(char):04X}"
        put(pen)
        font.setGlyphOrder([*font.getGlyphOrder(), name])
        font["glyf"][name] = pen.glyph()
        font["hmtx"][name] = (WIDE, font["glyf"][name].xMin if hasattr(font["glyf"][name], "xMin") else 0)
        for table in font["cmap"].tables:
            if table.isUnicode(): table.cmap[ord(char)] = name

def rename(font: TTFont, weight: int):
    "The new family name in place of the reserved one; copyright and licence lines stay."
    style = {400: "Regular", 600: "SemiBold"}[weight]
    keep = {0, 13, 14}
    font["name"].names = [n for n in font["name"].names if n.nameID in keep]
    full = f"{FAMILY} {style}"
    for nid, text in {1: FAMILY, 2: "Regular" if weight == 400 else "Bold", 3: f"{full} 1.0", 4: full, 5: "Version 1.0",
                      6: f"SonlaSans-{style}", 16: FAMILY, 17: style}.items():
        font["name"].setName(text, nid, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight

def cut(source: Path, weight: int) -> TTFont: # a static, reduced, renamed font
    "One weight of the variable font with the letters of `letters()`; raises ValueError when one is missing."
    font = instancer.instantiateVariableFont(TTFont(source, recalcTimestamp=False), {"wght": weight})
    draw(font, weight)
    options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp", "locl"], hinting=False, name_IDs=["*"],
                             notdef_outline=True, recalc_timestamp=False)
    wanted = letters() + DRAWN
    absent = [c for c in wanted if ord(c) not in font.getBestCmap()]
    if absent: raise ValueError(f"{source.name} has no glyph for {absent}")
    cutter = subset.Subsetter(options)
    cutter.populate(text=wanted)
    cutter.subset(font)
    rename(font, weight)
    return font

def main(source: str, licence: str):
    OUT.mkdir(parents=True, exist_ok=True)
    for weight in (400, 600):
        for flavor, suffix in ((None, "ttf"), ("woff2", "woff2")):
            font, path = cut(Path(source), weight), OUT/f"SonlaSans-{weight}.{suffix}"
            font.flavor = flavor
            font.save(path, reorderTables=True)
            print(path.name, path.stat().st_size)
    text = Path(licence).read_text(encoding="utf-8").replace("\r\n", "\n")
    (OUT/"OFL.txt").write_text("Sonla Sans is a changed version (two weights, fewer letters, five signs drawn anew) of Source Sans 3.\n\n" + text, encoding="utf-8")

if __name__ == "__main__": main(*sys.argv[1:3])
