"""Taking the rows in turns, and the one table that comes of it."""

import statistics
import sys
from dataclasses import dataclass, field

from clients import Refused
from rows import Row


@dataclass
class Measured:
    """What one row gave, by the name of the server."""

    row: Row
    figures: dict[str, list[float]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    same: str = ""

    def figure(self, name: str) -> float | None:
        found = self.figures.get(name)
        return statistics.median(found) if found else None

    def ratio(self, ours: str, peer: str) -> float | None:
        a, b = self.figure(ours), self.figure(peer)
        return a / b if a is not None and b else None

    def reached(self, ours: str, peer: str) -> str:
        if self.row.aim is None:
            return ""
        sign, wanted = self.row.aim
        ratio = self.ratio(ours, peer)
        if ratio is None:
            # Not able to do it at all is not reaching it; without the other nothing can be said.
            return "no" if self.figure(ours) is None else ""
        return "yes" if (ratio >= wanted if sign == ">=" else ratio <= wanted) else "no"


def measure(row: Row, sides: list, turn: int) -> Measured:
    """One row on every side; who goes first changes from row to row and from round to round."""
    out = Measured(row)
    for round_ in range(row.rounds):
        order = sides if (turn + round_) % 2 == 0 else sides[::-1]
        for side in order:
            name = side.server.name
            if name in out.refused or name in out.failed:
                continue
            try:
                if round_ == 0:
                    row.prepare(side)
                for other in sides:
                    other.server.settle()
                out.figures.setdefault(name, []).append(row.act(side))
            except Refused as why:
                out.refused[name] = str(why)
            except (OSError, EOFError, RuntimeError) as error:
                out.failed[name] = f"{type(error).__name__}: {error}"
                side.forget_connections()
    if row.answers:
        out.same = compare(row.name, sides)
    shown = "  ".join(f"{s.server.name} {cell(out, s.server.name)}" for s in sides)
    print(f"{row.name:28} {shown}", file=sys.stderr, flush=True)
    return out


def compare(name: str, sides: list) -> str:
    """Did both give the same result?"""
    answers = [side.results.get(name) for side in sides]
    if len(answers) < 2 or any(a is None for a in answers):
        return ""
    if answers[0] == answers[1]:
        return "same"
    unordered = [sorted(map(repr, a)) for a in answers]
    if unordered[0] == unordered[1]:
        return "other order"
    only = [len(set(unordered[i]) - set(unordered[1 - i])) for i in (0, 1)]
    return f"differ: {only[0]} only ours, {only[1]} only theirs"


def cell(measured: Measured, name: str) -> str:
    if name in measured.failed:
        return "failed"
    if name in measured.refused:
        return "refused"
    figure = measured.figure(name)
    if figure is None:
        return "-"
    if measured.row.name.endswith("_kib"):
        return f"{figure:.1f} KiB"
    return f"{figure:.1f} /s" if measured.row.is_rate else f"{figure:.4f} s"


def aim(row: Row) -> str:
    return f"{row.aim[0]} {row.aim[1]:g}" if row.aim else ""


def lines(results: list[Measured], ours: str, peer: str) -> list[str]:
    """The table, as Markdown that is also aligned for reading as it stands."""
    heads = ["work", ours, peer, "ratio", "aim", "reached?", "answers"]
    body = []
    for m in results:
        ratio = m.ratio(ours, peer)
        shown = "" if ratio is None else f"{ratio:.3f}" if ratio < 1 else f"{ratio:.2f}"
        body.append([m.row.name, cell(m, ours), cell(m, peer), shown, aim(m.row), m.reached(ours, peer), m.same])
    widths = [max(len(row[i]) for row in [heads, *body]) for i in range(len(heads))]

    def line(cells: list[str]) -> str:
        padded = (c.ljust(w) if i in (0, 6) else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths)))
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i in (0, 6) else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    notes = []
    for m in results:
        for name, why in [*m.refused.items(), *m.failed.items()]:
            notes.append(f"{m.row.name}: {name} {'failed' if name in m.failed else 'refused'}: {why}")
    counted = [m.reached(ours, peer) for m in results]
    total = f"{counted.count('yes')} of {counted.count('yes') + counted.count('no')} aims reached"
    return [line(heads), rule, *map(line, body), "", *notes, *([""] if notes else []), total]


def as_json(results: list[Measured], ours: str, peer: str) -> list[dict]:
    return [
        {
            "work": m.row.name,
            "ours": m.figure(ours),
            "theirs": m.figure(peer),
            "ratio": m.ratio(ours, peer),
            "aim": aim(m.row),
            "reached": m.reached(ours, peer),
            "answers": m.same,
            "rounds": m.figures,
            "refused": m.refused,
            "failed": m.failed,
        }
        for m in results
    ]
