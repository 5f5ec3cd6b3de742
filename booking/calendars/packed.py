"""A calendar packed with gzip in pieces of a few dozen events: only pieces that changed are packed anew.

Each piece is deflated by itself up to a full flush, so that all in a row are one stream (RFC 1951, 3.2).
"""

import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache

HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # gzip, deflate, no time, no name (RFC 1952)
LAST_BLOCK = b"\x03\x00"
EVENT_ENDS = b"END:VEVENT\r\n"
EVENTS_IN_A_PIECE = 32  # about: where one ends is read off the events, so that a new one moves no other end


def packed(body: bytes) -> bytes:
    """Return a gzip file of a calendar: the same bytes for the same calendar."""
    deflated = b"".join(_deflated(piece) for piece in pieces(body))
    return HEAD + deflated + LAST_BLOCK + struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF)


def pieces(body: bytes) -> Iterator[bytes]:
    """Cut a calendar after events whose checksum says so: together the pieces are the calendar."""
    piece: list[bytes] = []
    events = body.split(EVENT_ENDS)
    for event in events[:-1]:
        piece += [event, EVENT_ENDS]
        if zlib.crc32(event) % EVENTS_IN_A_PIECE == 0:
            yield b"".join(piece)
            piece = []
    yield b"".join([*piece, events[-1]])


@lru_cache(maxsize=512)
def _deflated(piece: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)
