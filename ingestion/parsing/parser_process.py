"""What runs inside a parser process: `python -m ingestion.parsing.parser_process LIMITS_JSON LIFELINE_FD`.

Started only by `ingestion.parsing.sandbox`. Reads requests from stdin, answers on stdout (see frames.py), and ends when
its owner does.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import select
import sys
import time
import traceback
from pathlib import Path
from typing import BinaryIO

from ingestion.documents import DocumentRejected
from ingestion.parsing.frames import encode_frame, read_frame
from ingestion.parsing.limits import MIB, ParseLimits

# The owner watches resident memory; this stops a single huge allocation between two of its looks.
_ALLOCATION_HEADROOM = 1024 * MIB
_PROGRESS_INTERVAL = 0.2


def main() -> None:
    limits = ParseLimits(**json.loads(sys.argv[1]))
    _end_with_owner(int(sys.argv[2]))
    _limit_resources(limits)
    _refuse_network()
    answers = _private_stdout()
    while (request := read_frame(sys.stdin.buffer)) is not None:
        _answer(request, limits, answers)


def _answer(request: dict[str, str], limits: ParseLimits, answers: BinaryIO) -> None:
    # Late, so that the limits above already hold while parsers are imported.
    from ingestion.parsing.reading import read_document

    last_told = time.monotonic()

    def tell(progress: float) -> None:
        nonlocal last_told
        if time.monotonic() - last_told >= _PROGRESS_INTERVAL:
            last_told = time.monotonic()
            answers.write(encode_frame({"progress": progress}))
            answers.flush()

    message: dict[str, object]
    try:
        document = read_document(Path(request["path"]), request["name"], limits, tell)
        message = {"document": document.to_json()}
    except DocumentRejected as rejected:
        message = {"rejected": {"code": rejected.code, "message": rejected.message}}
    except MemoryError:
        message = {"rejected": {"code": "parse_memory", "message": "The file needs more memory than allowed."}}
    except Exception:  # noqa: BLE001
        # Parsers meet hostile bytes and fail in ways of their own; whatever they raise is a damaged file to its owner.
        message = {
            "rejected": {
                "code": "damaged",
                "message": "The file is damaged or uses a feature that cannot be read; open and save it again.",
            },
            "detail": traceback.format_exc(limit=-12),
        }
    answers.write(encode_frame(message))
    answers.flush()


def _end_with_owner(lifeline: int) -> None:
    """The owner holds the other end of this pipe: when it closes, the kernel sends SIGIO, which ends this process.

    Nothing here needs to run for that, so it works while native code is busy; a death signal tied to the parent
    (PR_SET_PDEATHSIG) would also strike when merely the thread that started this process ends.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    closed_already, _, _ = select.select([lifeline], [], [], 0)
    if closed_already:
        sys.exit(0)


def _limit_resources(limits: ParseLimits) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, value in (
        (resource.RLIMIT_DATA, limits.memory_bytes + _ALLOCATION_HEADROOM),
        (resource.RLIMIT_FSIZE, limits.unpacked_bytes),
    ):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _refuse_network() -> None:
    """No document makes a parser open a connection: links to pictures, schemas and style sheets stay links."""

    def refuse(event: str, _arguments: object) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            raise PermissionError("parsers do not use the network")

    sys.addaudithook(refuse)


def _private_stdout() -> BinaryIO:
    """Answers get the real stdout; whatever libraries print goes to stderr and cannot mix with them."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()
