from __future__ import annotations

import subprocess

import pytest

from ingestion.documents import DocumentRejected
from ingestion.parsing import marked_up

MARKDOWN = """---
title: Pump notes
---
# Pumps

Pumps move *water*.

## Parts

| Part | Count |
|------|-------|
| Seal | 2     |

- first
- second

```python
def run():
    return 1
```
"""


def test_markdown_structure(read, outline_of, element_with):
    parsed = read(MARKDOWN.encode(), "notes.md")
    assert parsed.title == "Pump notes"
    assert outline_of(parsed) == [
        ("paragraph", None, "title: Pump notes"),
        ("heading", 1, "Pumps"),
        ("paragraph", None, "Pumps move water."),
        ("heading", 2, "Parts"),
        ("table", None, "| Part | Count |\n|---|---|\n| Seal | 2 |"),
        ("list_item", None, "- first"),
        ("list_item", None, "- second"),
        ("code", None, "def run():\n    return 1"),
    ]
    assert element_with(parsed, "second").heading_path == ("Pumps", "Parts")


def test_lone_first_heading_is_the_title_and_in_no_path(read, element_with):
    parsed = read(b"# Only Title\n\n## Part\n\nSome words here.\n", "one.md")
    assert parsed.elements[0].kind.value == "title" and parsed.title == "Only Title"
    assert element_with(parsed, "Some words").heading_path == ("Part",)


@pytest.mark.parametrize("target", ["epub", "odt", "rtf", "rst", "org"])
def test_formats_of_pandoc(read, target, tmp_path, tables_of):
    path = tmp_path / f"notes.{target}"
    source = MARKDOWN.split("---\n", 2)[2]
    subprocess.run(
        [marked_up._pandoc_path(), "--standalone", "--from", "markdown", "--to", target, "--output", path],
        input=source.encode(),
        check=True,
        capture_output=True,
    )
    parsed = read(path, path.name)
    assert "Pumps move water." in parsed.text and "return 1" in parsed.text
    assert any("| Seal | 2 |" in table for table in tables_of(parsed))
    headings = [e.text for e in parsed.elements if e.kind.value in ("heading", "title")]
    assert "Pumps" in headings and "Parts" in headings


def test_without_pandoc_the_extra_is_named(read, monkeypatch):
    import pypandoc

    def missing() -> str:
        raise OSError("no pandoc was found")

    monkeypatch.setattr(pypandoc, "get_pandoc_path", missing)
    monkeypatch.setattr(marked_up.shutil, "which", lambda name: None)
    marked_up._pandoc_path.cache_clear()
    with pytest.raises(DocumentRejected, match=r"pip install plumbline\[pandoc\]") as rejected:
        read(b"Title\n=====\n\nWords.\n", "notes.rst")
    marked_up._pandoc_path.cache_clear()
    assert rejected.value.code == "missing_converter"


def test_pandoc_may_not_read_other_files(read, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the hidden word")
    parsed = read(f"Title\n=====\n\nWords.\n\n.. include:: {secret}\n".encode(), "notes.rst")
    assert "hidden word" not in parsed.text
