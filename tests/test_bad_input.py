"""Everything that can be wrong with what people send, through the whole platform.

What is bad is refused with a code and a sentence, its row says so, no point of it is in the index, and the good document
that came with it is found. `taken_in` is one real ingestion of all files; `client` is a server over what it left.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import io
import json
import os
import random
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import httpx
import pypdfium2
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from api.app import create_app
from ingestion.records import DocumentRecord, Status
from retrieval.passages import Scope
from runtime.settings import Settings
from tests.api.serving import serving, wait_until
from tests.cli.processes import plumb
from tests.workers.real_ingestion import TENANT, running_ingestion, wait_until_done

GOOD = b"# Kiln\n\nThe kiln in the north workshop is fired every second Tuesday.\n"
GOOD_QUESTION = "When is the kiln in the north workshop fired?"
NOISE = random.Random(7).randbytes(100_000)
LONG_PAGES = 3000
LAST_SHEET = "The pressure gauge of the northern pumping station broke in March 2021."
LAST_QUESTION = {"question": "When did the pressure gauge of the northern station break?", "collection": "read"}


def pdf(*pages: str, encrypt: StandardEncryption | None = None) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, encrypt=encrypt)
    for text in pages:
        canvas.drawString(72, 700, text)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def pdf_without_pages() -> bytes:
    target = io.BytesIO()
    pypdfium2.PdfDocument.new().save(target)
    return target.getvalue()


def word(*paragraphs: str) -> bytes:
    document, target = docx.Document(), io.BytesIO()
    for text in paragraphs:
        document.add_paragraph(text)
    document.save(target)
    return target.getvalue()


def zip_bomb() -> bytes:
    """A Word file of 200 KB whose text unpacks to 200 MB."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word("x"))) as model, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in model.namelist():
            if name != "word/document.xml":
                bomb.writestr(name, model.read(name))
        with bomb.open("word/document.xml", "w", force_zip64=True) as text:
            for _ in range(20):
                text.write(bytes(10_000_000))
    return target.getvalue()


REFUSED: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "empty.txt": (lambda: b"", {"empty_file"}),
    "empty.pdf": (lambda: b"", {"empty_file"}),
    "only-spaces.md": (lambda: b" \n\t\n", {"empty_file", "no_text"}),
    "zero-pages.pdf": (pdf_without_pages, {"damaged", "no_text"}),
    "encrypted.pdf": (lambda: pdf("Hidden.", encrypt=StandardEncryption("secret", canPrint=0)), {"encrypted"}),
    "truncated.docx": (lambda: word(*["The kiln is fired on Fridays."] * 300)[:15_000], {"damaged"}),
    "bomb.docx": (zip_bomb, {"unpacks_too_large"}),
    "archive.zip": (lambda: zipped(b"hello"), {"unsupported_format"}),
    "broken.json": (lambda: b'{"a": [1, 2,', {"damaged"}),
    "noise.txt": (lambda: NOISE, {"unsupported_format"}),
    "noise.pdf": (lambda: NOISE[1:], {"unsupported_format"}),
    "noise": (lambda: NOISE[2:], {"unsupported_format"}),
    "huge.txt": (lambda: b"Nothing new today, says row after row of the ledger.\n" * 3_800_000, {"too_large"}),
}

READ = {
    "pdf-in-disguise.docx": (pdf("The lantern is lit at dusk by the keeper."), "Who lights the lantern?"),
    "text-in-disguise.pdf": (b"The orchard has forty plum trees.\n", "How many plum trees has the orchard?"),
    "latin-1.txt": ("The café crème costs four francs.\n".encode("latin-1"), "What does the café crème cost?"),
    "utf-16.txt": ("The heron nests in the reeds in April.\n".encode("utf-16"), "Where does the heron nest?"),
    "broken-utf-8.txt": (b"The valve was replaced \xff\xc3\x28 by the fitter in May.\n", "Who replaced the valve?"),
    "nul.txt": (b"The pump\x00 runs at forty bar.\n", "At what pressure does the pump run?"),
    "long.pdf": (pdf(*(f"Sheet {number}" for number in range(1, LONG_PAGES)), LAST_SHEET), "What broke?"),
}


