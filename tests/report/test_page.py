"""The page as a file: valid, self-contained, small, and safe whatever a prompt holds."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from foundation_priors.report.picture import drawn
from tests.report import audits

ALL = [audits.coin, audits.normal, audits.believed, audits.evil]
VOID = {"meta", "input", "img", "br", "link", "hr"}
LARGEST = 3_000_000


class Reader(HTMLParser):
    """Balances tags and collects what a browser would act upon."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(params=ALL, ids=lambda make: make.__name__)
def page(request) -> str:
    return request.param().to_html()


def test_the_page_is_valid_small_and_has_everything(page) -> None:
    read = Reader(page)
    assert len(page.encode()) < LARGEST
    ids = [attrs["id"] for _, attrs in read.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for link in read.all("a"):
        assert link["href"].removeprefix("#") in ids
    for name in ("for", "aria-labelledby"):
        for _, attrs in read.tags:
            assert attrs.get(name, ids[0]) in ids
    for image in read.all("img"):
        assert image["alt"] and image["src"].startswith("data:image/png;base64,")
        assert base64.b64decode(image["src"].split(",")[1])[1:4] == b"PNG"
    assert len(read.all("style")) == 1 and len(read.all("html")) == 1
    kinds = [s.get("type") for s in read.all("script")]
    assert kinds == ["application/json", None]


def test_nothing_is_fetched_or_run_from_elsewhere(page) -> None:
    known = ("http://www.w3.org/2000/svg", "https://doi.org/")
    for address in re.findall(r"https?://[^\"'\s<]+", page):
        assert address.startswith(known), address
    assert "url(" not in page and "@import" not in page
    for _, attrs in Reader(page).tags:
        for name in ("src", "href"):
            assert str(attrs.get(name, "#")).startswith(("#", "data:image/png;"))
    read = Reader(page)
    assert not {"iframe", "object", "embed", "link", "base", "form"} & {t for t, _ in read.tags}
    for _, attrs in read.tags:
        assert not any(name.startswith("on") for name in attrs)


def test_only_its_own_script_may_run(page) -> None:
    policy = next(m["content"] for m in Reader(page).all("meta") if "http-equiv" in m)
    script = page.rsplit("<script>", 1)[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_texts_are_shown_and_never_run() -> None:
    page = audits.evil().to_html()
    read = Reader(page)
    assert len(read.all("script")) == 2
    assert all(image["src"].startswith("data:") for image in read.all("img"))
    assert audits.EVIL in "".join(read.words)
    assert "\x1b" not in page
    data = page.split('id="dial-data">')[1].split("</script>")[0]
    assert "<" not in data
    assert json.loads(data) == audits.evil().dial


def test_the_page_is_the_same_each_time(tmp_path) -> None:
    audit = audits.coin()
    assert audit.to_html() == audit.to_html()
    where = audit.to_html(tmp_path / "audit.html")
    assert where.read_text(encoding="utf-8") == audit.to_html()


def test_what_was_not_judged_stands_on_the_page_with_its_reason() -> None:
    audit = audits.coin()
    words = " ".join(" ".join(Reader(audit.to_html()).words).split())
    for reason in audit.not_judged.values():
        assert reason in words


def test_the_notebook_shows_a_card() -> None:
    for make in ALL:
        card = make()._repr_html_()
        Reader(card)
        assert "<script>" not in card


def test_a_picture_that_cannot_be_drawn_says_why() -> None:
    def fails():
        raise ValueError("no room")

    picture = drawn(fails, "a picture")
    assert picture.failed == "no room" and not picture.data


def test_drawing_leaves_no_figure_behind() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    picture = drawn(lambda: plt.subplots()[1], "axes")
    assert picture.data.startswith(b"\x89PNG") and picture.width == 614
    assert plt.get_fignums() == before
