"""HTML pages: what a reader of the page would call its content, through `unstructured`."""

from __future__ import annotations

import re

from lxml import etree, html

from ingestion.documents import ParsedDocument
from ingestion.parsing.html_tables import expand_spans
from ingestion.parsing.outline import Outline
from ingestion.parsing.source import Source
from ingestion.parsing.text_decoding import decode_file
from ingestion.parsing.unstructured_elements import add_elements, partition_html

_REMOVED = ("script", "style", "noscript", "template", "nav", "svg", "iframe", "object", "button", "select", "textarea")
_REMOVED_ROLES = frozenset({"navigation", "search", "menu", "menubar", "toolbar", "dialog", "alertdialog"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BOILERPLATE = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|cookie|consent|skip|share|social|footer|pagination"
    r"|interlanguage|catlinks|toc|advert|promo)(?:$|[\s_-])",
    re.IGNORECASE,
)
_MOSTLY_LINKS = 0.6
_MAIN_SHARE = 0.4
# Elements that `unstructured` drops with everything inside, though they hold text that people read.
_UNWRAPPED = {"form": "div", "details": "div", "summary": "p", "figure": "div", "figcaption": "p", "fieldset": "div",
              "legend": "p", "label": "span", "dl": "div", "dt": "p", "dd": "p"}  # fmt: skip
_BLOCKS_IN_LAYOUT = ("table", "h1", "h2", "h3", "h4", "ul", "ol", "article", "section")


def read_html(source: Source) -> ParsedDocument:
    outline = Outline(source.name, source.media_type)
    text = decode_file(source.path, outline.warn)
    add_html(outline, text)
    return outline.finish()


def add_html(outline: Outline, source: str) -> None:
    """Adds the content of the page to the outline, and its title when it states one."""
    root = _tree(source)
    if root is None:
        return
    title = root.find(".//title")
    if title is not None:
        outline.stated_title = title.text_content()
    _simplify(root)
    add_elements(outline, partition_html(html.tostring(_main(root), encoding="unicode")))


def _tree(source: str) -> html.HtmlElement | None:
    # The declaration of an encoding no longer holds for decoded text, and lxml refuses text that has one.
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", source.replace("\0", ""))
    parser = html.HTMLParser(remove_comments=True, remove_pis=True, no_network=True, huge_tree=False)
    try:
        return html.document_fromstring(source, parser=parser)
    except etree.ParserError:
        return None  # Nothing but comments and white space.


def _simplify(root: html.HtmlElement) -> None:
    body = root.find("body")
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element is root or element is body:
            continue
        if element.tag in _REMOVED or _is_hidden(element) or _is_boilerplate(element):
            if element.getparent() is not None:
                element.drop_tree()
        elif element.tag in _UNWRAPPED:
            element.tag = _UNWRAPPED[element.tag]
        elif element.tag == "table" and _is_layout(element):
            _unwrap_table(element)
        elif element.tag == "table":
            expand_spans(element)


def _is_hidden(element: html.HtmlElement) -> bool:
    return (
        element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or element.get("role") in _REMOVED_ROLES
        or bool(_HIDDEN.search(element.get("style", "")))
    )


def _is_boilerplate(element: html.HtmlElement) -> bool:
    """Menus and the like: named so, or a footer, and mostly links."""
    named = _BOILERPLATE.search(f"{element.get('id', '')} {element.get('class', '')}")
    if not (named or element.tag == "footer") or element.tag in ("html", "body", "main", "article"):
        return False
    text = len("".join(element.itertext()).split())
    linked = sum(len("".join(link.itertext()).split()) for link in element.iter("a"))
    return text > 0 and linked >= _MOSTLY_LINKS * text


def _is_layout(table: html.HtmlElement) -> bool:
    """A table that places blocks on the page rather than values in columns."""
    if table.get("role") in ("presentation", "none"):
        return True
    if table.find(".//th") is not None:
        return False
    return any(table.find(f".//td//{tag}") is not None for tag in _BLOCKS_IN_LAYOUT)


def _unwrap_table(table: html.HtmlElement) -> None:
    for part in list(table.iter("tr", "td", "th", "tbody", "thead", "tfoot")):
        # Rows of tables inside are left to those tables.
        if next(part.iterancestors("table"), None) is table:
            part.tag = "div"
    table.tag = "div"


def _main(root: html.HtmlElement) -> html.HtmlElement:
    """The one main part of the page when it holds much of its text."""
    candidates = root.findall(".//main") or root.xpath(".//*[@role='main']") or root.findall(".//article")
    if len(candidates) != 1:
        return root
    main = candidates[0]
    return main if len(main.text_content()) > _MAIN_SHARE * len(root.text_content()) else root
