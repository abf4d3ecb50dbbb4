"""Build the binary sample documents from their sources.

    python scripts/build_samples.py [--out samples/documents]

`samples/sources/handbook/x.pdf.md` becomes `OUT/handbook/x.pdf`; `.scan.md` becomes a PDF that is only a picture; a
folder `x.xlsx/` of CSV files becomes a workbook. Documents that are plain text (md, html, eml, txt, csv, json) have
no source: they are written directly under `samples/documents`. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import pathlib

from sample_builders.office import build_docx, build_pptx, build_xlsx
from sample_builders.pdf import build_pdf, read_hyphenation
from sample_builders.scan import build_scan
from sample_builders.source import read_source

SAMPLES = pathlib.Path(__file__).resolve().parent.parent / "samples"


def build_all(sources: pathlib.Path, out: pathlib.Path) -> list[pathlib.Path]:
    """Build every source below `sources`; the paths written, in name order."""
    hyphenation = read_hyphenation(sources / "hyphenation.txt")
    written = []
    for path in sorted(sources.rglob("*")):
        name, _, kind = path.name.removesuffix(".md").rpartition(".")
        if path.suffix != ".md" and not (path.is_dir() and kind == "xlsx"):
            continue
        target = out / path.parent.relative_to(sources) / f"{name}.{'pdf' if kind == 'scan' else kind}"
        target.parent.mkdir(parents=True, exist_ok=True)
        match kind:
            case "pdf":
                build_pdf(read_source(path), target, hyphenation)
            case "scan":
                build_scan(read_source(path), target)
            case "docx":
                build_docx(read_source(path), target)
            case "pptx":
                build_pptx(read_source(path), target)
            case "xlsx":
                build_xlsx(path, target)
            case _:
                raise ValueError(f"{path}: no builder for {kind!r}")
        written.append(target)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=SAMPLES / "documents", help="where to write")
    for path in build_all(SAMPLES / "sources", parser.parse_args().out):
        print(path)


if __name__ == "__main__":
    main()
