"""How pages put times and lengths into words: as everything else does."""

from booking.base.words import clock_time, day, length, local_when, minutes, moment, when

__all__ = ["clock_time", "day", "length", "local_when", "minutes", "moment", "when"]
