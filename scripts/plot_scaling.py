#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Draws docs/images/scaling_*.svg from docs/scaling.json. Called by scripts/scaling."""
import json
import pathlib

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "kadenza"  # the same picture gives the same file
import matplotlib.pyplot as plt

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
rows = json.loads((DOCS / "scaling.json").read_text())
scenarios = list(dict.fromkeys(r["scenario"] for r in rows))


def draw(name, title, label, value, floor=None, log=False):
    figure, axes = plt.subplots(figsize=(6.5, 4))
    for scenario in scenarios:
        points = [(r["nodes"], value(r)) for r in rows if r["scenario"] == scenario]
        axes.plot(*zip(*points), marker="o", label=scenario)
    axes.set_xscale("log")
    if log:
        axes.set_yscale("log")
    elif floor is not None:
        axes.set_ylim(bottom=floor)
    axes.set(title=title, xlabel="nodes", ylabel=label)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(DOCS / "images" / f"scaling_{name}.svg", metadata={"Date": None})
    plt.close(figure)


(DOCS / "images").mkdir(exist_ok=True)
draw("hops", "Hops of a nearest-20 lookup", "mean", lambda r: r["nearest"]["hops_mean"], 0)
draw("read", "Enough for a read", "ms, p99", lambda r: r["read"]["ms_p99"], 0)
draw("nearest", "Nearest 20", "ms, p99", lambda r: r["nearest"]["ms_p99"], 0)
draw("recall", "Recall of the true nearest 20", "share", lambda r: r["nearest"]["recall"])
draw("idle", "Maintenance traffic of one node", "bytes sent per second", lambda r: r["idle_bytes_per_second"], 0)
