"""Busy time as strangers see it: blocks that hide how many bookings they are made of."""

from collections.abc import Iterable
from datetime import datetime

Block = tuple[datetime, datetime]


def merge_blocks(blocks: Iterable[Block]) -> list[Block]:
    """Join blocks that overlap or touch, so that nobody can count or follow the runs inside."""
    merged: list[Block] = []
    for starts_at, ends_at in sorted(blocks):
        if ends_at <= starts_at:
            raise ValueError(f"a busy block ends before it starts: {starts_at} to {ends_at}")
        if merged and starts_at <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends_at))
        else:
            merged.append((starts_at, ends_at))
    return merged
