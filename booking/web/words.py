"""How pages put times and lengths into words: as everything else does."""

from booking.base.words import clock_time, day, length, minutes, moment, when

__all__ = ["clock_time", "day", "length", "minutes", "moment", "when"]
