"""Mail: header fields, body, and the names of what is attached."""

from __future__ import annotations

import email
import email.errors
import email.header
import email.policy
import re
from collections.abc import Iterable
from email.message import EmailMessage, Message

from ingestion.documents import DocumentRejected, ParsedDocument
from ingestion.parsing.outline import Outline
from ingestion.parsing.plain_text import add_plain_text
from ingestion.parsing.source import Source
from ingestion.parsing.text_decoding import decode
from ingestion.parsing.unstructured_elements import add_elements, partition_message

_FIELDS = ("From", "To", "Cc", "Date", "Subject")
_ENCRYPTED_ATTACHMENT = re.compile(r"\.pgp-encrypted$|^smime\.p7m$", re.IGNORECASE)
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})


def read_mail(source: Source) -> ParsedDocument:
    """Mail in MIME form. The HTML body is preferred to the plain one for its structure; forwarded mails follow."""
    outline = Outline(source.name, source.media_type)
    data = source.path.read_bytes()
    if b"\0" in data[:4096]:
        text, _ = decode(data)
        data = text.encode("utf-8", "replace")
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    if message.get_content_type() in _ENCRYPTED:
        raise _encrypted()
    outline.stated_title = _field(message, "Subject")
    _add_message(outline, message, depth=0)
    return outline.finish()


def _encrypted() -> DocumentRejected:
    return DocumentRejected("The mail is encrypted; save it decrypted and upload it again.", code="encrypted")


def _add_message(outline: Outline, message: EmailMessage, depth: int) -> None:
    fields = [(field, _field(message, field)) for field in _FIELDS]
    outline.paragraph("\n".join(f"{field}: {value}" for field, value in fields if value))
    try:
        body = message.get_body(("html", "plain"))
    except (KeyError, AttributeError, ValueError, IndexError):
        body = None  # A broken tree of parts; what has text is found below.
    if body is not None:
        _add_body(outline, body)
    attached: list[str] = []
    for part in message.walk() if body is None or message.is_multipart() else ():
        if part is body or part is message or (part.is_multipart() and part.get_content_type() != "message/rfc822"):
            continue
        assert isinstance(part, EmailMessage)
        filename = _filename(part)
        if part.get_content_type() == "message/rfc822" and depth < 5:
            for inner in part.iter_parts() if part.is_multipart() else ():
                if isinstance(inner, EmailMessage):
                    _add_message(outline, inner, depth + 1)
        elif filename:
            attached.append(filename)
        elif body is None and part.get_content_maintype() == "text":
            _add_body(outline, part)
    if attached:
        outline.paragraph("Attachments: " + ", ".join(dict.fromkeys(attached)))


def _add_body(outline: Outline, part: Message) -> None:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        payload = str(part.get_payload()).encode("utf-8", "replace")
    text, warnings = _decoded(payload, part.get_content_charset())
    for warning in warnings:
        outline.warn(warning)
    if part.get_content_subtype() == "html":
        from ingestion.parsing.web_pages import add_html

        subject = outline.stated_title
        add_html(outline, text)
        outline.stated_title = subject or outline.stated_title
    else:
        add_plain_text(outline, text)


def _decoded(payload: bytes, charset: str | None) -> tuple[str, tuple[str, ...]]:
    if charset:
        try:
            return payload.decode(charset), ()
        except (LookupError, UnicodeDecodeError, ValueError):
            pass
    return decode(payload)


def _field(message: EmailMessage, name: str) -> str | None:
    try:
        value = message.get(name)
        return re.sub(r"\s+", " ", str(value)).strip() if value is not None else None
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        # The parser of the standard library trips over some malformed fields; their raw text is better than none.
        raw = next((value for field, value in message.raw_items() if field.lower() == name.lower()), None)
        return re.sub(r"\s+", " ", str(raw)).strip() if raw is not None else None


def _filename(part: EmailMessage) -> str | None:
    try:
        return part.get_filename()
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        return None


def read_outlook_message(source: Source) -> ParsedDocument:
    """Outlook's own form."""
    import oxmsg

    outline = Outline(source.name, source.media_type)
    message = oxmsg.Message.load(str(source.path))
    outline.stated_title = message.subject
    headers = {key.lower(): value for key, value in message.message_headers.items()}
    recipients = ", ".join(_address(one.name, one.email_address) for one in message.recipients)
    fields = {
        "From": message.sender or headers.get("from"),
        "To": headers.get("to") or recipients,
        "Cc": headers.get("cc"),
        "Date": str(message.sent_date) if message.sent_date else headers.get("date"),
        "Subject": message.subject,
    }
    outline.paragraph("\n".join(f"{field}: {_plain(value)}" for field, value in fields.items() if value))
    attachments = [attachment.file_name for attachment in message.attachments]
    if any(name and _ENCRYPTED_ATTACHMENT.search(name) for name in attachments):
        raise _encrypted()
    add_elements(outline, partition_message(source.path))
    _name_attachments(outline, attachments)
    return outline.finish()


def _plain(value: str) -> str:
    """A field of a mail header whose words may still be encoded (RFC 2047)."""
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except (LookupError, ValueError, email.errors.HeaderParseError):
        return value


def _address(name: str | None, address: str | None) -> str:
    return f"{name} <{address}>" if name and address and name != address else address or name or ""


def _name_attachments(outline: Outline, names: Iterable[str | None]) -> None:
    known = [name for name in names if name]
    if known:
        outline.paragraph("Attachments: " + ", ".join(known))
