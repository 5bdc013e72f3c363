"""Runs the lesson cells of every notebook that defines the package, as nbdev-test does, and fails when one fails."""
import os
import subprocess
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
env = os.environ | {"SONLA_EVAL_PROJECT": str(root), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
done = subprocess.run([str(Path(sys.executable).parent/"nbdev-test"), "--n-workers", "2", "--skip-folder-re", "^(reports|[_.].*)$"], cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
print(done.stdout.strip()[-6000:])
count = len([p for p in (root/"nbs").rglob("*.ipynb") if "reports" not in p.parts])
print(f"lesson cells of {count} notebooks: {'all hold' if done.returncode == 0 else 'FAILED'}")
sys.exit(done.returncode)
