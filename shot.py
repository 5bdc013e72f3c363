import sys
from playwright.sync_api import sync_playwright
base="/work/main/reports/site/2022/"
jobs=[a.split(",") for a in sys.argv[1:]]
with sync_playwright() as p:
    b=p.chromium.launch(executable_path="/usr/bin/chromium",args=["--no-sandbox"])
    for page,w,h,out,*y in jobs:
        pg=b.new_page(viewport={"width":int(w),"height":int(h)})
        pg.goto("file://"+base+page)
        if y: pg.evaluate(f"window.scrollTo(0,{y[0]})")
        pg.screenshot(path=f"/tmp/w/r/{out}.png"); pg.close()
    b.close()
