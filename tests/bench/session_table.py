"""The tables of `tests/bench/sessions`: what both servers did in their turns, and what we aim at."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Turn:
    """One server's turn, as the generator of load reports it."""

    report: dict

    def said(self) -> str:
        r = self.report
        return (
            f"{r['per_second']:.0f} commands/s, 99th percentile {r['all']['p99_ms']:.1f} ms, "
            f"{r['memory']['peak']['kib'] / 1024:.0f} MiB, {r['errors']} errors"
        )


@dataclass
class Figure:
    """A line of the first table."""

    name: str
    of: Callable[[dict], float]
    shown: str
    # `(">=", 2)`: at least twice the other's.
    aim: tuple[str, float] | None = None
    # What of the turns counts, with its name in the table.
    over: tuple[str, Callable[[list[float]], float]] = ("median", statistics.median)


HIGHEST, FIRST = ("highest", max), ("first", lambda values: values[0])

FIGURES = [
    Figure("commands per second", lambda r: r["per_second"], "{:.0f}", (">=", 2)),
    Figure("99th percentile, ms", lambda r: r["all"]["p99_ms"], "{:.1f}", ("<=", 0.5)),
    Figure("resident memory at its peak, MiB", lambda r: r["memory"]["peak"]["kib"] / 1024, "{:.1f}", ("<=", 0.2), HIGHEST),
    Figure("median, ms", lambda r: r["all"]["p50_ms"], "{:.1f}"),
    Figure("longest, ms", lambda r: r["all"]["max_ms"], "{:.0f}", over=HIGHEST),
    Figure("of that memory, not a file's mapping, MiB", lambda r: r["memory"]["peak"]["anonymous_kib"] / 1024, "{:.1f}", over=HIGHEST),
    Figure("memory before anybody is connected, MiB", lambda r: r["memory"]["before"]["kib"] / 1024, "{:.1f}", over=FIRST),
    Figure("memory with all sessions open, MiB", lambda r: r["memory"]["opened"]["kib"] / 1024, "{:.1f}", over=FIRST),
    Figure("processes at the peak", lambda r: r["memory"]["peak"]["processes"], "{:.0f}", over=HIGHEST),
    Figure("all sessions logged in, INBOX open, s", lambda r: r["login_seconds"], "{:.2f}"),
    Figure("the server's processor time per command, µs", lambda r: 1e6 * r["server_cpu_seconds"] / r["commands"], "{:.0f}"),
    Figure("the client's processor time per command, µs", lambda r: 1e6 * r["client_cpu_seconds"] / r["commands"], "{:.0f}"),
    Figure("processors used by server and client", lambda r: (r["server_cpu_seconds"] + r["client_cpu_seconds"]) / r["seconds"], "{:.2f}"),
    Figure("octets of answers per command", lambda r: r["received_octets"] / r["commands"], "{:.0f}"),
]


def ratio_text(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}"


def reached(aim: tuple[str, float] | None, ratio: float | None) -> str:
    if aim is None or ratio is None:
        return ""
    return "yes" if (ratio >= aim[1] if aim[0] == ">=" else ratio <= aim[1]) else "no"


def lines(turns: dict[str, list[Turn]], ours: str, peer: str) -> list[str]:
    """Both tables and the counts, as Markdown."""
    return [*whole(turns, ours, peer), "", *by_kind(turns, ours, peer), "", *counts(turns)]


def whole(turns: dict[str, list[Turn]], ours: str, peer: str) -> list[str]:
    body = []
    for figure in FIGURES:
        each = {name: [figure.of(turn.report) for turn in of] for name, of in turns.items()}
        which, over = figure.over
        chosen = {name: over(values) for name, values in each.items()}
        ratio = chosen[ours] / chosen[peer] if chosen.get(peer) else None
        # Round by round: how far the ratio depends on the moment.
        pairs = [a / b for a, b in zip(each[ours], each.get(peer, [])) if b]
        between = f"{ratio_text(min(pairs))} to {ratio_text(max(pairs))}" if pairs else ""
        aim = f"{figure.aim[0]} {figure.aim[1]:g}" if figure.aim else ""
        cells = [figure.shown.format(chosen[name]) if name in chosen else "" for name in (ours, peer)]
        body.append([figure.name, which, *cells, ratio_text(ratio), between, aim, reached(figure.aim, ratio)])
    return table(["work", f"of {len(turns[ours])} turns", ours, peer, "ratio", "from, to", "aim", "reached?"], body)


def by_kind(turns: dict[str, list[Turn]], ours: str, peer: str) -> list[str]:
    # Each median is one over the rounds of the percentile of a round.
    names = {name: None for of in turns.values() for turn in of for name in turn.report["kinds"]}

    def median(server: str, kind: str, field: str) -> float | None:
        values = [turn.report["kinds"][kind][field] for turn in turns.get(server, []) if kind in turn.report["kinds"]]
        return statistics.median(values) if values else None

    body = []
    for kind in names:
        cells = []
        for field in ("p50_ms", "p99_ms"):
            a, b = median(ours, kind, field), median(peer, kind, field)
            cells += ["" if value is None else f"{value:.2f}" for value in (a, b)] + [ratio_text(a / b if a is not None and b else None)]
        counted = [median(server, kind, "count") for server in (ours, peer)]
        body.append([kind, *("" if count is None else f"{count:.0f}" for count in counted), *cells])
    heads = [f"{ours} {what}" for what in ("count", "median ms", "99th ms")], [f"{peer} {what}" for what in ("count", "median ms", "99th ms")]
    return table(["command", heads[0][0], heads[1][0], heads[0][1], heads[1][1], "ratio", heads[0][2], heads[1][2], "ratio"], body)


def counts(turns: dict[str, list[Turn]]) -> list[str]:
    """What is no figure: errors, and what other sessions had removed."""
    out = []
    for name, of in turns.items():
        total = {field: sum(turn.report[field] for turn in of) for field in ("commands", "errors", "raced", "missing")}
        out.append(
            f"{name}: {total['commands']:,} commands, {total['errors']} errors; {total['raced']} answered EXPUNGEISSUED and "
            f"{total['missing']} messages not answered for, because another session had removed them."
        )
    return out


def table(heads: list[str], body: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in [heads, *body]) for i in range(len(heads))]

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths))) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return [line(heads), rule, *map(line, body)]
