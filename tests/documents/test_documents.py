"""Every command that README and docs show is run, and prints what they say it prints."""

import re
from pathlib import Path

import pytest

from documents.transcripts import BLOCK, COMPARED, ROOT, play, replaced

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WITH_COMMANDS = [
    pytest.param(document, marks=() if document.name == "README.md" else pytest.mark.slow)
    for document in DOCUMENTS
    if BLOCK.search(document.read_text(encoding="utf-8"))
]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda path: path.name)
def test_the_commands_of_a_document_print_what_it_says(document: Path) -> None:
    assert replaced(play(document), COMPARED) == replaced(document.read_text(encoding="utf-8"), COMPARED)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_links_of_a_document_lead_to_files_that_exist(document: Path) -> None:
    targets = [link[1] for link in LINK.finditer(document.read_text(encoding="utf-8"))]
    assert not [target for target in targets if not (document.parent / target).exists()]
