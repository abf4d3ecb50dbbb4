from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from reportlab.pdfgen import canvas

from ingestion.documents import DocumentRejected
from ingestion.parsing.limits import MIB, ParseLimits
from ingestion.parsing.sandbox import ParserPool

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_text("A short note about pumps and valves.")
    return path


def process_id(pool: ParserPool) -> int:
    child = pool._children[0]
    assert child is not None
    return child._process.pid


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(DocumentRejected) as rejected:
        call()
    return rejected.value.code


def test_document_and_rejection_cross_the_process_boundary(note: Path, tmp_path: Path):
    empty = tmp_path / "empty.pdf"
    empty.touch()
    with ParserPool(ParseLimits()) as pool:
        parsed = pool.parse(note, "Notes/über.txt")
        assert parsed.text == "A short note about pumps and valves." and parsed.title == "über"
        first = process_id(pool)
        assert refused(lambda: pool.parse(empty, "empty.pdf")) == "empty_file"
        pool.parse(note, "note.txt")
        assert process_id(pool) == first, "a refusal is no reason for a new process"
    assert not psutil.pid_exists(first)


def test_missing_file_is_an_answer_not_a_crash(tmp_path: Path, note: Path):
    with ParserPool(ParseLimits()) as pool:
        assert refused(lambda: pool.parse(tmp_path / "nowhere", "nowhere.txt")) == "damaged"
        pool.parse(note, "note.txt")


def test_progress_rises_to_the_owner(tmp_path: Path):
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer)
    for number in range(700):
        for line in range(30):
            page.drawString(72, 760 - 20 * line, f"Line {line} of page {number} has some words about pumps.")
        page.showPage()
    page.save()
    path = tmp_path / "long.pdf"
    path.write_bytes(buffer.getvalue())
    shares: list[float] = []
    with ParserPool(ParseLimits()) as pool:
        pool.parse(path, "long.pdf", shares.append)
    assert shares and shares == sorted(shares) and 0 < shares[0] < shares[-1] <= 1


def test_exception_in_the_progress_call_ends_the_parsing(tmp_path: Path, note: Path):
    class Cancelled(Exception):
        pass

    def cancel(share: float) -> None:
        raise Cancelled

    buffer = io.BytesIO()
    page = canvas.Canvas(buffer)
    for number in range(600):
        for line in range(30):
            page.drawString(72, 760 - 20 * line, f"Line {line} of page {number} has some words about pumps.")
        page.showPage()
    page.save()
    path = tmp_path / "long.pdf"
    path.write_bytes(buffer.getvalue())
    with ParserPool(ParseLimits()) as pool:
        with pytest.raises(Cancelled):
            pool.parse(path, "long.pdf", cancel)
        assert "pumps" in pool.parse(note, "note.txt").text


def _parse_while(pool: ParserPool, note: Path, act: Callable[[int], None]) -> str:
    """Stops the warm process, sends it a file, then acts upon it."""
    pool.parse(note, "note.txt")
    pid = process_id(pool)
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(0.3, act, [pid])
    timer.start()
    try:
        return refused(lambda: pool.parse(note, "note.txt"))
    finally:
        timer.join()


def test_crash_refuses_the_file_and_the_next_gets_a_fresh_process(note: Path):
    with ParserPool(ParseLimits()) as pool:
        assert _parse_while(pool, note, lambda pid: os.kill(pid, signal.SIGKILL)) == "parser_crashed"
        assert "pumps" in pool.parse(note, "note.txt").text


def test_process_that_died_while_idle_is_replaced_silently(note: Path):
    with ParserPool(ParseLimits()) as pool:
        pool.parse(note, "note.txt")
        os.kill(process_id(pool), signal.SIGKILL)
        time.sleep(0.2)
        assert "pumps" in pool.parse(note, "note.txt").text


def test_hang_ends_at_the_limit(note: Path):
    with ParserPool(ParseLimits()) as pool:
        pool.parse(note, "note.txt")
        hung = process_id(pool)
        pool._children[0]._limits = ParseLimits(seconds=0.5)  # type: ignore[union-attr]
        os.kill(hung, signal.SIGSTOP)
        started = time.monotonic()
        assert refused(lambda: pool.parse(note, "note.txt")) == "parse_timeout"
        assert time.monotonic() - started < 5
        assert not psutil.pid_exists(hung)
        assert "pumps" in pool.parse(note, "note.txt").text


