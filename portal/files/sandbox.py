"""Run as a program of its own by `inspection`: foreign bytes in, a line of JSON and clean bytes out, or an error code.

It imports nothing of the desk, holds no secret and is bounded in memory, time and files.
"""
import base64
import io
import json
import re
import resource
import sys
import zlib
from typing import Any

MEMORY_BYTES = 1024 * 1024 * 1024
CPU_S = 6
PIXELS_MAX = 25_000_000
PAGES_MAX = 50
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
#: what a document could do by itself, or carry along: of pages and of all that hangs on them
ACTIVE = ("/A", "/AA", "/AF", "/Annots", "/JS", "/OpenAction", "/EmbeddedFiles", "/RichMedia", "/XFA", "/Names",
          "/AcroForm", "/Metadata", "/PieceInfo", "/Launch", "/JavaScript", "/SubmitForm", "/ImportData", "/GoToR",
          "/GoToE")
UNPACKED_BYTES_MAX = 100 * 1024 * 1024  # of all that is packed in a document: fifty scanned pages come to less
#: how much each way of packing can make of a byte at most; of Flate what it does make is counted instead
GROWS = {"/FlateDecode": 1032, "/LZWDecode": 1366, "/RunLengthDecode": 64}
SHORT = {"/Fl": "/FlateDecode", "/LZW": "/LZWDecode", "/RL": "/RunLengthDecode", "/A85": "/ASCII85Decode",
         "/AHx": "/ASCIIHexDecode"}  # names that readers take, too
STREAM = re.compile(rb"stream[\0\t\f\v ]*(?:\r\n|\r|\n)?")  # as forgiving as who opens it
FED_BYTES = 64 * 1024
DEEP_MAX = 40  # dictionaries within dictionaries


class Refused(Exception):
    """Its argument is the exit code by which `inspection` knows why."""


PROTECTED, TOO_LONG, TOO_MANY_PIXELS, TOO_MUCH = 3, 4, 5, 6


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    content = sys.stdin.buffer.read()
    try:
        content_type, picture_hash, clean = _pdf(content) if content.startswith(b"%PDF-") else _image(content)
    except Refused as refused:
        return int(refused.args[0])
    except Exception as error:  # of hostile bytes decoders raise a dozen kinds; the log says which
        sys.stderr.write(type(error).__name__)
        return 1
    head = json.dumps({"content_type": content_type, "picture_hash": picture_hash})
    sys.stdout.buffer.write(head.encode() + b"\n" + clean)
    sys.stdout.buffer.flush()
    return 0


def _image(content: bytes) -> tuple[str, int, bytes]:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    try:
        found = Image.open(io.BytesIO(content), formats=list(FORMATS))
    except Image.DecompressionBombError:
        raise Refused(TOO_MANY_PIXELS) from None
    if found.width * found.height > PIXELS_MAX:
        raise Refused(TOO_MANY_PIXELS)
    kind = str(found.format)
    pixels = _on_white(ImageOps.exif_transpose(found))
    out = io.BytesIO()
    pixels.save(out, format=kind, **({"quality": 90} if kind != "PNG" else {}))
    return FORMATS[kind], _looks(pixels), out.getvalue()


def _on_white(picture: Any) -> Any:
    """As everybody sees it, in the dark too: what lets through would show another picture by what lies behind it."""
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    paper = Image.new("RGB", seen.size, "white")
    paper.paste(seen, mask=seen.getchannel("A"))
    return paper


def _looks(pixels: Any) -> int:
    """Whether each of 8 × 8 spots is brighter than its right neighbour: the same for copies of one picture."""
    from PIL import Image

    small = list(pixels.convert("L").resize((9, 8), Image.Resampling.LANCZOS).getdata())
    bits = 0
    for row in range(8):
        for column in range(8):
            bits = bits << 1 | (small[row * 9 + column] > small[row * 9 + column + 1])
    return bits - (1 << 64) if bits >> 63 else bits


