"""A line chart as SVG, both axes logarithmic, by hand: no library is needed to read it or to make it."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 48, 56
# Distinct also for who does not see colours: each line has its own dashes.
STYLES = (("#1f5fa8", ""), ("#b5482a", "6 3"), ("#3b7d3b", "2 3"), ("#7a4fa0", "8 3 2 3"))


def _thousands(number: float) -> str:
    return f"{number:,.0f}"


def log_lines(title: str, x_label: str, y_label: str, xs: list[int], series: dict[str, list[float]]) -> str:
    """Each of `series` has one value for each of `xs`, which ascend; all are above 0.

    On these axes a cost that does not grow is level, whatever its height.
    """
    low, high = math.log10(xs[0]), math.log10(xs[-1])
    span = (high - low) or 1.0
    values_of_all = [value for values in series.values() for value in values]
    bottom, top = math.floor(math.log10(min(values_of_all))), math.ceil(math.log10(max(values_of_all)))
    top = max(top, bottom + 1)
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(value: float) -> float:
        return LEFT + plot_width * (math.log10(value) - low) / span

    def y(value: float) -> float:
        return TOP + plot_height * (top - math.log10(value)) / (top - bottom)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for exponent in range(bottom, top + 1):
        value = 10.0**exponent
        out.append(f'<line x1="{LEFT}" x2="{LEFT + plot_width}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in xs:
        out.append(f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{TOP}" y2="{TOP + plot_height}" stroke="#eee"/>')
        out.append(f'<text x="{x(value):.1f}" y="{TOP + plot_height + 18}" text-anchor="middle">{_thousands(value)}</text>')
    out.append(f'<text x="{LEFT + plot_width / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_label)}</text>')
    middle = TOP + plot_height / 2
    out.append(f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">{escape(y_label)}</text>')
    for index, (name, values) in enumerate(series.items()):
        colour, dashes = STYLES[index % len(STYLES)]
        points = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in zip(xs, values))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>')
        out.extend(f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/>' for a, b in zip(xs, values))
        at = TOP + 16 + 20 * index
        begin = LEFT + plot_width + 12
        stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'
        out.append(f'<line x1="{begin}" x2="{begin + 24}" y1="{at - 4}" y2="{at - 4}" {stroke}/>')
        out.append(f'<text x="{begin + 30}" y="{at}">{escape(name)}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"
