from __future__ import annotations

import time

import pytest

from generation.routing.intents import IntentKind, intent_of
from generation.routing.small_talk import small_talk


@pytest.mark.parametrize(
    "text, kind, language",
    [
        ("Hello there!", "greeting", "en"),
        ("Thanks a lot, bye", "goodbye", "en"),
        ("Guten Morgen, wer bist du?", "identity", "de"),
        ("Tschüß", "goodbye", "de"),
        ("Merci beaucoup !", "thanks", "fr"),
        ("¡Hola! ¿Qué tal?", "greeting", "es"),
        ("👋", None, None),
        ("Hello, what is the rent?", None, None),
        ("Great Britain", None, None),
        ("again", None, None),
        ("", None, None),
    ],
)
def test_kind_and_language(text: str, kind: str | None, language: str | None) -> None:
    found = small_talk(text)
    assert (found and found.kind, found and found.language) == (kind, language)


def test_every_kind_has_a_reply_in_its_language() -> None:
    for text in ("Hello", "Danke", "Au revoir", "¿Quién eres?", "Qui es-tu ?", "Hasta luego", "Guten Tag", "thx"):
        found = small_talk(text)
        assert found is not None and found.reply
        assert intent_of(text).kind is IntentKind.CHAT


def test_long_texts_are_no_small_talk() -> None:
    started = time.perf_counter()
    assert small_talk("hello " * 4000) is None
    assert time.perf_counter() - started < 0.2
