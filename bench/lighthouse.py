"""`make lighthouse`: Lighthouse scores of the list, a product and the checkout of each shop of catalog.json.

Serves the shop like `make run`, on a free port and with its own data, and uses Lighthouse's mobile preset: a mid-range
phone on slow 4G, simulated. Performance is the median of the runs, everything else the worst. Exits with 1 if a page
misses a target.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from bench.servers import ROOT, serve
from tests.browser.conftest import find_chromium

HERE = ROOT / "bench"
LIGHTHOUSE = HERE / "node_modules" / "lighthouse" / "cli" / "index.js"
INSTALLED = HERE / "node_modules" / ".package-lock.json"
CATEGORIES = {
    "performance": ("performance", 99),
    "accessibility": ("accessibility", 100),
    "best-practices": ("best practices", 100),
    "seo": ("SEO", 100),
    "agentic-browsing": ("agentic browsing", 100),
}
"""The categories with their labels and minimum scores."""
MAX_PAGE_BYTES = 60_000
"""Transferred bytes without images: HTML, CSS, scripts and font, with their headers."""
PATIENCE = 180
"""Time limit of one run."""
ATTEMPTS = 3


@dataclass(frozen=True)
class Page:
    name: str
    address: str
    cookie: str = ""


@dataclass(frozen=True)
class Run:
    """One run of Lighthouse; all categories are scores of 0 to 100, `bytes` without pictures."""

    scores: dict[str, int]
    shift: float
    bytes: int
    other_hosts: frozenset[str]
    kept_for_back: bool
    power: float


@dataclass(frozen=True)
class Result:
    """The runs of a page."""

    page: Page
    runs: list[Run]

    @property
    def performances(self) -> list[int]:
        return [run.scores["performance"] for run in self.runs]

    def score(self, category: str) -> int:
        if category == "performance":
            return round(statistics.median(self.performances))
        return min(run.scores[category] for run in self.runs if category in run.scores)

    @property
    def shift(self) -> float:
        return max(run.shift for run in self.runs)

    @property
    def bytes(self) -> int:
        return max(run.bytes for run in self.runs)

    @property
    def other_hosts(self) -> set[str]:
        return {host for run in self.runs for host in run.other_hosts}

    def missed(self) -> list[str]:
        low = [
            f"{name} {self.score(category)} instead of {least}"
            for category, (name, least) in CATEGORIES.items()
            if self.score(category) < least
        ]
        low += [f"layout shift {self.shift:.4f}"] if self.shift else []
        low += [f"{self.bytes:,} bytes before pictures"] if self.bytes > MAX_PAGE_BYTES else []
        low += [] if all(run.kept_for_back for run in self.runs) else ["not kept by the browser for Back"]
        low += [f"requests to {', '.join(sorted(self.other_hosts))}"] if self.other_hosts else []
        return [f"{self.page.name}: {what}" for what in low]


def install() -> None:
    """Install Lighthouse, as pinned in package-lock.json, into bench/node_modules, unless it exists."""
    if not (shutil.which("node") and shutil.which("npm")):
        sys.exit("make lighthouse needs Node.js 22 or newer with npm: https://nodejs.org, or your system's package.")
    if INSTALLED.exists() and INSTALLED.stat().st_mtime >= (HERE / "package-lock.json").stat().st_mtime:
        return
    print("Installing Lighthouse into bench/node_modules (once)", flush=True)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
    if subprocess.run(command, cwd=HERE, check=False, stdout=subprocess.DEVNULL).returncode:
        sys.exit("npm could not install Lighthouse; what it said stands above.")
    INSTALLED.touch()


def browser() -> str:
    try:
        with sync_playwright() as playwright:
            return find_chromium(playwright)
    except pytest.fail.Exception as fault:
        sys.exit(str(fault))


def pages_of(port: int, shop: str, product: str) -> list[Page]:
    """Return the URLs of a shop's list, a product and its checkout, with the cookie of a cart with that product."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    form = urlencode({"product_id": product, "quantity": 1})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", f"/t/{shop}/cart/items", form, headers)
    answer = connection.getresponse()
    cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
    connection.close()
    if answer.status != 303 or not cookie:
        sys.exit(f"{shop}: nothing could be put into a cart ({answer.status})")
    root = f"http://localhost:{port}/t/{shop}"
    return [
        Page(f"{shop} list", root + "/"),
        Page(f"{shop} product", f"{root}/products/{product}"),
        Page(f"{shop} checkout", root + "/checkout", cookie),
    ]


