"""How much reading one document may cost: rows of print recognised for its zone, and time."""

from idv.domain.ports import Clock

ZONE_ROWS = 24
"""Rows cut out in search of a machine-readable zone. Of 60 simulated captures spoilt on purpose (severity
1.7) none was read exactly with more than nine; without a bound one search took 81 rows and 8.6 s of CPU."""


class Effort:
    """Counts down. `seconds`: of the clock, from now on. Used by one thread."""

    def __init__(self, clock: Clock, *, rows: int = ZONE_ROWS, seconds: float) -> None:
        self._clock = clock
        self._rows = rows
        self._until = clock.monotonic() + seconds
        self._late = False

    @property
    def late(self) -> bool:
        """Whether the time is over; once it was, it stays so."""
        self._late = self._late or self._clock.monotonic() >= self._until
        return self._late

    def spend(self, rows: int) -> bool:
        """Whether so many rows more may be recognised for the zone; they are counted if so."""
        if self._rows < rows or self.late:
            return False
        self._rows -= rows
        return True