def zipped(content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.txt", content)
    return target.getvalue()


@dataclasses.dataclass(frozen=True, slots=True)
class TakenIn:
    """The rows by name, the number of each document's points, and of all points."""

    folder: Path
    documents: dict[str, DocumentRecord]
    points: dict[str, int]
    all_points: int
    retried: DocumentRecord


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> TakenIn:
    folder = tmp_path_factory.mktemp("data")
    with running_ingestion(folder) as (ingestion, index):
        for name, (content, _) in REFUSED.items():
            ingestion.intake.receive(TENANT, "default", name, io.BytesIO(content()))
        ingestion.intake.receive(TENANT, "default", "good.md", io.BytesIO(GOOD))
        for name, (content, _) in READ.items():
            ingestion.intake.receive(TENANT, "read", name, io.BytesIO(content))
        wait_until_done(ingestion, 110)
        documents = {one.name: one for one in ingestion.registry.documents(TENANT, limit=500).documents}
        points = {name: index.count(Scope(TENANT), one.id) for name, one in documents.items()}
        all_points = index.count(Scope(TENANT))
        ingestion.intake.retry(TENANT, documents["encrypted.pdf"].id)
        wait_until_done(ingestion)
        retried = ingestion.registry.document(TENANT, documents["encrypted.pdf"].id)
    return TakenIn(folder, documents, points, all_points, retried)


def complaint(folder: Path, *arguments: str) -> str:
    """What a `plumb` that must fail says."""
    done = plumb(*arguments, cwd=folder.parent, PLUMB_DATA_DIR=str(folder))
    assert done.returncode == 1, done
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.fixture(scope="module")
def index_complaints(taken_in: TakenIn) -> list[str]:
    """What is said while another process holds the index, and when the index is that of another model."""
    (made,) = taken_in.folder.glob("index/*/generation.json")
    with (made.parent / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        locked = complaint(taken_in.folder, "ask", GOOD_QUESTION)
    former = made.read_text()
    made.write_text(json.dumps(json.loads(former) | {"embedding_model": "some-other-model"}))
    mismatch = complaint(taken_in.folder, "ingest", str(made))
    made.write_text(former)
    return [locked, mismatch]


@pytest.fixture(scope="module")
def client(taken_in: TakenIn, index_complaints: list[str]) -> Iterator[httpx.Client]:
    with (
        serving(create_app(Settings(data_dir=taken_in.folder))) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        yield client


def found(client: httpx.Client, question: str, collection: str = "default") -> list[str]:
    body = {"question": question, "collection": collection, "top_k": 3}
    response = client.post("/v1/search", json=body)
    assert response.status_code == 200, response.text
    return [passage["document_name"] for passage in response.json()["passages"]]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_fails_alone_and_leaves_no_point(taken_in: TakenIn, name: str) -> None:
    document = taken_in.documents[name]
    assert (document.status, document.searchable) == (Status.FAILED, False)
    assert document.error is not None
    assert document.error.code in REFUSED[name][1]
    assert document.error.message.endswith(".") and len(document.error.message) > 15
    assert taken_in.points[name] == 0


@pytest.mark.parametrize("name", READ)
def test_what_looks_bad_but_can_be_read_is_found(taken_in: TakenIn, client: httpx.Client, name: str) -> None:
    document = taken_in.documents[name]
    assert (document.status, document.error) == (Status.READY, None)
    assert document.facts is not None and taken_in.points[name] == document.facts.chunk_count
    assert found(client, READ[name][1], "read")[0] == name


def test_all_pages_of_a_long_document_are_there_and_the_last_is_cited(taken_in: TakenIn, client: httpx.Client) -> None:
    facts = taken_in.documents["long.pdf"].facts
    assert facts is not None and facts.page_count == LONG_PAGES
    answer = client.post("/v1/ask", json=LAST_QUESTION).json()
    assert [(one["document_name"], one["page"]) for one in answer["citations"]] == [("long.pdf", LONG_PAGES)], answer


def test_the_good_document_among_the_bad_is_found(taken_in: TakenIn, client: httpx.Client) -> None:
    assert taken_in.documents["good.md"].status is Status.READY
    assert found(client, GOOD_QUESTION) == ["good.md"]
    assert taken_in.all_points == sum(taken_in.points.values())
    answer = client.post("/v1/ask", json={"question": GOOD_QUESTION}).json()
    assert "second Tuesday" in answer["answer"] and answer["citations"][0]["document_name"] == "good.md"


def test_a_refused_document_can_be_retried_replaced_and_deleted(taken_in: TakenIn, client: httpx.Client) -> None:
    assert (taken_in.retried.status, taken_in.retried.error) == (
        Status.FAILED,
        taken_in.documents["encrypted.pdf"].error,
    )
    document_id = taken_in.documents["truncated.docx"].id
    better = word("The ferry crosses the river at noon.")
    accepted = client.post("/v1/documents", files={"file": ("truncated.docx", better)}).json()
    assert accepted["document_id"] == document_id
    wait_until(lambda: client.get(f"/v1/jobs/{accepted['job_id']}").json()["finished_at"], 30)
    assert client.get(f"/v1/documents/{document_id}").json()["error"] is None
    assert found(client, "When does the ferry cross the river?")[0] == "truncated.docx"
    for name in ("truncated.docx", "bomb.docx"):
        path = f"/v1/documents/{taken_in.documents[name].id}"
        assert client.delete(path).status_code == 202
        wait_until(lambda path=path: client.get(path).status_code == 404, 30)
    assert found(client, GOOD_QUESTION) == ["good.md"]


@pytest.mark.parametrize(
    "name", [b"../../etc/passwd", b"a/../../b.md", b"..\\..\\b.md", b"..", b"/etc/b.md", b"a\0b.md", b"./"]
)
def test_names_that_lead_astray_are_refused(client: httpx.Client, taken_in: TakenIn, name: bytes) -> None:
    before = len(client.get("/v1/documents", params={"limit": 500}).json()["documents"])
    quoted = name.replace(b"\\", b"\\\\")
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="' + quoted + b'"\r\n\r\n'
    response = client.post(
        "/v1/documents",
        content=head + b"The words of a stranger.\r\n--cut--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=cut"},
    )
    assert (response.status_code, response.json()["code"]) == (422, "invalid_document_name")
    assert len(client.get("/v1/documents", params={"limit": 500}).json()["documents"]) == before
    assert not list(taken_in.folder.parent.rglob("passwd"))


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/search"])
@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (b'{"question": ""}', 422, "invalid_question", "is empty"),
        (b'{"question": " \\n\\t "}', 422, "invalid_question", "is empty"),
        (json.dumps({"question": "why " * 25_000}).encode(), 422, "invalid_question", "100,000 characters"),
        (b'{"question": "a\\u0000b"}', 422, "invalid_request", "question: The text holds a NUL character"),
        (b'{"question": "a\\ud800b"}', 422, "invalid_request", "question: The text holds broken characters"),
        (b'{"question": "a\xffb"}', 400, "invalid_json", "UTF-8"),
        (b'{"question": "a', 400, "invalid_json", "not valid JSON"),
        (b'{"question": "' + b"why " * 1_000_000 + b'"}', 413, "too_large", "larger than"),
        (b'{"question": "Why?", "collection": "nowhere"}', 404, "unknown_collection", "'nowhere'"),
        (b'{"question": "Why?", "collection": ""}', 422, "invalid_request", "at least 1 character"),
        (b'{"question": "Why?", "collection": "../default"}', 404, "unknown_collection", "no collection"),
    ],
    ids=["empty", "blank", "100,000", "nul", "surrogate", "not-utf-8", "cut", "4-mb", "unknown", "no-name", "path"],
)
def test_questions_that_cannot_be_asked(
    client: httpx.Client, path: str, body: bytes, status: int, code: str, words: str
) -> None:
    response = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert words in response.json()["detail"] and "Value error" not in response.text


