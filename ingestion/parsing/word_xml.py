"""Word files as `unstructured` can read them whole.

It passes over text boxes, content controls and formulas.
"""

from __future__ import annotations

from typing import Any

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_CHOICES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"


def lift_hidden_text(document: Any) -> None:
    """Changes a python-docx document in place: what stands in boxes, controls and formulas becomes plain paragraphs."""
    body = document.element.body
    for fallback in list(body.iter(f"{_CHOICES}Fallback")):
        # A second form of the same drawing, for old programs.
        if fallback.getparent().find(f"{_CHOICES}Choice") is not None:
            fallback.getparent().remove(fallback)
    for control in list(body.iter(f"{_WORD}sdt")):
        content = control.find(f"{_WORD}sdtContent")
        _replace(control, list(content) if content is not None else [])
    for box in list(body.iter(f"{_WORD}txbxContent")):
        paragraph = next(box.iterancestors(f"{_WORD}p"), None)
        if paragraph is not None:
            for child in reversed(list(box)):
                paragraph.addnext(child)
    for formula in list(body.iter(f"{_MATH}oMath")):
        if any(ancestor.tag == f"{_MATH}oMath" for ancestor in formula.iterancestors()):
            continue
        run = formula.makeelement(f"{_WORD}r")
        text = run.makeelement(f"{_WORD}t")
        text.text = _linear(formula)
        text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        run.append(text)
        _replace(formula, [run])
    for wrapper in list(body.iter(f"{_MATH}oMathPara")):
        _replace(wrapper, list(wrapper.iter(f"{_WORD}r")))


def _replace(element: Any, children: list[Any]) -> None:
    parent = element.getparent()
    if parent is None:
        return
    place = parent.index(element)
    parent.remove(element)
    for child in reversed(children):
        parent.insert(place, child)


def _linear(element: Any) -> str:
    """A formula in one line: fractions as (a)/(b), exponents as a^b, indexes as a_b."""
    tag = element.tag.removeprefix(_MATH) if isinstance(element.tag, str) else ""
    if tag == "t":
        return element.text or ""
    parts = {child.tag.removeprefix(_MATH): _linear(child) for child in element if isinstance(child.tag, str)}
    if tag == "f":
        return f"({parts.get('num', '')})/({parts.get('den', '')})"
    if tag == "sSup":
        return f"{parts.get('e', '')}^{parts.get('sup', '')}"
    if tag == "sSub":
        return f"{parts.get('e', '')}_{parts.get('sub', '')}"
    if tag == "sSubSup":
        return f"{parts.get('e', '')}_{parts.get('sub', '')}^{parts.get('sup', '')}"
    if tag == "rad":
        return f"√({parts.get('e', '')})"
    return "".join(_linear(child) for child in element)
