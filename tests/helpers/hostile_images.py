"""PNG and JPEG files that are damaged, of other kinds, or claim more than they are."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

SIZE = (8, 6)  # width, height
PIXELS = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
SIGNATURE = b"\x89PNG\r\n\x1a\n"
POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 6
%%EndComments
(marker) (w) file closefile
showpage
"""


def written(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def colour(kind: str = "PNG", **options: Any) -> bytes:
    return written(Image.fromarray(PIXELS), kind, **options)


def mode(name: str, kind: str = "PNG", **options: Any) -> bytes:
    return written(Image.fromarray(PIXELS).convert(name), kind, **options)


def chunk(name: bytes, data: bytes, claim: int | None = None) -> bytes:
    length = struct.pack(">I", len(data) if claim is None else claim)
    return length + name + data + struct.pack(">I", zlib.crc32(name + data))


def head(width: int = 8, height: int = 6, depth: int = 8, kind: int = 2, last: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, last))


def png(*between: bytes, start: bytes = head(), rows: bytes | None = None) -> bytes:
    """Return a PNG file with chunks between its head and its pixels."""
    if rows is None:
        rows = b"".join(b"\0" + row.tobytes() for row in PIXELS)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return SIGNATURE + start + b"".join(between) + pixels + chunk(b"IEND", b"")


