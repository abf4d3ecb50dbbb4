from __future__ import annotations

import json

import pytest

from ingestion.documents import DocumentRejected


def test_flat_records_become_a_table(read, tables_of):
    records = [{"part": "Seal", "stock": 4, "new": True}, {"part": "Bolt", "stock": 900}]
    expected = ["| part | stock | new |\n|---|---|---|\n| Seal | 4 | true |\n| Bolt | 900 | |"]
    assert tables_of(read(json.dumps(records).encode(), "parts.json")) == expected
    lines = "\n".join(map(json.dumps, records))
    assert tables_of(read(lines.encode(), "parts.jsonl")) == expected


def test_nested_object_becomes_paths_and_headings(read, outline_of):
    value = {
        "title": "Plant",
        "site": {"town": "Ulm", "zip": "89073"},
        "pumps": [{"name": "P1", "seals": [{"size": 3}, {"size": 4}]}],
    }
    assert outline_of(read(json.dumps(value).encode(), "plant.json")) == [
        ("paragraph", None, "title: Plant\nsite.town: Ulm\nsite.zip: 89073"),
        ("heading", 1, "P1"),
        ("paragraph", None, "name: P1"),
        ("heading", 2, "seals"),
        ("table", None, "| size |\n|---|\n| 3 |\n| 4 |"),
    ]


def test_broken_json_is_damaged(read):
    for content in (b'{"a": [1, 2', b"[" * 100_000):
        with pytest.raises(DocumentRejected) as rejected:
            read(content, "broken.json")
        assert rejected.value.code == "damaged"


def test_broken_lines_are_counted(read):
    parsed = read(b'{"pump": "one"}\n{"pump": \n{"pump": "three"}\n', "log.jsonl")
    assert "three" in parsed.text and "1 lines are not valid JSON" in parsed.warnings[0]


def test_notebook(read, outline_of):
    cells = [
        {"cell_type": "markdown", "source": ["# Flow\n", "\n", "We measure flow."]},
        {"cell_type": "code", "source": "flow = 5\nprint(flow)", "outputs": [{"text": ["5\n"]}]},
    ]
    parsed = read(json.dumps({"cells": cells, "nbformat": 4}).encode(), "flow.ipynb")
    assert outline_of(parsed) == [
        ("title", 1, "Flow"),
        ("paragraph", None, "We measure flow."),
        ("code", None, "flow = 5\nprint(flow)"),
        ("code", None, "5"),
    ]


def test_xml_article(read, outline_of):
    article = b"""<?xml version="1.0"?><article><title>Valves</title><sec><title>Use</title>
    <p>Turn the <b>red</b> wheel.</p><table><tr><th>Size</th><th>Turns</th></tr><tr><td>1</td><td>4</td></tr></table>
    </sec></article>"""
    assert outline_of(read(article, "article.xml")) == [
        ("title", 1, "Valves"),
        ("heading", 3, "Use"),
        ("paragraph", None, "Turn the red wheel."),
        ("table", None, "| Size | Turns |\n|---|---|\n| 1 | 4 |"),
    ]


def test_xml_data_names_its_fields(read):
    data = b"<orders><order><number>17</number><customer>Ann</customer></order><order><number>18</number><customer>Bo</customer></order></orders>"
    assert read(data, "orders.xml").text == "number: 17\ncustomer: Ann\n\nnumber: 18\ncustomer: Bo"


def test_xml_entities_are_not_resolved(read, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the hidden word")
    hostile = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a><p>Seen &x; text</p></a>'
    assert "hidden word" not in read(hostile.encode(), "xxe.xml").text


def test_entity_bomb_stays_small(read):
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "ha">{entities}]><a><p>Some words first</p><p>&e11;</p></a>'
    assert len(read(bomb.encode(), "bomb.xml").text) < 1000


def test_deeply_nested_xml_does_not_overflow(read):
    deep = "<a>" * 200 + "<p>The words at the bottom</p>" + "</a>" * 200
    assert "words at the bottom" in read(deep.encode(), "deep.xml").text
