"""Draws a kernel's logo-svg.svg as the two PNGs that Jupyter wants beside it. Needs the test packages and Chromium.

    .venv/bin/python kernels/logo.py KERNEL
"""
import shutil
import sys

from playwright.sync_api import sync_playwright

from common import ROOT


def main(kernel):
    folder = ROOT / "kernels" / kernel
    svg = (folder / "logo-svg.svg").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for size in (32, 64):
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content("<style>body{{margin:0}}svg{{width:{0}px;height:{0}px;display:block}}</style>{1}".format(size, svg))
            page.screenshot(path=str(folder / "logo-{0}x{0}.png".format(size)), omit_background=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
