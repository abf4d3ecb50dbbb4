from __future__ import annotations

from email.message import EmailMessage

import pytest

from ingestion.documents import DocumentRejected


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ann Müller <ann@example.com>"
    mail["To"] = "bob@example.com, eve@example.com"
    mail["Date"] = "Mon, 04 Mar 2024 10:00:00 +0100"
    mail["Subject"] = "Prüfung der Pumpe"
    mail.set_content("The pump was tested.\n\nIt runs at 50 litres a minute.\n")
    return mail


def test_fields_body_and_attachments(read, outline_of):
    mail = message()
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="Protokoll für Bob.pdf")
    parsed = read(mail.as_bytes(), "mail.eml")
    assert parsed.title == "Prüfung der Pumpe"
    assert outline_of(parsed) == [
        (
            "paragraph",
            None,
            "From: Ann Müller <ann@example.com>\nTo: bob@example.com, eve@example.com\n"
            "Date: Mon, 04 Mar 2024 10:00:00 +0100\nSubject: Prüfung der Pumpe",
        ),
        ("paragraph", None, "The pump was tested."),
        ("paragraph", None, "It runs at 50 litres a minute."),
        ("paragraph", None, "Attachments: Protokoll für Bob.pdf"),
    ]


def test_html_body_is_preferred_and_keeps_its_tables(read, tables_of):
    mail = message()
    mail.add_alternative(
        "<p>Tested:</p><table><tr><th>Pump</th><th>Flow</th></tr><tr><td>A</td><td>50</td></tr></table>", "html"
    )
    parsed = read(mail.as_bytes(), "mail.eml")
    assert tables_of(parsed) == ["| Pump | Flow |\n|---|---|\n| A | 50 |"]
    assert "was tested" not in parsed.text and parsed.title == "Prüfung der Pumpe"


def test_forwarded_mail_is_read(read):
    inner = message()
    outer = EmailMessage()
    outer["Subject"] = "Fwd"
    outer["From"] = "bob@example.com"
    outer.set_content("See below.")
    outer.add_attachment(inner)
    text = read(outer.as_bytes(), "fwd.eml").text
    assert "See below." in text and "50 litres" in text and "Prüfung der Pumpe" in text


def test_recognised_without_its_suffix(read):
    assert read(message().as_bytes(), "saved").media_type == "message/rfc822"


def test_malformed_fields_do_not_hurt(read):
    raw = b"From: =?utf-8?q?broken\nDate: not a date\nSubject: \xff\xfe\nTo: <<<\nMIME-Version: 1.0\n\nStill readable text.\n"
    assert "Still readable text." in read(raw, "odd.eml").text


def test_encrypted_mail(read):
    raw = b"From: a@example.com\nMIME-Version: 1.0\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\nAAAA\n"
    with pytest.raises(DocumentRejected) as rejected:
        read(raw, "secret.eml")
    assert rejected.value.code == "encrypted"
