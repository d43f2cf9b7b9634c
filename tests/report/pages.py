"""Pages as lists of elements, for tests."""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["Attributes", "Page"]

Attributes = dict[str, str | None]


class Page(HTMLParser):
    """The elements of a page in order, each with its attributes and the text directly inside it."""

    VOID = frozenset({"meta", "link", "br", "path", "use"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.stream: list[tuple[str, Attributes | None, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.stream.append((tag, dict(attrs), ""))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))
        self.stream.append(("", None, data))

    def all(self, tag: str) -> list[Attributes]:
        return [attributes for name, attributes in self.elements if name == tag]

    def words(self) -> str:
        return " ".join(text for tag, text in self.texts if tag not in {"style", "script"})

    def text_of(self, section: str) -> str:
        """Returns the words between the heading of that id and the next heading of the same level."""
        found, inside = [], False
        for tag, attributes, text in self.stream:
            if tag == "h2" and attributes is not None:
                inside = attributes.get("id") == section
            elif inside and attributes is None:
                found.append(text)
        return " ".join(found)
