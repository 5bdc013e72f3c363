"""How a country's run grows: seconds for each commune and peak memory with 4, 8, 16 and 34 provinces. Run: python tests/bench/country.py"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMUNES = 97 # a province, so that the sizes compared hold equally large provinces


def one(folder: str, site: str) -> dict:
    "Runs a country in this process and its forks; wall, CPU, and the largest process."
    from sonla_eval.publish.country import run_country
    start = time.perf_counter()
    run_country(Path(folder), 2025, Path(site)/"site", Path(site)/"packets", ("en",), workers=1)
    own, forks = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall": time.perf_counter() - start, "cpu": sum(x.ru_utime + x.ru_stime for x in (own, forks)), "parent": peak(), "fork": forks.ru_maxrss/1024}


def peak() -> float:
    "Peak memory of this process in MB; ru_maxrss would begin with that of the process that started it."
    return int(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1])/1024


def main():
    from sonla_eval.intake.country import make_country
    base = Path(tempfile.mkdtemp())
    print("provinces  communes   wall s    CPU s   CPU ms a commune   largest fork MB   parent MB")
    for n in (4, 8, 16, 34):
        make_country(base/str(n), n, n*COMMUNES)
        env = os.environ | {"PYTHONPATH": str(ROOT), "SONLA_EVAL_PROJECT": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        out = subprocess.run([sys.executable, __file__, "one", str(base/str(n)), str(base/f"out{n}")], capture_output=True, text=True, check=True, env=env)
        r = json.loads(out.stdout.splitlines()[-1])
        print(f"{n:9d} {n*COMMUNES:9d} {r['wall']:8.1f} {r['cpu']:8.1f} {1000*r['cpu']/(n*COMMUNES):18.1f} {r['fork']:17.0f} {r['parent']:11.0f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]: print(json.dumps(one(*sys.argv[2:])))
    else: main()