def _pdf(content: bytes) -> tuple[str, None, bytes]:
    """Its pages alone, in a new document, without anything that acts: nothing of the old root comes along."""
    import pikepdf

    _weigh(content)
    try:
        document = pikepdf.open(io.BytesIO(content))
    except pikepdf.PasswordError:
        raise Refused(PROTECTED) from None
    with document, pikepdf.new() as clean:
        if document.is_encrypted:
            raise Refused(PROTECTED)
        if not 0 < len(document.pages) <= PAGES_MAX:
            raise Refused(TOO_LONG)
        if sum(_unpacked(one, pikepdf) for one in document.objects if isinstance(one, pikepdf.Stream)
               ) > UNPACKED_BYTES_MAX:
            raise Refused(TOO_MUCH)
        for page in document.pages:
            _disarm(page.obj, pikepdf, 0)
        clean.pages.extend(document.pages)
        for one in clean.objects:
            _disarm(one, pikepdf, 0)
        out = io.BytesIO()
        clean.remove_unreferenced_resources()
        clean.save(out, deterministic_id=True)  # of the same pages the same bytes, whatever stood around them
    return "application/pdf", None, out.getvalue()


def _unpacked(stream: Any, pikepdf: Any) -> int:
    """How many bytes a stream comes to, none of which is kept; at most, where that is not to be seen."""
    packed = stream.get("/Filter", ())
    names = [str(packed)] if isinstance(packed, pikepdf.Name) else [str(one) for one in packed]
    ways = [SHORT.get(name, name) for name in names]
    raw = bytes(stream.read_raw_bytes())
    while ways and ways[0] in AS_TEXT:  # how honest makers of documents wrap what they packed
        raw, ways = AS_TEXT[ways[0]](raw), ways[1:]
    if ways[:1] != ["/FlateDecode"]:
        size, rest = len(raw), ways
    else:
        size, rest = _inflated(raw), ways[1:]
    for way in rest:
        size *= GROWS.get(way, 1)
    return size


def _of_ascii85(raw: bytes) -> bytes:
    return base64.a85decode(raw.partition(b"~>")[0].removeprefix(b"<~"))


def _of_hex(raw: bytes) -> bytes:
    digits = b"".join(raw.partition(b">")[0].split())
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))


#: no more than what it was written from; raises ValueError for what is none, and the document is refused
AS_TEXT = {"/ASCII85Decode": _of_ascii85, "/ASCIIHexDecode": _of_hex}


def _weigh(content: bytes) -> None:
    """Whatever stands where a stream may begin, before anything is read: what a document's own objects are packed in
    is unpacked on opening. Raises Refused."""
    size, whole = 0, memoryview(content)
    for found in STREAM.finditer(content):
        size += _inflated(whole[found.end():])
        if size > UNPACKED_BYTES_MAX:
            raise Refused(TOO_MUCH)


def _inflated(raw: "bytes | memoryview") -> int:
    """Counted in pieces, and no further than matters. What is no zlib data comes to nothing."""
    inflate, size = zlib.decompressobj(), 0
    try:
        for at in range(0, len(raw), FED_BYTES):
            piece = bytes(raw[at:at + FED_BYTES])
            while piece and not inflate.eof and size <= UNPACKED_BYTES_MAX:
                size += len(inflate.decompress(piece, 1024 * 1024))
                piece = inflate.unconsumed_tail
            if inflate.eof or size > UNPACKED_BYTES_MAX:
                break
    except zlib.error:
        pass
    return size


def _disarm(one: Any, pikepdf: Any, deep: int) -> None:
    """Of a dictionary or an array and what lies in it directly; what is referred to has its own turn."""
    if deep > DEEP_MAX:
        raise ValueError("too deep")
    if isinstance(one, (pikepdf.Dictionary, pikepdf.Stream)):
        for name in ACTIVE:
            if name in one:
                del one[name]
        within = [one[name] for name in one.keys()]  # noqa: SIM118 (no mapping: pikepdf's own)
    elif isinstance(one, pikepdf.Array):
        within = list(one)
    else:
        return
    for value in within:
        if isinstance(value, (pikepdf.Dictionary, pikepdf.Array)) and not value.is_indirect:
            _disarm(value, pikepdf, deep + 1)


if __name__ == "__main__":
    sys.exit(main())