def test_an_index_in_use_by_another_process_is_one_sentence(index_complaints: list[str]) -> None:
    assert "in use by another Plumbline process" in index_complaints[0]


def test_an_index_of_another_model_is_one_sentence(index_complaints: list[str]) -> None:
    assert "some-other-model" in index_complaints[1] and "former settings" in index_complaints[1]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system; `resize` makes it smaller or larger."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=700m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(disk: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte free."""
    path = disk / "filling"
    for piece in (bytes(1_000_000), b"x"):
        with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(piece)
    assert shutil.disk_usage(disk).free == 0
    return path


@pytest.mark.faults
def test_a_full_disk(disk: Path) -> None:
    folder = disk / "data"
    with (
        serving(create_app(Settings(data_dir=folder))) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        accepted = client.post("/v1/documents", files={"file": ("good.md", GOOD)}).json()
        wait_until(lambda: client.get(f"/v1/jobs/{accepted['job_id']}").json()["finished_at"], 60)
        resize(disk, 200)
        assert found(client, GOOD_QUESTION) == ["good.md"]
        filling = fill(disk)
        for path, content in (("b.md", b"The ferry crosses at noon."), ("c.md", b"The bell rings. " * 100_000)):
            response = client.post("/v1/documents", files={"file": (path, content)})
            assert (response.status_code, response.json()["code"]) == (507, "storage_full")
            assert "Free some space" in response.json()["detail"]
        assert found(client, GOOD_QUESTION) == ["good.md"]
        response = client.post("/v1/ask", json={"question": GOOD_QUESTION})
        assert (response.status_code, response.json()["code"]) == (507, "storage_full")

        # Room for the upload, not for the index: the job waits, says why, and goes on by itself.
        filling.unlink()
        accepted = client.post(
            "/v1/documents", files={"file": ("b.md", b"The ferry crosses the river at noon.")}
        ).json()
        job = f"/v1/jobs/{accepted['job_id']}"
        wait_until(lambda: client.get(job).json()["error"])
        waiting = client.get(job).json()
        assert (waiting["status"], waiting["error"]["code"]) == ("queued", "disk_full")
        assert found(client, "When does the ferry cross?") == ["good.md"]
        resize(disk, 700)
        wait_until(lambda: client.get(job).json()["finished_at"], 40)
        assert client.get(job).json()["status"] == "ready"
        assert found(client, "When does the ferry cross the river?")[0] == "b.md"

    resize(disk, 200)
    filling = fill(disk)
    assert "is full. Free some space" in complaint(folder, "ask", GOOD_QUESTION)
    os.truncate(filling, filling.stat().st_size - 30_000_000)
    assert "Free some space" in complaint(folder, "ask", GOOD_QUESTION)
    filling.unlink()
    with (
        serving(create_app(Settings(data_dir=folder))) as address,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        assert found(client, GOOD_QUESTION)[0] == "good.md"
        assert {one["status"] for one in client.get("/v1/documents").json()["documents"]} == {"ready"}
