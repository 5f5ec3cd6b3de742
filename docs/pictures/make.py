"""Makes the pictures of the guides from a running demo: `.venv/bin/python docs/pictures/make.py http://127.0.0.1:8000`."""

import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.chromium import chromium

HERE = Path(__file__).parent
LONDON = ZoneInfo("Europe/London")


def monday() -> date:
    """Return the Monday of next week: a week that lies ahead."""
    today = datetime.now(LONDON).date()
    return today + timedelta(days=7 - today.weekday())


def sign_in(page: Page, base: str, name: str) -> None:
    page.goto(f"{base}/login")
    page.fill("#email", f"{name}@demo.example")
    page.fill("#password", "demo")
    page.click("main form button")
    page.wait_for_url(f"{base}/")


def take(page: Page, name: str, full: bool = False) -> None:
    page.screenshot(path=HERE / f"{name}.png", full_page=full)


def refusal(page: Page, base: str) -> None:
    """Ask for a time before the opening hours, off the grid."""
    day = monday()
    page.goto(f"{base}/bookings/new?resource=H-BSC1&start={day}T06:10&end={day}T08:10")
    page.fill("#title", "Passage of T cells")
    page.click("main form .button--primary")
    page.wait_for_selector(".refusals")
    take(page, "refusal", full=True)


def make(base: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium().launch_options())
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        page = context.new_page()
        sign_in(page, base, "researcher")
        page.goto(f"{base}/calendar?view=week&date={monday() - timedelta(days=7)}")
        page.wait_for_load_state("networkidle")
        take(page, "timeline")
        page.goto(f"{base}/bookings/new?resource=H-BSC1")
        take(page, "form", full=True)
        refusal(page, base)
        page.goto(f"{base}/bookings")
        page.click(".row-link >> nth=0")
        take(page, "booking", full=True)
        page.goto(f"{base}/resources/H-BSC1")
        take(page, "resource", full=True)
        page.goto(f"{base}/feeds")
        take(page, "feeds", full=True)
        browser.close()


if __name__ == "__main__":
    make(sys.argv[1].rstrip("/"))
