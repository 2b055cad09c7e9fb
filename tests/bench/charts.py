"""The ratios of a run as charts in SVG: a group of bars per target, a bar per era, a mark where it is to end."""

from xml.sax.saxutils import escape

from goals import CEILINGS, CPU, ERAS, NAMES, USUAL, calls

WIDTH = 760
LEFT = 150
RIGHT = 60
TOP = 66
BAR = 11
GROUP = 34
BOTTOM = 40
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"

COLOURS = {
    "light": {"text": "#1f2328", "faint": "#59636e", "grid": "#d1d9e0", "legacy": "#8aa4c8", "modern": "#1f5fbf",
              "bare": "#b7bfc8", "mark": "#bc4c00"},
    "dark": {"text": "#f0f6fc", "faint": "#9198a1", "grid": "#3d444d", "legacy": "#5b7fae", "modern": "#79b0ff",
             "bare": "#656c76", "mark": "#f0883e"},
}
TITLES = {
    "http": "Server CPU per call over HTTP, 16 connections",
    "stdio": "Server CPU per call over stdio, 64 in flight",
}
# Behind the commit, where the run proves nothing.
BUSY = ", BUSY MACHINE"


def targets(record, transport):
    """In the order of the run, those of a language beside its ceiling, which is drawn last."""
    rows = [row for row in record["calls"]
            if row["transport"] == transport and row["in_flight"] == USUAL[transport] and row["cpu_ratio"] is not None]
    kinds = dict.fromkeys((row["kind"] == "ceiling", row["target"]) for row in rows)
    return [target for _, target in sorted(kinds, key=lambda kind: kind[0])]


def step(most):
    """Between two lines of the grid: 1, 2 or 5, at most ten of them."""
    return next(step for step in (0.5, 1, 2, 5, 10, 20, 50, 100, 1e9) if most / step <= 10)


def label(name):
    return escape(name.replace("`", ""))


def chart(record, transport, theme):
    """One SVG file. The same run gives the same bytes."""
    colours, names = COLOURS[theme], targets(record, transport)
    figures = {target: calls(record, target, transport, "cpu_ratio") for target in names}
    bounds = {target: CPU[transport].get(target) for target in names}
    ratios = [ratio for found in figures.values() for ratio in found.values()]
    most = max([1.0, *ratios, *filter(None, bounds.values())])
    scale = (WIDTH - LEFT - RIGHT) / most
    height = TOP + GROUP * len(names) + BOTTOM
    bottom = height - BOTTOM

    def x(ratio):
        return f"{LEFT + ratio * scale:.1f}"

    def text(at, y, words, colour="text", anchor="start", size=12, more=""):
        return (f'<text x="{at}" y="{y}" fill="{colours[colour]}" font-size="{size}" text-anchor="{anchor}"{more}>'
                f"{words}</text>")

    said = "; ".join(f"{label(NAMES[target])}: " + ", ".join(f"{ratio:.2f} {era}" for era, ratio in found.items())
                     for target, found in figures.items())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-labelledby="title desc" font-family="{FONT}">',
        f'<title id="title">{TITLES[transport]}, as a multiple of the {CEILINGS[transport]}</title>',
        f'<desc id="desc">Less is better. {said}.</desc>',
        text(12, 22, TITLES[transport], size=15, more=' font-weight="600"'),
        text(12, 42, f"× the {CEILINGS[transport]}, less is better; {record['date'][:10]}, "
                     f"commit {escape(record['commit'][:7])}{BUSY if record['machine']['busy'] else ''}", "faint"),
    ]
    key = WIDTH - 282
    for at, colour, words in ((key, "legacy", "legacy"), (key + 66, "modern", "modern"), (key + 138, "bare", "bare")):
        parts += [f'<rect x="{at}" y="33" width="10" height="10" fill="{colours[colour]}"/>',
                  text(at + 15, 42, words, "faint")]
    parts += [f'<rect x="{key + 192}" y="32" width="2" height="12" fill="{colours["mark"]}"/>',
              text(key + 199, 42, "to reach", "faint")]
    between, line = step(most), 0
    while line <= most:
        parts += [f'<line x1="{x(line)}" y1="{TOP - 6}" x2="{x(line)}" y2="{bottom}" stroke="{colours["grid"]}"/>',
                  text(x(line), bottom + 18, f"{line:g}×", "faint", "middle", 11)]
        line += between
    parts.append(f'<line x1="{x(1)}" y1="{TOP - 6}" x2="{x(1)}" y2="{bottom}" stroke="{colours["faint"]}" '
                 'stroke-dasharray="3 3"/>')
    for place, target in enumerate(names):
        top = TOP + place * GROUP
        bare = target.startswith("ceiling-")
        parts.append(text(LEFT - 10, top + 15, label(NAMES[target]), "faint" if bare else "text", "end"))
        for row, (era, ratio) in enumerate(figures[target].items()):
            y = top + row * (BAR + 2)
            parts += [
                f'<rect data-row="{target} {era}" x="{LEFT}" y="{y}" width="{ratio * scale:.1f}" height="{BAR}" '
                f'fill="{colours["bare" if bare else era]}"/>',
                text(f"{LEFT + ratio * scale + 5:.1f}", y + 9, f"{ratio:.2f}", size=10,
                     more=f' data-figure="{target} {era}"'),
            ]
        if bounds[target]:
            parts.append(f'<rect data-bound="{target}" x="{float(x(bounds[target])) - 1:.1f}" y="{top - 3}" width="2" '
                         f'height="{len(ERAS) * (BAR + 2) + 4}" fill="{colours["mark"]}"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def files(record):
    """All charts, by file name."""
    return {f"{transport}-{theme}.svg": chart(record, transport, theme) for transport in TITLES for theme in COLOURS}
