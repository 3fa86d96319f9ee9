"""An SVG within a page: small, named for screen readers, coloured by the page's own variables.

The document that matplotlib wrote is parsed and written anew: no prologue, no metadata, no namespace
declarations, no ids that nothing refers to; the ids that stay are short and made unique by the figure's key.
Styles are said once, in rules that reach no further than the figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from verinit.report.characters import visible
from verinit.report.figures import SENTINELS

_VARIABLES = {sentinel: f"var(--fig-{ink})" for ink, sentinel in SENTINELS.items()}
_DROPPED = ("metadata", "style", "title", "desc")
_NUMBER = re.compile(r"-?\d+\.\d+")
_STEP = re.compile(r"([MLz])\s*(?:(\S+) (\S+))?\s*")
_FONT = re.compile(r"(?:(bold|\d00) )?([\d.]+)px")
_FAMILY = re.compile(r"font-family:[^;]*;?")


def inline(svg: str, *, key: str, title: str, description: str) -> str:
    """The SVG element for a page, with a title and a description; `key` is unique in the page."""
    root = ElementTree.fromstring(svg)
    known = {node.get("id") for node in root.iter() if node.get("id")}
    wanted = [name for node in root.iter() for name in _references(node) if name in known]
    ids = {name: f"{key}-{number}" for number, name in enumerate(dict.fromkeys(wanted))}
    styles: dict[str, str] = {}
    body = "".join(_written(child, ids, styles) for child in root)
    rules = "".join(f"#{key}-s .{name}{{{style}}}" for style, name in styles.items())
    name, story = escape(visible(title)), escape(visible(description))
    return (
        f'<svg id="{key}-s" role="img" viewBox="{root.get("viewBox")}" aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{name}</title><desc id="{key}-d">{story}</desc>'
        f"<style>{rules}</style>{body}</svg>"
    )


def _references(node: ElementTree.Element) -> Iterator[str]:
    for value in node.attrib.values():
        if value.startswith("#"):
            yield value[1:]


def _written(node: ElementTree.Element, ids: dict[str, str], styles: dict[str, str]) -> str:
    tag = _local(node.tag)
    if tag in _DROPPED:
        return ""
    attributes = _attributes(node, tag, ids, styles)
    inner = escape(node.text or "") if tag == "text" else ""
    inner += "".join(_written(child, ids, styles) for child in node)
    if tag in ("g", "defs") and not attributes and (tag == "g" or not inner):
        return inner
    return f"<{tag}{attributes}>{inner}</{tag}>" if inner else f"<{tag}{attributes}/>"


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _attributes(node: ElementTree.Element, tag: str, ids: dict[str, str], styles: dict[str, str]) -> str:
    kept: dict[str, str] = {}
    for name, value in node.attrib.items():
        local = _local(name)
        if local == "id":
            kept["id"] = ids.get(value, "")
        elif local == "style":
            style = _style(value)
            kept["class"] = styles.setdefault(style, f"s{len(styles)}") if style else ""
        elif local == "d":
            kept["d"] = path(value)
        elif local == "href":
            kept["href"] = f"#{ids[value[1:]]}" if value[1:] in ids else ""
        elif not (tag == "text" and local == "transform"):  # only ever a rotation by nothing
            kept[local] = _NUMBER.sub(_rounded, value)
    return "".join(f" {name}={quoteattr(value)}" for name, value in kept.items() if value)


def _style(style: str) -> str:
    """One declaration after another, without spaces, defaults and the family, in the page's colours."""
    kept = []
    for declaration in _FAMILY.sub("", style).split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font" and (found := _FONT.search(value)):  # older matplotlib writes the shorthand
            name, value = "font-size", f"{found[2]}px"
            kept += [f"font-weight:{found[1]}"] if found[1] else []
        if not name or (name, value) in (("text-anchor", "start"), ("stroke-linecap", "square")):
            continue
        kept.append(f"{name}:{_VARIABLES.get(value, value)}")
    return ";".join(kept)


def _rounded(match: re.Match[str]) -> str:
    return _short(float(match[0]))


def _short(value: float) -> str:
    """A tenth of a pixel is enough."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def path(commands: str) -> str:
    """The path with a tenth of a pixel, and one letter for each level or upright step.

    >>> path("M 8 5 L 26.04 5 L 26.04 15 z")
    'M8 5H26V15z'
    """
    if "C" in commands or "Q" in commands:
        return _NUMBER.sub(_rounded, " ".join(commands.split()))
    out, at = [], ("", "")
    for letter, x, y in _STEP.findall(" ".join(commands.split())):
        if letter == "z":
            out.append("z")
            continue
        here = (_short(float(x)), _short(float(y)))
        out.append(_move(letter, at, here))
        at = here
    return "".join(out)


def _move(letter: str, at: tuple[str, str], here: tuple[str, str]) -> str:
    if letter == "M":
        return f"M{here[0]} {here[1]}"
    if here == at:
        return ""
    if here[0] == at[0]:
        return f"V{here[1]}"
    return f"H{here[0]}" if here[1] == at[1] else f"L{here[0]} {here[1]}"
