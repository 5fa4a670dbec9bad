"""The texts of an SVG with letters as outlines: where they lie, and their colour."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
FILL = re.compile(r"fill: *([^;]+)")


class Text(NamedTuple):
    low: np.ndarray  # left and top, in the unit of the view box
    high: np.ndarray
    fill: str


def read_svg(path: Path) -> tuple[ElementTree.Element, list[float], list[Text]]:
    """Return the root of an SVG, its view box as x, y, width and height, and its texts."""
    root = ElementTree.parse(path).getroot()
    glyphs = {item.get("id"): item for item in root.iter(f"{SVG}path") if item.get("id")}
    box = [float(number) for number in root.attrib["viewBox"].split()]
    texts = []
    for group, matrix in _walk(root, np.eye(3)):
        if group.tag == f"{SVG}g" and re.fullmatch(r"text_\d+", group.get("id", "")):
            texts += _read_text(group, matrix, glyphs)
    return root, box, texts


def _walk(
    element: ElementTree.Element, matrix: np.ndarray
) -> Iterator[tuple[ElementTree.Element, np.ndarray]]:
    matrix = matrix @ _transform(element)
    yield element, matrix
    for child in element:
        if child.tag != f"{SVG}defs":
            yield from _walk(child, matrix)


def _read_text(
    group: ElementTree.Element, matrix: np.ndarray, glyphs: dict[str, ElementTree.Element]
) -> list[Text]:
    points, fill = [], "black"
    for item, place in _walk(group, matrix @ np.linalg.inv(_transform(group))):
        if match := FILL.search(item.get("style", "")):
            fill = match[1]
        if item.tag == f"{SVG}use":
            glyph = glyphs[item.attrib[LINK][1:]]
            numbers = [float(number) for number in NUMBER.findall(glyph.get("d", ""))]
            outline = np.reshape(numbers, (-1, 2))
            if len(outline):  # a space has none
                ones = np.ones((len(outline), 1))
                points += list((np.hstack([outline, ones]) @ (place @ _transform(glyph)).T)[:, :2])
    return [Text(np.min(points, axis=0), np.max(points, axis=0), fill)] if points else []


def _transform(element: ElementTree.Element) -> np.ndarray:
    matrix = np.eye(3)
    for name, inner in re.findall(r"(\w+)\(([^)]*)\)", element.get("transform", "")):
        numbers = [float(number) for number in NUMBER.findall(inner)]
        step = np.eye(3)
        if name == "translate":
            step[:2, 2] = [*numbers, 0.0][:2]
        elif name == "scale":
            step[0, 0], step[1, 1] = numbers[0], numbers[-1]
        elif name == "rotate":
            angle = np.deg2rad(numbers[0])
            step[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        elif name == "matrix":
            step[:2] = np.reshape(numbers, (3, 2)).T
        else:
            raise ValueError(f"transform {name} is not known here")
        matrix = matrix @ step
    return matrix
