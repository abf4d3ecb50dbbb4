"""Title and headings in front of a chunk's text, so that the embedding knows what the chunk is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingestion.token_counting import TokenCounter

_SEPARATOR = " > "
_PART_CHARACTERS = 300
_SHORT_FORM_WORDS = (24, 12, 6, 3)


class Prefixes:
    """The prefix of every heading path of a document, within `limit` tokens; all are counted in one call.

    A prefix that is too long loses its outer headings first, then the ends of what is left, and at last everything.
    """

    def __init__(self, title: str, paths: Sequence[tuple[str, ...]], limit: int, counter: TokenCounter) -> None:
        wanted = {path[:depth] for path in paths for depth in range(len(path) + 1)}
        keys = sorted((path, with_title) for path in wanted for with_title in (False, True))
        title = " ".join(title.split())
        forms = {key: list(_forms(title if key[1] else "", key[0])) for key in keys}
        first_sizes = counter.sizes([forms[key][0] for key in keys])
        too_long = [key for key, size in zip(keys, first_sizes, strict=True) if size > limit]
        others = [form for key in too_long for form in forms[key][1:]]
        sizes = dict(zip(others, counter.sizes(others), strict=True))
        self._prefixes = {key: (forms[key][0], size) for key, size in zip(keys, first_sizes, strict=True)}
        for key in too_long:
            self._prefixes[key] = next(
                ((form, sizes[form]) for form in forms[key][1:] if sizes[form] <= limit), ("", 0)
            )
        self._largest: dict[tuple[str, ...], int] = {}
        for path in sorted(wanted, key=len):
            own = max(self._prefixes[path, False][1], self._prefixes[path, True][1])
            self._largest[path] = max(own, self._largest[path[:-1]] if path else 0)

    def of(self, path: tuple[str, ...], *, with_title: bool) -> tuple[str, int]:
        """The prefix and its size in tokens."""
        return self._prefixes[path, with_title]

    def largest_size(self, path: tuple[str, ...]) -> int:
        """Size of the largest prefix among those of `path` and of the paths above it."""
        return self._largest[path]


def _forms(title: str, path: tuple[str, ...]) -> Iterator[str]:
    """The prefix, then shorter and shorter forms of it."""
    headings = [" ".join(heading.split())[:_PART_CHARACTERS] for heading in path]
    if headings and headings[0].casefold() == title.casefold():
        headings = headings[1:]
    title = title[:_PART_CHARACTERS]
    for outermost in range(max(len(headings), 1)):
        yield _SEPARATOR.join(part for part in (title, *headings[outermost:]) if part)
    for words in _SHORT_FORM_WORDS:
        short = [" ".join(part.split(" ")[:words]) for part in (title, *headings[-1:])]
        yield _SEPARATOR.join(part for part in short if part)
