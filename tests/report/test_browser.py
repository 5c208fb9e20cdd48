"""The page in a headless Chromium: the dial moves, by keyboard too, on every kind of screen."""

import time

import numpy as np
import pytest

from tests.path import models
from tests.report import audits
from tests.report.browser import Browser, installed

PROGRAM = installed()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")

SLIDER = "document.getElementById('dial-trust')"
NOW = "document.getElementById('dial-now').textContent"
CLAIM = "document.querySelector('#dial-claims .probability').textContent"
PANEL = "document.querySelector('.panel output').textContent"
CURVE = "document.querySelector('.panel .now').getAttribute('d')"
ARROW_LEFT, ARROW_RIGHT, END, HOME, TAB, ENTER = 37, 39, 35, 36, 9, 13
CONTRAST = """(selector => {
  const light = c => {
    const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const a = light(getComputedStyle(document.querySelector(selector)).color);
  const b = light(getComputedStyle(document.body).backgroundColor);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})"""


@pytest.fixture(scope="module")
def browser():
    with Browser(PROGRAM) as opened:
        yield opened


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return audits.coin().to_html(tmp_path_factory.mktemp("page") / "audit.html")


@pytest.fixture
def page(browser, file):
    browser.window(1000)
    browser.media()
    browser.open(file)
    yield browser
    assert not browser.complaints()


def trust_of(place: float) -> float:
    weights = audits.coin().dial["weights"]
    return float(np.interp(place, range(len(weights)), weights))


def shown_trust(page) -> float:
    return float(page.run(NOW).split("Trust ")[1].split(":")[0])


def assert_true_to_the_path(page) -> None:
    """Compare what the page shows with what the path computes at the same trust."""
    trust = trust_of(float(page.run(f"{SLIDER}.value")))
    path = models.coin()
    assert shown_trust(page) == pytest.approx(trust, rel=5e-3)
    chance = float(page.run(CLAIM).rstrip("%")) / 100
    assert chance == pytest.approx(path.probability("theta > 0.5", trust=trust).item(), abs=3e-3)
    mean = float(page.run(PANEL).split("mean ")[1].split(",")[0])
    assert mean == pytest.approx(path.mean("theta", trust=trust).item(), abs=2e-3)
    low, high = (float(x) for x in page.run(PANEL).split("interval ")[1].split(" to "))
    exact = path.quantile("theta", [0.05, 0.95], trust=trust).values
    assert [low, high] == pytest.approx(exact.tolist(), abs=3e-3)


def test_it_starts_at_the_trust_of_the_audit(page) -> None:
    assert shown_trust(page) == pytest.approx(audits.coin().dial["start"], rel=5e-3)
    assert_true_to_the_path(page)


def test_keys_move_the_dial(page) -> None:
    page.run(f"{SLIDER}.focus()")
    for key, code, times in (("End", END, 1), ("ArrowLeft", ARROW_LEFT, 7), ("Home", HOME, 1)):
        before = page.run(CURVE), page.run(NOW)
        for _ in range(times):
            page.press(key, code)
        assert page.run(CURVE) != before[0] and page.run(NOW) != before[1]
        assert_true_to_the_path(page)
    assert shown_trust(page) == 0
    page.press("ArrowRight", ARROW_RIGHT)
    assert shown_trust(page) > 0
    said = page.run(f"{SLIDER}.getAttribute('aria-valuetext')")
    assert said.startswith("trust ") and "real observations" in said


def test_dragging_moves_it_too(page) -> None:
    for place in (3.3, 17.0, 39.6):
        page.run(f"{SLIDER}.value = {place}; {SLIDER}.dispatchEvent(new Event('input'))")
        assert_true_to_the_path(page)


def test_every_mark_can_be_reached_and_pressed(page) -> None:
    marks = audits.coin().dial["marks"]
    page.run(f"{SLIDER}.focus()")
    for mark in marks:
        page.press("Tab", TAB)
        assert page.run("document.activeElement.textContent").startswith(mark["label"])
        page.press("Enter", ENTER, "\r")
        assert shown_trust(page) == pytest.approx(mark["trust"], rel=5e-3, abs=1e-4)
        assert page.run("document.activeElement.getAttribute('aria-pressed')") == "true"
        assert_true_to_the_path(page)


def test_it_tells_readers_of_the_screen(page) -> None:
    assert page.run("document.getElementById('dial-now').getAttribute('aria-live')") == "polite"
    assert page.run(f"{SLIDER}.labels.length") == 1
    assert page.run("document.documentElement.lang") == "en"
    assert page.run("[...document.querySelectorAll('section')].every(s => s.querySelector('h2'))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(page, scheme) -> None:
    page.media("screen", scheme)
    paper = page.run("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]
    for selector in ("p", ".soft", "a[href^='#']", "th", "pre, summary"):
        assert page.run(f"{CONTRAST}({selector!r})") >= 4.5, selector


@pytest.mark.parametrize("make", [audits.coin, audits.normal, audits.evil])
def test_it_fits_a_phone(browser, tmp_path, make) -> None:
    browser.window(390)
    browser.open(make().to_html(tmp_path / "audit.html"))
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert browser.run(f"{SLIDER}.getBoundingClientRect().right") <= 390
    assert not browser.complaints()


def test_it_prints_without_what_cannot_be_pressed(page) -> None:
    page.media("print")
    for selector in ("#dial-trust", ".marks", "nav"):
        shown = page.run(f"getComputedStyle(document.querySelector({selector!r})).display")
        assert shown == "none"
    assert page.run("document.querySelectorAll('.panel svg').length") >= 1


def test_prompts_cannot_run(browser, tmp_path) -> None:
    browser.open(audits.evil().to_html(tmp_path / "audit.html"))
    time.sleep(0.2)
    assert browser.run("typeof window.hacked") == "undefined"
    assert browser.run("document.scripts.length") == 2
    assert audits.EVIL in browser.run("document.body.textContent")
    assert audits.EVIL in browser.run("document.getElementById('dial-claims').textContent")
    assert not browser.complaints()
