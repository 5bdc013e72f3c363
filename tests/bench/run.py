"""How fast a run is: against a plain script, against papermill and nbconvert one after another, with nothing changed, and with one district changed.

    python tests/bench/run.py                     one round of the whole year: every report of two languages and two editions; half an hour
    python tests/bench/run.py --rounds 3 --of province,district-116,district-118,quality

Every figure comes from processes started for it, interleaved over the rounds; medians of wall and CPU seconds (children included) are printed as a table.
The example province's workbooks are made for it in a temporary folder. Compiled modules are used and kept, as they are where the package is installed. Let no other work run.
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT/"tests")]
YEAR = 2022


def settings(base, workers=1, langs=("vi", "en")):
    from sonla_eval.settings import read_settings
    return read_settings(year=YEAR, data=str(base/"raw"), site=str(base/"site"), packets=str(base/"packets"), langs=list(langs), workers=workers)


def tasks(base, names):
    "The tasks of some reports, of all when none is named, in two languages and two editions, with the year prepared and nothing to take over."
    from sonla_eval.publish import packet, run as R, site
    from sonla_eval.publish.kept import code_of
    s, out = settings(base), tempfile.mkdtemp()
    wanted = site.reports(YEAR, s.langs, s.editions, names)
    work, code = base/"packets"/str(YEAR)/"data", code_of("publish")
    return {r.key: R.Task(r, YEAR, str(base/"raw"), str(work), "0"*16, True, s.langs, out, out, str(packet.failed_folder(s, YEAR, r.key)), R.basis_of(s, r, True, code)) for r in wanted}


def given(task) -> dict: # parameters of the report's template
    r = task.report
    more = {"unit": r.unit} if r.template == "district" else {"model": int(r.name.split("-")[1])} if r.template == "model" else {}
    return {"year": YEAR, "lang": r.lang, "edition": r.edition, "work": task.work} | more


def plain(base, names):
    "The same cells and pages in one warm process, without engine, forks, shell or careful writing."
    import ast
    import nbformat
    from nbformat.v4 import new_output
    from sonla_eval.publish import run as R, site
    R._warm()
    out = Path(tempfile.mkdtemp())
    for task in tasks(base, names).values():
        r = task.report
        nb = nbformat.read(ROOT/"nbs"/"reports"/f"{r.template}.ipynb", 4)
        space, shown = {}, []
        space["display"] = lambda *objects: shown.extend(objects)
        for cell in nb.cells:
            if cell.cell_type != "code": continue
            shown.clear()
            body = ast.parse(cell.source).body
            last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
            exec(compile(ast.Module(body, []), "cell", "exec"), space)
            if "parameters" in cell.metadata.get("tags", []): space |= given(task)
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), space) if last else None
            cell.outputs = [new_output("display_data", data={"text/html": x._repr_html_()}) for x in [*shown, value] if hasattr(x, "_repr_html_")]
        (out/f"{r.key.replace('/', '-')}.html").write_text(site.page_of(nb, r, YEAR, True, {}, task.langs), encoding="utf-8")


def engine(base, names, workers):
    "The same reports as a run makes them."
    from sonla_eval.publish import engine as E, run as R
    R._warm()
    made = tasks(base, names)
    for edition in ("internal", "public"): R.answers_of(Path(next(iter(made.values())).work), edition) # a run has them from judging what to make
    ends = list(E.forked(R.make_page, made, workers))
    assert all(o.ok for o in ends), [o for o in ends if not o.ok]


def tools(base, names):
    "papermill's and nbconvert's own commands, one report after another."
    out = Path(tempfile.mkdtemp())
    for key, task in tasks(base, names).items():
        name = key.replace("/", "-")
        words = [w for k, v in given(task).items() for w in ("-r" if isinstance(v, str) else "-p", k, str(v))]
        subprocess.run([sys.executable, "-m", "papermill", str(ROOT/"nbs"/"reports"/f"{task.report.template}.ipynb"), str(out/f"{name}.ipynb"), *words, "--no-progress-bar", "--log-level", "ERROR"], check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", "--no-input", str(out/f"{name}.ipynb")], check=True, cwd=ROOT, stderr=subprocess.DEVNULL)


def full(base, names, workers):
    "A whole run into an empty site, nothing kept; the workbooks are there."
    from sonla_eval.publish.run import run
    for part in ("site", "packets", "clean"): shutil.rmtree(base/part, ignore_errors=True)
    done = run(settings(base, workers), names, progress=False)
    assert not done.failed, done.failed


def current(base, names):
    "Nothing changed."
    from sonla_eval.publish.run import run
    assert run(settings(base), names, progress=False).current


def corrected(base, names, workers):
    "One district corrects one number."
    from sonla_eval.publish.run import run
    done = run(settings(base, workers), names, progress=False)
    assert done.made and not done.failed
    print(f"{len(done.made)} of {len(done.verdicts)} reports made", file=sys.stderr)


def measured(words) -> tuple: # wall seconds, CPU seconds of a process and its children
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, __file__, "--one", *words], check=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def change(base, n):
    "Another number each time, so that nothing of an earlier round helps."
    from conftest import correct
    correct(base/"raw"/str(YEAR)/f"118_bao-cao-{YEAR}.xlsx", "B Kiểm tra", {"N5": 7 + n, "P5": 28 + n})


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--of", default="", help="only these reports, named in the table")
    p.add_argument("--without-tools", action="store_true", help="leave out papermill's and nbconvert's own commands, which take longest")
    p.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.one:
        name, base, names, *workers = a.one
        globals()[name](Path(base), tuple(n for n in names.split(",") if n), *map(int, workers))
        return
    from sonla_eval.intake.example import make
    base = Path(tempfile.mkdtemp())
    make(base/"raw")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "SONLA_EVAL_PROJECT": str(ROOT), "SOURCE_DATE_EPOCH": "1646092800", "SONLA_EVAL_CLEAN": str(base/"clean")}
    found, n = {}, 0
    steps = [("whole run, 1 worker", ("full", base, a.of, 1)), ("whole run, 2 workers", ("full", base, a.of, 2)), ("nothing changed", ("current", base, a.of)), ("one district changed, 1 worker", ("corrected", base, a.of, 1)),
             ("one district changed, 2 workers", ("corrected", base, a.of, 2)), ("pages, plain script", ("plain", base, a.of)), ("pages, engine, 1 worker", ("engine", base, a.of, 1)), ("pages, engine, 2 workers", ("engine", base, a.of, 2))]
    if not a.without_tools: steps.append(("pages, papermill and nbconvert commands", ("tools", base, a.of)))
    for _ in range(a.rounds):
        for name, words in steps:
            if words[0] == "corrected": n += 1; change(base, n)
            found.setdefault(name, []).append(measured([str(w) for w in words]))
            print(f"{name}: {found[name][-1][0]:.1f} s", file=sys.stderr, flush=True)
    load, cores = os.getloadavg(), os.cpu_count()
    print(f"\n{a.rounds} rounds, medians; {cores} cores, load {load[0]:.1f} at the end; {a.of or 'every report'} of two languages and two editions\n")
    print("| what | wall s | CPU s |\n|---|---|---|")
    at = {name: tuple(statistics.median(x[i] for x in runs) for i in (0, 1)) for name, runs in found.items()}
    for name, (wall, cpu) in at.items(): print(f"| {name} | {wall:.1f} | {cpu:.1f} |")
    ratio = lambda x, y: " | ".join(f"{at[x][i]/at[y][i]:.2f}" for i in (0, 1))
    print("\n| ratio | wall | CPU | to reach |\n|---|---|---|---|")
    print(f"| engine, 1 worker / plain script | {ratio('pages, engine, 1 worker', 'pages, plain script')} | at most 1.15 |")
    for w, goal in ((1, 5), (2, 8)):
        if not a.without_tools: print(f"| papermill and nbconvert / engine, {w} worker{'s'*(w > 1)} | {ratio('pages, papermill and nbconvert commands', f'pages, engine, {w} worker' + 's'*(w > 1))} | at least {goal} |")
    for w in (1, 2): print(f"| one district changed / whole run, {w} worker{'s'*(w > 1)} | {ratio(f'one district changed, {w} worker' + 's'*(w > 1), f'whole run, {w} worker' + 's'*(w > 1))} | below 0.15 |")
    print(f"| nothing changed, seconds | {at['nothing changed'][0]:.2f} | {at['nothing changed'][1]:.2f} | below 1 |")
    shutil.rmtree(base)


if __name__ == "__main__": main()
