"""`plumb demo` on those of the sample documents that its questions need."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from cli.demo import demo_settings
from runtime.settings import Settings
from tests.cli.processes import ROOT, environment

NEEDED = (
    "certificates/calibration-certificate-T4-20817.pdf",
    "handbook/customer-service-handbook.docx",
    "products/teal-200-data-sheet.pdf",
    "products/waterbook-api.html",
)


def _demo(samples: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = f"import pathlib, cli.demo as d, cli.main as m; d.SAMPLES = pathlib.Path({str(samples)!r}); m.main()"
    return subprocess.run(
        [sys.executable, "-c", code, "demo"],
        cwd=cwd,
        env=environment(PLUMB_DATABASE_URL="postgresql://127.0.0.1:9/not-for-the-demo"),
        capture_output=True,
        text=True,
        timeout=110,
    )


def test_demo_answers_cites_refuses_and_is_quick_the_second_time(tmp_path: Path) -> None:
    for name in NEEDED:
        target = tmp_path / "samples" / "documents" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "samples" / "documents" / name, target)
    first = _demo(tmp_path / "samples", tmp_path)
    assert first.returncode == 0, first.stderr
    assert "24 months" in first.stdout and "customer-service-handbook.docx" in first.stdout
    assert "11 March 2026" in first.stdout and "calibration-certificate-T4-20817.pdf, page 1" in first.stdout
    assert "Nearest passages" in first.stdout
    assert "plumb ingest PATH" in first.stdout
    assert "4 ingested" in first.stdout
    assert sorted(path.name for path in (tmp_path / ".plumb").iterdir()) == ["demo"]
    assert "4 unchanged" in _demo(tmp_path / "samples", tmp_path).stdout


def test_demo_without_samples_says_so(tmp_path: Path) -> None:
    done = _demo(tmp_path / "nothing", tmp_path)
    assert done.returncode == 1 and "make demo" in done.stderr


def test_demo_is_embedded_whatever_is_configured(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, qdrant_url="http://127.0.0.1:6333", broker_url="redis://127.0.0.1")
    embedded = demo_settings(settings)
    assert (embedded.qdrant_url, embedded.broker_url, embedded.data_dir) == (None, None, tmp_path / "demo")
