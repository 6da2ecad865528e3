# SPDX-License-Identifier: MIT
"""Plots as SVG text, for report.py: bars and lines, on a logarithmic scale.

A plot stands on a card of its own, light or dark as the reader's browser prefers, so that it is
legible wherever it is put.
"""
import math
from xml.sax.saxutils import escape, quoteattr

STYLE = """<style>
.card{fill:#fff;stroke:#d0d7de}.grid{stroke:#d8dee4}text{fill:#1f2328;font:12px sans-serif}
.title{font-weight:bold;font-size:14px}.small{font-size:11px}
@media(prefers-color-scheme:dark){
.card{fill:#161b22;stroke:#30363d}.grid{stroke:#30363d}text{fill:#e6edf3}}
</style>"""

# Each peer has one colour in all plots: middle tones, to be seen on white and on black.
COLOURS = {
    "shmfs": "#2f81f7", "floor": "#8c959f", "memcpy": "#b1a08a", "load": "#c4a7a0",
    "lmdb": "#d29922", "boost": "#a371f7", "tkrzw": "#3fb950", "tiny": "#2ea3a3",
    "sqlite": "#f85149", "files": "#db6d28",
    "write": "#db6d28", "promise": "#8c959f",
}
OTHERS = ["#2f81f7", "#d29922", "#a371f7", "#f85149", "#3fb950", "#db6d28"]
WIDTH = 760


def colour(name, at=0):
    return COLOURS.get(name, OTHERS[at % len(OTHERS)])


def short(value):
    """Three digits are enough: 0.0123, 1.23, 12.3, 123, 12.3 k, 1.2 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if value >= size:
            return f"{value / (1e3 if unit == ' k' else size):.3g}{unit}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def card(height, title, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" role="img" aria-label={quoteattr(title)}>',
        STYLE,
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        text(16, 24, title, "title"),
        *parts,
        "</svg>", ""])


def text(x, y, what, style="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(what)}</text>'


def line(x1, y1, x2, y2):
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


class Scale:
    """From values to pixels, by the logarithm; whole decades, or the next 1, 2 or 5."""

    def __init__(self, values, first, last):
        values = [v for v in values if v > 0]
        self.low = self.step(min(values), math.floor)
        self.high = self.step(max(values), math.ceil)
        if self.high <= self.low:
            self.high = self.low * 10
        self.first, self.last = first, last

    @staticmethod
    def step(value, rounding):
        decade = 10.0 ** math.floor(math.log10(value))
        steps = [decade * n for n in (1, 2, 5, 10)]
        if rounding is math.floor:
            return max(s for s in steps if s <= value * 1.000001)
        return min(s for s in steps if s >= value * 0.999999)

    def __call__(self, value):
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self):
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        few = len(decades) < 4
        ticks = [n * 10.0 ** d for d in decades for n in ((1, 2, 5) if few else (1,))]
        return [t for t in ticks if self.low * 0.999 <= t <= self.high * 1.001]


def bars(title, groups, unit):
    """groups: [(name, [(peer, value)])]; a bar each, the value written behind it."""
    left, top, bar, gap = 225, 56, 13, 10
    height = top + sum(len(g) * bar + gap for _, g in groups) + 12
    x = Scale([v for _, g in groups for _, v in g], left, WIDTH - 110)
    x.low /= 2  # the least has a bar, too
    parts = []
    for tick in x.ticks():
        parts.append(line(x(tick), top - 6, x(tick), height - 14))
        parts.append(text(x(tick), top - 10, short(tick), "small", "middle"))
    y = top
    for name, group in groups:
        parts.append(text(16, y + 11, name))
        for at, (who, value) in enumerate(group):
            parts.append(f'<rect x="{left}" y="{y + 1}" width="{x(value) - left:.1f}"'
                         f' height="{bar - 3}"'
                         f' fill="{colour(who, at)}"/>')
            parts.append(text(x(value) + 5, y + 10, f"{short(value)} {who}", "small"))
            y += bar
        y += gap
    return card(height, f"{title} ({unit}, on a logarithmic scale)", parts)


def lines(title, series, x_name, y_name, dashed=()):
    """series: [(name, [(x, y)])], drawn on two logarithmic scales; a name in dashed is a bound."""
    left, right, top, bottom = 64, WIDTH - 130, 56, 340
    height = bottom + 48
    x = Scale([p[0] for _, points in series for p in points], left, right)
    y = Scale([p[1] for _, points in series for p in points], bottom, top)
    parts = []
    for tick in x.ticks():
        parts.append(line(x(tick), top, x(tick), bottom))
        parts.append(text(x(tick), bottom + 16, short(tick), "small", "middle"))
    for tick in y.ticks():
        parts.append(line(left, y(tick), right, y(tick)))
        parts.append(text(left - 6, y(tick) + 4, short(tick), "small", "end"))
    parts.append(text((left + right) / 2, bottom + 36, x_name, "small", "middle"))
    for at, (name, points) in enumerate(series):
        where = " ".join(f"{x(px):.1f},{y(py):.1f}" for px, py in points)
        dash = ' stroke-dasharray="5 4"' if name in dashed else ""
        parts.append(f'<polyline points="{where}" fill="none" stroke="{colour(name, at)}"'
                     f' stroke-width="2"{dash}/>')
        parts += [f'<circle cx="{x(px):.1f}" cy="{y(py):.1f}" r="3" fill="{colour(name, at)}"/>'
                  for px, py in points if name not in dashed]
    parts += legend(series, y, right)
    return card(height, f"{title} ({y_name})", parts)


def legend(series, y, right):
    """Each name at the end of its line, pushed down where two would cover each other."""
    parts, free = [], 0
    order = sorted(range(len(series)), key=lambda i: y(series[i][1][-1][1]))
    for i in order:
        name, points = series[i]
        at = max(y(points[-1][1]) + 4, free)
        free = at + 14
        parts.append(f'<rect x="{right + 12}" y="{at - 9:.1f}" width="10" height="10"'
                     f' fill="{colour(name, i)}"/>')
        parts.append(text(right + 27, at, f"{name} {short(points[-1][1])}", "small"))
    return parts
