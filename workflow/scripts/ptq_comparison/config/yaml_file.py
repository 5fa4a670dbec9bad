"""Files of YAML, read strictly: the same for the configuration and for recipes.

A file is a mapping of plain values: texts, numbers, true, false, null, lists, and mappings whose
keys are texts. What else YAML knows would be another value than the user sees (a date, a key that
stands twice), run out of memory (aliases of aliases) or end in an error of Python (deep nesting).
"""

from pathlib import Path
from typing import Any

import yaml

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import cut, named, shown

# Far above what anybody writes by hand, and still read in a second.
MAX_BYTES = 500_000
MAX_VALUES = 20_000  # counted again wherever an alias repeats them
MAX_DEPTH = 20
BITS = 63  # of an integer, without its sign: what NumPy and JSON readers can hold

TAG = "tag:yaml.org,2002:"
TEXT, MERGE = f"{TAG}str", f"{TAG}merge"
PLAIN = {f"{TAG}{kind}" for kind in ("str", "int", "float", "bool", "null", "seq", "map", "merge")}


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a file of YAML, in UTF-8.

    Raises UserError, whose text does not name the file, for anything that is no such mapping.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror}); correct that, or the path") from error
    if len(content) > MAX_BYTES:
        raise UserError(f"has more than {MAX_BYTES:,} bytes; shorten it")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"line {line}: is no UTF-8 text; save the file in UTF-8") from error
    return parse_yaml(text)


def parse_yaml(text: str) -> dict[str, Any]:
    """Return the mapping in a text of YAML. Raises UserError as `read_yaml` does."""
    try:
        content = yaml.load(text, _Loader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(
            f"line {line}: the character {chr(error.character)!r} is not allowed; remove it"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = cut(" ".join(f"{error.context or ''} {error.problem}".split()), 200)
        raise UserError(f"line {mark.line + 1}: no YAML ({problem}); correct it") from error
    if not isinstance(content, dict):
        raise UserError("no mapping at the top; write 'key: value', as the files in config/ do")
    return content


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Raises UserError with the number of the line for what is no plain value."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = self.deepest = self.values = 0
        self.extents: dict[yaml.Node, tuple[int, int]] = {}  # values in a node, and levels below it

    def compose_node(self, parent: Any, index: Any) -> yaml.Node:
        event, values, deepest = self.peek_event(), self.values, self.deepest
        self.depth += 1
        self.deepest = self.depth
        self._check_extent(event)
        node = super().compose_node(parent, index)
        if not isinstance(event, yaml.AliasEvent):
            self.values += 1
            self.extents[node] = self.values - values, self.deepest - self.depth
        elif node in self.extents:
            self.values += self.extents[node][0]
            self.deepest += self.extents[node][1]
        else:
            raise _mistake(event, f"*{named(event.anchor)} stands inside itself; remove it")
        self._check_extent(event)
        self.depth -= 1
        self.deepest = max(self.deepest, deepest)
        if node.tag not in PLAIN:
            if getattr(event, "tag", None):
                tag = node.tag.replace(TAG, "!!")
                raise _mistake(event, f"the tag {named(tag)} is not allowed; remove it")
            kind = node.tag.removeprefix(TAG)
            raise _mistake(
                event, f"{named(node.value)} is a {kind} in YAML; put it in quotes for a text"
            )
        return node

    def _check_extent(self, event: Any) -> None:
        if self.deepest > MAX_DEPTH:
            raise _mistake(event, f"is nested more than {MAX_DEPTH} deep; flatten it")
        if self.values > MAX_VALUES:
            raise _mistake(event, f"the file has more than {MAX_VALUES:,} values; shorten it")

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        event = self.peek_event()
        node = super().compose_scalar_node(anchor)
        if node.tag not in PLAIN or node.tag in (MERGE, TEXT):
            return node
        try:
            value = self.construct_object(node)
        except (ValueError, LookupError) as error:  # 0x_, !!int of a word
            text = f"{named(node.value)} cannot be read as {node.tag.removeprefix(TAG)}; correct it"
            raise _mistake(event, text) from error
        if isinstance(value, int) and value.bit_length() > BITS:
            text = f"the integer {named(node.value)} is too large; at most {BITS} bits are allowed"
            raise _mistake(event, text)
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _mistake(key, "a key is a list or a mapping; give a text")
            if key.tag not in (TEXT, MERGE):
                raise _mistake(key, f"the key {shown(key.value)} is no text; put it in quotes")
            if key.value in seen:
                text = f"{shown(key.value)} stands there once more; rename or remove one of them"
                raise _mistake(key, text)
            seen.add(key.value)
        return node


def _mistake(place: Any, text: str) -> UserError:
    """Return the error for an event or a node."""
    return UserError(f"line {place.start_mark.line + 1}: {text}")
