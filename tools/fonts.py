"""Cuts the two fonts of the pages and charts from the variable Source Sans 3.

    python tools/fonts.py "path/to/SourceSans3[wght].ttf" path/to/its/LICENSE

The variable file's default weight is ExtraLight (200), which draws hair-thin charts, so static cuts at 400 and 600
are made, reduced to the letters that Vietnamese and English pages need. The half circle and the cross of the status
marks are not in Source Sans 3 and are drawn here in its measure. Under the SIL Open Font License a changed font may
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
DRAWN = {"◐": "uni25D0", "✕": "uni2715"}

def letters() -> str: # every sign the fonts must hold
    "ASCII, Latin-1 letters, every Vietnamese letter in NFC, and the signs used by the charts and pages."
    text = [unicodedata.normalize("NFC", b + t) for b in BASES for t in TONES] + ["đ"]
    small = "".join(text)
    ascii_ = "".join(map(chr, range(0x20, 0x7f)))
    latin = "".join(chr(c) for c in range(0xa0, 0x100))
    return "".join(sorted(set(ascii_ + latin + small + small.upper() + SIGNS)))

def half_circle(font: TTFont):
    "◐: the ring of ○ with its left half filled."
    glyphs, cmap = font.getGlyphSet(), font.getBestCmap()
    ring = cmap[ord("○")]
    pen = TTGlyphPen(glyphs)
    glyphs[ring].draw(pen)
    box = font["glyf"][ring]
    x, y = (box.xMin + box.xMax)/2, (box.yMin + box.yMax)/2
    r, k = (box.xMax - box.xMin)/2 - 8, 0.4142
    pen.moveTo((x, y - r))
    pen.qCurveTo((x - r*k, y - r), (x - r, y - r*k), (x - r, y))
    pen.qCurveTo((x - r, y + r*k), (x - r*k, y + r), (x, y + r))
    pen.closePath()
    return pen.glyph(), font["hmtx"][ring]

def cross(font: TTFont, weight: int):
    "✕: two strokes as high as the ring of ○."
    ring = font.getBestCmap()[ord("○")]
    box, pen = font["glyf"][ring], TTGlyphPen(None)
    x, y = (box.xMin + box.xMax)/2, (box.yMin + box.yMax)/2
    r, s = (box.xMax - box.xMin)/2*0.86, (50 if weight == 400 else 66)
    points = [(-r, r - s), (-s, 0), (-r, s - r), (s - r, -r), (0, -s), (r - s, -r), (r, s - r), (s, 0), (r, r - s),
              (r - s, r), (0, s), (s - r, r)]
    pen.moveTo((x + points[0][0], y + points[0][1]))
    for px, py in points[1:]: pen.lineTo((x + px, y + py))
    pen.closePath()
    return pen.glyph(), font["hmtx"][ring]

def add(font: TTFont, char: str, glyph, metrics):
    "Puts a drawn glyph into the font."
    name = DRAWN[char]
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"][name], font["hmtx"][name] = glyph, metrics
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
    add(font, "◐", *half_circle(font))
    add(font, "✕", *cross(font, weight))
    options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp", "locl"], hinting=False, name_IDs=["*"],
                             notdef_outline=True, recalc_timestamp=False)
    wanted = letters() + "".join(DRAWN)
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
    (OUT/"OFL.txt").write_text("Sonla Sans is a changed version (two weights, fewer letters, two signs added) of Source Sans 3.\n\n" + text, encoding="utf-8")

if __name__ == "__main__": main(*sys.argv[1:3])
