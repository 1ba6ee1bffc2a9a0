# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rows of measurements and how they are shown."""
import dataclasses
import json
import math
import statistics


@dataclasses.dataclass
class Row:
    name: str
    unit: str
    samples: list  # of this row's unit; the median and the 99th percentile are of these …
    p99: float | None = None  # … unless the tool that measured gives them
    n: int | None = None
    median: float | None = None
    peer: str = ""  # what stands beside it: "nginx 1717"
    target: str = ""
    reached: bool | None = None
    note: str = ""

    def __post_init__(self):
        if self.samples:
            self.n = self.n or len(self.samples)
            if self.median is None:
                self.median = statistics.median(self.samples)
            if self.p99 is None and len(self.samples) >= 20:
                self.p99 = percentile(self.samples, 0.99)


def percentile(samples, share):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def number(value):
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


HEADINGS = ("what", "n", "median", "p99", "unit", "beside", "target", "reached")


def cells(row):
    reached = {True: "yes", False: "**no**", None: ""}[row.reached]
    return (row.name, number(row.n) if row.n else "", number(row.median), number(row.p99), row.unit, row.peer,
            row.target, reached)


def markdown(rows):
    lines = [HEADINGS, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join(text + ([""] + notes if notes else []))


def as_json(rows, machine):
    return json.dumps({"machine": machine, "rows": [dataclasses.asdict(row) | {"samples": None} for row in rows]}, indent=1,
                      ensure_ascii=False)
