"""Counts of right and wrong, with the interval in which the true rate lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt


@dataclass
class Tally:
    right: int = 0
    total: int = 0

    def add(self, ok: bool) -> None:
        self.right += bool(ok)
        self.total += 1

    @property
    def rate(self) -> float:
        return self.right / self.total if self.total else float("nan")

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """Wilson's score interval, 95 % by default."""
        if not self.total:
            return 0.0, 1.0
        n, p = self.total, self.rate
        middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))

    def __str__(self) -> str:
        return f"{self.right}/{self.total} ({100 * self.rate:.1f} %)" if self.total else ""


def table(title: str, rows: Sequence[tuple[str, Mapping[str, Tally | str]]], columns: Sequence[str]) -> list[str]:
    """Markdown lines; columns that no row has are left out."""
    used = [c for c in columns if any(c in tallies for _, tallies in rows)]
    lines = [f"| {' | '.join([title, *used])} |", "|---" * (len(used) + 1) + "|"]
    return lines + [f"| {' | '.join([name, *(str(tallies[c]) if c in tallies else '' for c in used)])} |" for name, tallies in rows]
