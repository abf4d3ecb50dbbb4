"""The web page: plain files, served as they are."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

router = APIRouter(include_in_schema=False)

_WEB = Path(__file__).parent.parent / "web"
_FILES = {
    "page.css": "text/css; charset=utf-8",
    "ask.js": "text/javascript; charset=utf-8",
    "documents.js": "text/javascript; charset=utf-8",
    "groundedness.js": "text/javascript; charset=utf-8",
    "http.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
}
_REVALIDATE = {"Cache-Control": "no-cache"}


@router.get("/")
def page() -> FileResponse:
    return FileResponse(_WEB / "page.html", media_type="text/html; charset=utf-8", headers=_REVALIDATE)


def _add_file(name: str, media_type: str) -> None:
    @router.get(f"/web/{name}")
    def file() -> FileResponse:
        return FileResponse(_WEB / name, media_type=media_type, headers=_REVALIDATE)


for _name, _media_type in _FILES.items():
    _add_file(_name, _media_type)
