"""Draws columns of training logs as an SVG line chart.

    python -m train.plot --output chart.svg --title "Denoiser" DIR/denoiser.csv:loss_1 DIR/denoiser.csv:loss_4

A series is FILE:COLUMN or FILE:COLUMN:NAME; its x is the file's column `--x`, its values are averaged over `--smooth` neighbors.
"""

from __future__ import annotations

import argparse
import csv
from html import escape
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 360, 56, 170, 36, 44
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#17becf", "#8c564b", "#7f7f7f")


def series(argument: str, x: str, smooth: int) -> tuple[str, np.ndarray, np.ndarray]:
    path, column, *name = argument.split(":")
    with open(path, newline="") as file:
        rows = [(float(row[x]), float(row[column])) for row in csv.DictReader(file) if row[column]]
    if not rows:
        raise SystemExit(f"{argument}: no values")
    at, values = np.array(rows).T
    width = min(smooth, len(values))
    kernel = np.ones(width) / width
    return (name or [column])[0], np.convolve(at, kernel, "valid"), np.convolve(values, kernel, "valid")


def ticks(low: float, high: float, count: int = 6) -> np.ndarray:
    """Round numbers that span [low, high]."""
    raw = (high - low) / count or 1.0
    power = 10 ** np.floor(np.log10(raw))
    step = next(m for m in (1, 2, 5, 10) if m * power >= raw) * power
    return np.arange(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1) * step


def chart(lines: list[tuple[str, np.ndarray, np.ndarray]], title: str, x_name: str, y_name: str) -> str:
    x0, x1 = min(x.min() for _, x, _ in lines), max(x.max() for _, x, _ in lines)
    y0, y1 = min(y.min() for _, _, y in lines), max(y.max() for _, _, y in lines)
    y0, y1 = y0 - 0.04 * (y1 - y0), y1 + 0.04 * (y1 - y0)
    across = lambda x: LEFT + (x - x0) / ((x1 - x0) or 1) * (WIDTH - LEFT - RIGHT)
    down = lambda y: HEIGHT - BOTTOM - (y - y0) / ((y1 - y0) or 1) * (HEIGHT - TOP - BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>']
    for tick in ticks(y0, y1):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(tick):.1f}" y2="{down(tick):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{down(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in ticks(x0, x1):
        out.append(f'<text x="{across(tick):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:g}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_name)}</text>')
    out.append(f'<text x="14" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 14 {(TOP + HEIGHT - BOTTOM) / 2})">{escape(y_name)}</text>')
    for index, (name, x, y) in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        points = " ".join(f"{across(a):.1f},{down(b):.1f}" for a, b in zip(x, y))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        row = TOP + 12 + 18 * index
        out.append(f'<line x1="{WIDTH - RIGHT + 12}" x2="{WIDTH - RIGHT + 34}" y1="{row}" y2="{row}" stroke="{colour}" stroke-width="3"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 40}" y="{row + 4}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--title", default="")
    parser.add_argument("--x", default="minutes", help="column of the horizontal axis")
    parser.add_argument("--x-name", help="its label")
    parser.add_argument("--y-name", default="mean squared error of the velocity")
    parser.add_argument("--smooth", type=int, default=1)
    args = parser.parse_args()
    args.output.write_text(chart([series(s, args.x, args.smooth) for s in args.series], args.title, args.x_name or args.x, args.y_name))


if __name__ == "__main__":
    main()