def look(page: Page, chromium: str, folder: Path, categories: list[str]) -> Run:
    """Run Lighthouse once; repeat if the browser gave no result."""
    flags = "--headless=new --disable-dev-shm-usage" + (" --no-sandbox" if os.geteuid() == 0 else "")
    report = folder / "report.json"
    command = ["node", str(LIGHTHOUSE), page.address, "--quiet", "--no-enable-error-reporting"]
    command += ["--output=json", f"--output-path={report}", f"--chrome-flags={flags}"]
    command += [f"--only-categories={','.join(categories)}", "--throttling-method=simulate", "--form-factor=mobile"]
    if page.cookie:
        command.append("--extra-headers=" + json.dumps({"Cookie": page.cookie}))
    said = ""
    for _ in range(ATTEMPTS):
        report.unlink(missing_ok=True)
        try:
            done = subprocess.run(
                command, env={**os.environ, "CHROME_PATH": chromium}, check=False, capture_output=True, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            said = f"It said nothing for {PATIENCE} seconds."
            continue
        said = done.stderr.decode()[-1500:]
        if report.exists():
            found = json.loads(report.read_text())
            if "runtimeError" not in found and found["finalDisplayedUrl"] == page.address:
                return read(found, page)
    sys.exit(f"Lighthouse can't judge {page.address}:\n{said}")


def read(report: dict[str, Any], page: Page) -> Run:
    audits = report["audits"]
    requests = audits["network-requests"]["details"]["items"]
    hosts = {urlsplit(request["url"]).netloc for request in requests if request["url"].startswith("http")}
    return Run(
        scores={name: round(category["score"] * 100) for name, category in report["categories"].items()},
        shift=audits["cumulative-layout-shift"]["numericValue"],
        bytes=sum(request["transferSize"] for request in requests if request["resourceType"] != "Image"),
        other_hosts=frozenset(hosts - {urlsplit(page.address).netloc}),
        kept_for_back=audits["bf-cache"]["score"] == 1,
        power=report["environment"]["benchmarkIndex"],
    )


def judge(page: Page, chromium: str, folder: Path, times: int) -> Result:
    """Run all categories first, then only performance, which is the only one that varies."""
    first = look(page, chromium, folder, list(CATEGORIES))
    return Result(page, [first, *(look(page, chromium, folder, ["performance"]) for _ in range(times - 1))])


WIDTHS = (18, 32, 15, 16, 6, 18, 7, 8, 12)


def row(*cells: object) -> None:
    print("".join(f"{cell!s:{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip(), flush=True)


def tell(result: Result) -> None:
    performance, *others = (result.score(category) for category in CATEGORIES)
    runs = ", ".join(str(score) for score in result.performances)
    kilobytes = f"{result.bytes / 1000:.1f}"
    row(
        result.page.name,
        f"{performance} ({runs})",
        *others,
        f"{result.shift:.2g}",
        kilobytes,
        len(result.other_hosts) or "none",
    )


def main() -> None:
    catalog = {shop["id"]: shop for shop in json.loads((ROOT / "catalog.json").read_text())["tenants"]}
    parser = argparse.ArgumentParser(prog="python -m bench.lighthouse", description=__doc__.partition("\n")[0])
    parser.add_argument("shops", nargs="*", metavar="shop", help=f"only these, of {', '.join(catalog)}")
    parser.add_argument("--runs", type=int, default=5, help="runs a page (5)")
    asked = parser.parse_args()
    if unknown := set(asked.shops) - set(catalog):
        parser.error(f"no such shop: {', '.join(sorted(unknown))}")
    install()
    chromium = browser()
    results = []
    with tempfile.TemporaryDirectory() as name, serve(Path(name) / "shop") as server:
        row("page", *(name for name, _ in CATEGORIES.values()), "shift", "KB*", "other hosts")
        for shop in asked.shops or catalog:
            product = next(one["id"] for one in catalog[shop]["products"] if one["stock"] > 10)
            for page in pages_of(server.port, shop, product):
                results.append(judge(page, chromium, Path(name), max(asked.runs, 1)))
                tell(results[-1])
    power = [run.power for result in results for run in result.runs]
    print("* transferred without images; performance is the median of the runs beside it")
    print(f"CPU benchmark during the runs: {min(power):.0f} to {max(power):.0f} (an idle laptop has 1500 or more)")
    missed = [line for result in results for line in result.missed()]
    sys.exit("\n".join(["", "Missed:", *missed]) if missed else 0)


if __name__ == "__main__":
    main()
