"""The report as an HTML page."""

from typing import IO

from indexer.evaluation.provenance import here
from indexer.evaluation.report import Plot, Report, Row, Section, Table, count, facts, html, rate


def draw(file: IO[bytes]) -> None:
    file.write(b"drawn")


def page(title: str = "A title") -> str:
    table = Table(
        columns=("one", "two"),
        rows=(Row(label="rank-1", note="a note", cells=(rate(0.5, (0.25, 0.75)), count(12_345))),),
    )
    section = Section(
        title="A section",
        text=("Words.",),
        table=table,
        plots=(Plot(alt="a curve", draw=draw),),
        notes=("Small print.",),
    )
    made = here("gemel evaluate something")
    return html(
        Report(title=title, lead="A lead.", facts=facts(made, ["m-1", "m-2"], "data"), sections=(section,))
    )


def test_the_page_shows_every_part_of_the_report() -> None:
    shown = page()

    for words in ("A title", "A lead.", "A section", "Words.", "rank-1", "a note", "Small print."):
        assert words in shown
    assert "50.00%" in shown
    assert "25.00% to 75.00%" in shown
    assert "12,345" in shown
    assert "m-1, m-2" in shown
    assert "gemel evaluate something" in shown
    assert here("").machine in shown
    assert 'src="data:image/png;base64,ZHJhd24="' in shown


def test_the_page_is_one_file_and_fits_a_phone() -> None:
    shown = page()

    assert "http" not in shown
    assert "<script" not in shown
    assert 'name="viewport"' in shown


def test_html_in_names_is_escaped() -> None:
    shown = page("<img src=x onerror=alert(1)>")

    assert "<img src=x" not in shown
    assert "&lt;img src=x" in shown
