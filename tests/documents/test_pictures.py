"""The pictures of the documentation show what the program prints today."""

import html
import re

import pytest
import write_pictures
from write_pictures import PICTURES, REPORT, STORY

from support.books import ROOT


@pytest.mark.slow
def test_the_picture_of_the_terminal_is_what_the_report_prints(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("pictures")
    write_pictures.play(folder, "init", "books")
    for words in STORY:
        write_pictures.play(folder / "books", *words)
    path = folder / "now.svg"
    write_pictures.draw_terminal(write_pictures.at_terminal(folder / "books", *REPORT), path)
    assert path.read_text() == (PICTURES / "rollforward.svg").read_text(), "run: python docs/write_pictures.py"


def test_the_pictures_need_no_network_and_are_shown() -> None:
    drawn = (PICTURES / "rollforward.svg").read_text()
    assert not re.search(r"url\((?!#)|href=", drawn.replace('url("#', "url(#"))
    assert "8 checks hold" in html.unescape(drawn).replace("\xa0", " ")
    for page, name in (("README.md", "rollforward.svg"), ("docs/reports.md", "rollforward-page.png")):
        assert f"pictures/{name})" in (ROOT / page).read_text() and (PICTURES / name).is_file()