def test_memory_hog_ends_at_the_limit(tmp_path: Path, note: Path):
    hog = tmp_path / "hog.json"
    hog.write_text("[" + ",".join(["[[],[],[],[],[],[]]"] * 600_000) + "]")
    with ParserPool(ParseLimits(memory_bytes=150 * MIB)) as pool:
        assert refused(lambda: pool.parse(hog, "hog.json")) == "parse_memory"
        assert "pumps" in pool.parse(note, "note.txt").text


def test_two_hundred_megabytes_of_text_are_refused_at_once(tmp_path: Path):
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as stream:
        for _ in range(200):
            stream.write(b"All work and no play makes a dull pump. " * 26_215)
    started = time.monotonic()
    with ParserPool(ParseLimits()) as pool:
        assert refused(lambda: pool.parse(huge, "huge.txt")) == "too_large"
    assert time.monotonic() - started < 20


def test_process_is_replaced_after_its_number_of_files(note: Path):
    with ParserPool(ParseLimits(recycle_after=2)) as pool:
        pool.parse(note, "note.txt")
        first = process_id(pool)
        pool.parse(note, "note.txt")
        assert pool._children[0] is None and not psutil.pid_exists(first)
        pool.parse(note, "note.txt")
        assert process_id(pool) != first


def test_threads_share_the_processes(note: Path):
    with ParserPool(ParseLimits(), processes=2) as pool, ThreadPoolExecutor(6) as threads:
        texts = [parsed.text for parsed in threads.map(lambda i: pool.parse(note, f"{i}.txt"), range(12))]
        assert texts == ["A short note about pumps and valves."] * 12
        assert sum(child is not None for child in pool._children) <= 2


def test_secrets_of_the_owner_stay_with_the_owner(note: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLUMB_SECRET_KEY", "do-not-tell")
    with ParserPool(ParseLimits()) as pool:
        pool.parse(note, "note.txt")
        environment = psutil.Process(process_id(pool)).environ()
    assert "PLUMB_SECRET_KEY" not in environment and "do-not-tell" not in environment.values()


def test_network_is_refused_in_the_process(tmp_path: Path):
    script = textwrap.dedent("""
        import socket
        from ingestion.parsing.parser_process import _refuse_network
        _refuse_network()
        try:
            socket.create_connection(("127.0.0.1", 9))
        except PermissionError:
            print("refused")
    """)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "refused", done.stderr


def test_process_dies_with_its_owner(note: Path):
    script = textwrap.dedent(f"""
        import os, signal, time
        from pathlib import Path
        from ingestion.parsing.limits import ParseLimits
        from ingestion.parsing.sandbox import ParserPool
        pool = ParserPool(ParseLimits())
        pool.parse(Path({str(note)!r}), "note.txt")
        print(pool._children[0]._process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the parser process outlived its owner")


def test_close_ends_a_running_parse_and_leaves_nothing(note: Path):
    pool = ParserPool(ParseLimits())
    codes: list[str] = []
    pool.parse(note, "note.txt")
    child = pool._children[0]
    assert child is not None
    os.kill(process_id(pool), signal.SIGSTOP)
    waiting = threading.Thread(target=lambda: codes.append(refused(lambda: pool.parse(note, "note.txt"))))
    waiting.start()
    time.sleep(0.3)
    pool.close()
    waiting.join(10)
    assert codes == ["parser_crashed"] and not Path(child._folder).exists()
    pool.close()
    with pytest.raises(RuntimeError, match="closed"):
        pool.parse(note, "note.txt")


def test_pdf_does_not_pay_for_the_other_parsers(tmp_path: Path):
    path = tmp_path / "one.pdf"
    page = canvas.Canvas(str(path))
    page.drawString(72, 700, "One line about pumps.")
    page.save()
    script = textwrap.dedent(f"""
        import json, sys
        from pathlib import Path
        from ingestion.parsing.limits import ParseLimits
        from ingestion.parsing.reading import read_document
        read_document(Path({str(path)!r}), "one.pdf", ParseLimits(), lambda share: None)
        print(json.dumps([name for name in ("unstructured", "spacy", "torch", "onnxruntime", "pandas") if name in sys.modules]))
    """)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == [], done.stderr