def deflated(count: int) -> bytes:
    """Compress a bomb of zeros."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(count // 2**20)) + packer.flush()


def oriented(orientation: object, kind: str = "JPEG", size: tuple[int, int] = SIZE) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return written(Image.fromarray(PIXELS).resize(size), kind, exif=exif)


def jpeg_with(data: bytes, marker: bytes = b"\xff\xe1") -> bytes:
    """Return a JPEG file with a segment behind its start."""
    content = colour("JPEG")
    return content[:2] + marker + struct.pack(">H", len(data) + 2) + data + content[2:]


def jpeg_of_scans(count: int) -> bytes:
    content = colour("JPEG", progressive=True)
    start, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
    return content[:end] + content[start:end] * count + b"\xff\xd9"


def changed(content: bytes, old: bytes, new: bytes) -> bytes:
    place = content.index(old)
    return content[:place] + new + content[place + len(new) :]


def jpeg_of_size(width: int, height: int) -> bytes:
    frame = struct.pack(">BHH", 8, SIZE[1], SIZE[0])
    return changed(colour("JPEG"), frame, struct.pack(">BHH", 8, height, width))


BOMB = 2**26
# What is refused as one file among others, and as the only one.
IMAGES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no image": lambda: b"<html>",
    "PostScript": lambda: POSTSCRIPT,
    "PostScript behind a DOS header": lambda: (
        b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 30, len(POSTSCRIPT)) + bytes(20) + POSTSCRIPT
    ),
    **{
        f"an image of the kind {kind}": lambda kind=kind: colour(kind)
        for kind in ("GIF", "BMP", "TIFF", "PPM", "TGA", "PCX", "ICO", "WEBP", "JPEG2000", "EPS")
    },
    "16-bit grey": lambda: png(start=head(depth=16, kind=0), rows=bytes(17 * 6)),
    "16-bit grey with opacity": lambda: png(start=head(depth=16, kind=4), rows=bytes(33 * 6)),
    "16-bit colour": lambda: png(start=head(depth=16), rows=bytes(49 * 6)),
    "16-bit colour with opacity": lambda: png(start=head(depth=16, kind=6), rows=bytes(65 * 6)),
    "16-bit colour, interlaced": lambda: png(start=head(depth=16, last=1), rows=bytes(49 * 9)),
    "16 bits behind a second head": lambda: png(head(depth=16), rows=bytes(49 * 6)),
    "16 bits behind another chunk": lambda: png(
        start=chunk(b"teXt", b"") + head(depth=16), rows=bytes(49 * 6)),
    "an animation": lambda: colour(save_all=True, append_images=[Image.new("RGB", SIZE)]),
    "an animation that says so": lambda: png(chunk(b"acTL", struct.pack(">II", 1000, 0))),
    "a claim of 60,000 x 60,000": lambda: png(start=head(60_000, 60_000)),
    "a claim of 2^31 x 2^31": lambda: png(start=head(2**31 - 1, 2**31 - 1)),
    "a claim of 2^32 x 1": lambda: png(start=head(2**32 - 1, 1)),
    "a claim of 20,000 x 20,000 with pixels": lambda: (
        SIGNATURE + head(20_000, 20_000, 1, 0) + chunk(b"IDAT", deflated(50 * 2**20))
        + chunk(b"IEND", b"")
    ),
    "a claim of no pixels": lambda: png(start=head(0, 0)),
    "a JPEG claim of 65,535 x 65,535": lambda: jpeg_of_size(65_535, 65_535),
    "a JPEG claim of no pixels": lambda: jpeg_of_size(0, 0),
    "a bit depth of 3": lambda: png(start=head(depth=3)),
    "a colour type of 9": lambda: png(start=head(kind=9)),
    "12-bit JPEG": lambda: changed(colour("JPEG"), struct.pack(">BHH", 8, *SIZE[::-1]), b"\x0c"),
    "PNG that is cut in its head": lambda: colour()[:20],
    "PNG that is cut in its pixels": lambda: colour()[:80],
    "PNG with a false checksum": lambda: changed(colour(), b"IDAT", b"IDAT\xff\xff\xff\xff"),
    "PNG without pixels": lambda: SIGNATURE + head() + chunk(b"IEND", b""),
    "PNG whose pixels are no stream": lambda: SIGNATURE + head() + chunk(b"IDAT", b"x" * 99),
    "PNG of an unknown filter": lambda: png(rows=(b"\x63" + bytes(24)) * 6),
    "PNG without its head": lambda: SIGNATURE + chunk(b"IDAT", b""),
    "PNG of a short head": lambda: SIGNATURE + chunk(b"IHDR", b"\0\0\0\x08") + colour()[33:],
    "a chunk that claims 2 GB": lambda: png(chunk(b"tEXt", b"a\0b", 2**31 - 1)),
    "a chunk that claims 4 GB": lambda: png(chunk(b"tEXt", b"a\0b", 2**32 - 1)),
    "a zTXt bomb": lambda: png(chunk(b"zTXt", b"a\0\0" + deflated(BOMB))),
    "100 zTXt bombs": lambda: png(
        *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20 - 9)))] * 100),
    "an iTXt bomb": lambda: png(chunk(b"iTXt", b"a\0\1\0\0\0" + deflated(BOMB))),
    "an iCCP bomb": lambda: png(chunk(b"iCCP", b"a\0\0" + deflated(BOMB))),
    "an iCCP of another method": lambda: png(chunk(b"iCCP", b"a\0\1" + zlib.compress(b""))),
    "65 MB of text": lambda: png(*[chunk(b"prVt", bytes(2**20))] * 65),
    "a chunk whose name is no text": lambda: png(chunk(b"\x01\x02\x03\x04", b"")),
    "PNG whose EXIF is none": lambda: png(chunk(b"eXIf", b"<html>" * 9)),
    "JPEG that is cut": lambda: colour("JPEG")[:-200],
    "JPEG that is cut in its head": lambda: colour("JPEG")[:30],
    "JPEG of two bytes": lambda: b"\xff\xd8",
    "JPEG of three bytes": lambda: b"\xff\xd8\xff",
    "JPEG without tables": lambda: changed(colour("JPEG"), b"\xff\xdb", b"\xff\xfe"),
    "JPEG of 1,000 scans": lambda: jpeg_of_scans(1_000),
    "another size": lambda: written(Image.new("RGB", (6, 8))),
    "another size that is turned": lambda: oriented(6),
}  # fmt: skip
# Read, or refused: Pillow may read past damage in what is not pixels.
EITHER: dict[str, Callable[[], bytes]] = {
    "JPEG whose EXIF is none": lambda: jpeg_with(b"Exif\0\0<html>"),
    "JPEG whose EXIF is cut": lambda: jpeg_with(b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"),
    "JPEG whose EXIF holds itself": lambda: jpeg_with(
        b"Exif\0\0MM\0*\0\0\0\x08\0\1" + struct.pack(">HHIII", 0x8769, 4, 1, 8, 8)),
    "JPEG whose EXIF claims 4 GB": lambda: jpeg_with(
        b"Exif\0\0MM\0*\0\0\0\x08\0\1" + struct.pack(">HHIII", 0x0112, 3, 2**32 - 1, 8, 0)),
    "JPEG with a false MPF": lambda: jpeg_with(b"MPF\0MM\0*\0\0\0\x08\xff\xff", b"\xff\xe2"),
    "JPEG whose MPF claims 2^32 images": lambda: jpeg_with(
        b"MPF\0MM\0*\0\0\0\x08\0\2" + struct.pack(">HHII", 0xB001, 4, 1, 2**32 - 1)
        + struct.pack(">HHII", 0xB002, 7, 16, 40) + bytes(40), b"\xff\xe2"),
    "JPEG with Photoshop's resources": lambda: jpeg_with(
        b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\xff\xff\xff\xff" * 9, b"\xff\xed"),
    "JPEG with a false ICC profile": lambda: jpeg_with(b"ICC_PROFILE\0\xff\x00" * 9, b"\xff\xe2"),
    "JPEG with a comment": lambda: jpeg_with(b"\0" * 60_000, b"\xff\xfe"),
    "JPEG with a false Adobe marker": lambda: jpeg_with(b"Adobe\0\x64" + b"\xff" * 5, b"\xff\xee"),
    "PNG with half of its pixels": lambda: png(rows=bytes(25 * 3)),
    "PNG with a palette of nothing": lambda: png(start=head(kind=3), rows=bytes(9 * 6)),
    "PNG with bytes behind its end": lambda: colour() + b"<?php" * 9,
    "PNG with a second palette": lambda: png(chunk(b"PLTE", bytes(9)), chunk(b"PLTE", bytes(7))),
    "PNG with false opacity": lambda: png(chunk(b"tRNS", b"\xff")),
    "PNG with a false gamma": lambda: png(chunk(b"gAMA", b"")),
    "PNG with false sizes": lambda: png(chunk(b"pHYs", b"\xff" * 9)),
    "PNG with false chromaticities": lambda: png(chunk(b"cHRM", b"\0" * 5)),
    "PNG with a long name": lambda: png(chunk(b"tEXt", b"a" * 10_000)),
    "PNG with a small second head": lambda: png(head(1, 1)),
    "PNG whose frames are none": lambda: png(chunk(b"acTL", struct.pack(">II", 0, 0))),
    "PNG with a frame outside": lambda: png(
        chunk(b"acTL", struct.pack(">II", 1, 0)),
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 99, 99, 2**31, 2**31, 1, 1, 0, 0))),
}  # fmt: skip
# What a file of the image becomes, in the words of the log.
GENUINE: dict[str, tuple[bytes, str]] = {
    "RGB": (colour(), ""),
    "RGB, JPEG": (colour("JPEG", quality=95), ""),
    "progressive JPEG": (colour("JPEG", progressive=True), ""),
    "RGBA": (mode("RGBA"), "1 images of mode RGBA: opacity left out"),
    "P": (mode("P"), "1 images of mode P: colours taken from the palette, opacity left out"),
    "L": (mode("L"), "1 images that are grey: three equal channels"),
    "LA": (mode("LA"), "1 images of mode LA: opacity left out"),
    "1": (mode("1"), "1 images of mode 1: black and white become 0 and 255"),
    "CMYK": (mode("CMYK", "JPEG"), "1 images of mode CMYK: converted to RGB without a colour"),
    "turned": (oriented(6, size=(6, 8)), "1 images turned as their EXIF orientation says"),
    "MPO": (
        colour("MPO", save_all=True, append_images=[Image.new("RGB", SIZE)]), ""
    ),
}  # fmt: skip
