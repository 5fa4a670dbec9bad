"""The classes in the order of the model's outputs, and what a folder or label may call them."""

import difflib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import check_is_file
from ptq_comparison.common.texts import cut, shown_names
from ptq_comparison.datasets.names import check_name

MOST_BYTES = 2**24  # of a file of names; ImageNet-21k's has 1 MB
SYNSET = re.compile(r"(n[0-9]{8})[\s:,]+(.+)")  # as in ImageNet's synset_words.txt
NUMBERED = re.compile(r"([0-9]{1,9})[\s:,]+(.+)")
SHOWN = 3  # names in a message


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


# Keys of `sorted`, by the value of dataset.class_order. Equal keys stay in the order of the names.
ORDERS: dict[str, Callable[[str], Any]] = {
    "sorted": lambda name: name,
    "natural": _natural,
    "casefold": str.casefold,
}


class Classes:
    """The classes by number of output. `names` are those for people, each different."""

    def __init__(self, columns: Sequence[Sequence[str]], loosely: bool = False) -> None:
        """Take what each class is called: in tables, the last one of its names.

        `loosely`: the names also stand for others that differ in capitals, or in spaces, `_`
        and `-`, and each of several with commas between them stands alone.
        """
        self.names = _different(columns)
        folds: list[Callable[[str], str]] = [str, _folded, _folded] if loosely else [str]
        self._tables: list[tuple[Callable[[str], str], dict[str, set[int]]]] = []
        for step, fold in enumerate(folds):
            table: dict[str, set[int]] = {}
            for label, names in enumerate(columns):
                for name in names:
                    for part in name.split(",") if step == 2 else (name,):
                        table.setdefault(fold(part), set()).add(label)
            self._tables.append((fold, table))

    def __len__(self) -> int:
        return len(self.names)

    def find(self, name: str) -> set[int]:
        """Return the classes of a name: one, none, or several that share it."""
        for fold, table in self._tables:
            if found := table.get(fold(name)):
                return found
        return set()

    def index(self, name: str, where: str, remedy: str) -> int:
        """Return the one class of a name. Raises UserError for none and for several."""
        found = self.find(name)
        if len(found) == 1:
            return next(iter(found))
        if found:
            several = ", ".join(map(str, sorted(found)[:SHOWN]))
            raise UserError(
                f"{where}: {cut(name)!r} is the name of the classes {several}; use the synset, or "
                "the name of one class alone"
            )
        near = self._near(name)
        known = f"near: {', '.join(near)}" if near else f"they are {shown_names(self.names)}"
        raise UserError(f"{where}: {cut(name)!r} is none of the classes ({known}); {remedy}")

    def _near(self, name: str) -> list[str]:
        fold, table = self._tables[-1]
        written = {fold(own): own for own in [*self._tables[0][1]]}
        near = difflib.get_close_matches(fold(name)[:100], [*written, *table], SHOWN, 0.5)
        return list(dict.fromkeys(written.get(key, key) for key in near))


def _folded(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\s_-]+", " ", folded).strip()


def _different(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return the last column, where names are equal with the first one, or the number, behind."""
    counts = Counter(names[-1] for names in columns)
    return [
        names[-1]
        if counts[names[-1]] == 1
        else f"{names[-1]} ({names[0] if len(names) > 1 else label})"
        for label, names in enumerate(columns)
    ]


def read_classes(path: Path, order: str | None = None) -> Classes:
    """Read the names of the classes in the order of the outputs.

    One a line, also as ImageNet's `n01440764 tench, Tinca tinca`; or JSON: a list, a mapping of
    numbers to names or lists of names, a mapping of names to numbers, or a model's `config.json`
    with `id2label`. Another `order` than `file` sorts them by their first name. Raises UserError.
    """
    where = f"dataset.classes: {path}"
    check_is_file(path)
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{where}: above {MOST_BYTES:,} bytes; name a file of names alone")
    try:
        text = path.read_text("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    read = _from_json if text.lstrip().startswith(("{", "[")) else _from_lines
    columns = read(where, text)
    if not columns:
        raise UserError(f"{where}: has no names; write one a line")
    for names in columns:
        for name in names:
            check_name(f"{where}: the class", name)
    if order in ORDERS:
        columns.sort(key=lambda names: ORDERS[order](names[0]))
    return Classes(columns, loosely=True)


def _from_lines(where: str, text: str) -> list[list[str]]:
    lines = [line.strip() for line in text.split("\n")] if text else []
    if "" in lines:
        raise UserError(f"{where}: line {lines.index('') + 1} is empty; each line names a class")
    matches = [NUMBERED.fullmatch(line) for line in lines]
    if all(match and int(match[1]) == label for label, match in enumerate(matches)):
        lines = [match[2] for match in matches if match]
    return [_columns(line) for line in lines]


def _columns(line: str) -> list[str]:
    if match := SYNSET.fullmatch(line):
        return [match[1], match[2]]
    return [part.strip() for part in line.split("\t")]


def _from_json(where: str, text: str) -> list[list[str]]:
    forms = '["tench", ...], {"0": "tench", ...} or {"0": ["n01440764", "tench"], ...}'
    try:
        content = json.loads(text, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON ({first_line(error)}); write {forms}") from error
    if isinstance(content, dict) and isinstance(content.get("id2label"), dict):
        content = content["id2label"]
    if isinstance(content, list):
        content = dict(enumerate(content))
    if content and all(type(number) is int for number in content.values()):
        by_number = {number: name for name, number in content.items()}
    else:
        by_number = {_number(key): names for key, names in content.items()}
    if set(by_number) != set(range(len(content))):
        raise UserError(
            f"{where}: has {len(content)} classes, but not with the numbers 0 to "
            f"{len(content) - 1}; number them as the model's outputs"
        )
    ordered = [by_number[label] for label in range(len(by_number))]
    columns = [[names] if isinstance(names, str) else names for names in ordered]
    for label, names in enumerate(columns):
        if not isinstance(names, list) or not names or not all(type(n) is str for n in names):
            raise UserError(f"{where}: class {label} is {cut(repr(names))}; write {forms}")
    return columns


def _number(key: Any) -> int:
    """Return the number that a key writes, or -1, which is none of an output."""
    return int(key) if re.fullmatch(r"[0-9]{1,9}", str(key)) else -1


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        (repeated, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"{cut(repr(repeated))} stands twice")
    return content
