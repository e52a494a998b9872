"""A strict reader of HTML for the tests: what is opened is closed, and in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = {"meta", "link", "br", "wbr"}
_INLINE = {"a", "abbr", "b", "code", "span", "strong", "wbr"}


@dataclass(kw_only=True)
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)
    parts: list[str | Element] = field(default_factory=list)
    """Text and children in their order."""

    def all(self, tag: str) -> list[Element]:
        return [found for child in self.children for found in child._and_all(tag)]

    def words(self) -> str:
        """All text in its order; what is not in a line with others stands apart."""
        words = "".join(part if isinstance(part, str) else part.words() for part in self.parts)
        return words if self.tag in _INLINE else f"\n{words}\n"

    def _and_all(self, tag: str) -> list[Element]:
        return ([self] if tag in ("*", self.tag) else []) + self.all(tag)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element(tag="", attributes={})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        element = Element(tag=tag, attributes={name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        self.open[-1].parts.append(element)
        if tag not in _EMPTY:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data
        self.open[-1].parts.append(data)


def read(text: str) -> Element:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == [reader.root], f"not closed: {[element.tag for element in reader.open[1:]]}"
    return reader.root
