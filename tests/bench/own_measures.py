"""What only concerns ourselves: memory, disk, and whether the cost of an act grows with what is in the store."""

import os
import pathlib
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import corpus
from chart import log_lines
from clients import Imap, Lmtp
from rows import timed
from servers import DOMAIN, ROOT, Bench, Octroi
from together import together

# Imports that fill a store at the same time, each its own mailbox.
FILLERS = 2
# Messages in each mailbox of the scale measure: what a busy person's INBOX holds.
MAILBOX = 10_000
# Mailboxes that are opened at each point of it.
OPENED = 10
# A little more than the time after which a server that has nothing to do tidies up.
QUIET_SECONDS = 5
DROP_CACHES = pathlib.Path("/proc/sys/vm/drop_caches")


@dataclass
class Own:
    """What is measured where, and how much of it."""

    bench: Bench
    binary: pathlib.Path
    big: int = 200_000
    slice: int = 20_000
    connections: int = 2_000
    first_connections: int = 100
    corpus: int = 20_000
    mailbox: int = MAILBOX
    points: tuple[int, ...] = (10_000, 30_000, 100_000)
    acts: int = 200
    svg: pathlib.Path = ROOT / "target" / "scale.svg"
    # Everything on the machine is read from its disk anew after that: no thing for a test to do.
    may_drop_caches: bool = True

    def server(self, name: str, accounts: int) -> Octroi:
        server = self.bench.add(Octroi(self.bench.folder / name, self.binary, accounts))
        # Making the demo's accounts takes memory (their passwords are hashed) that has nothing to do with what is measured.
        server.restart()
        return server

    def done_with(self, server: Octroi):
        """Its disk space is wanted by the next one."""
        server.stop()
        self.bench.servers.remove(server)
        subprocess.run(["rm", "-rf", str(server.folder)], check=True)


def say(text: str):
    print(text, flush=True)


def note(text: str):
    print(f"  {text} …", file=sys.stderr, flush=True)


def table(heads: list[str], body: list[list[str]]):
    widths = [max(len(row[i]) for row in [heads, *body]) for i in range(len(heads))]
    for cells in [heads, ["-" * w for w in widths], *body]:
        say("| " + " | ".join(c.rjust(w) for c, w in zip(cells, widths)) + " |")
    say("")


def mib(kib: int) -> str:
    return f"{kib / 1024:.1f}"


def fill(own: Own, server: Octroi, jobs: list[tuple[int, str, range]]):
    """Import small messages: account, mailbox, numbers of the messages."""

    def one(job: tuple[int, str, range]):
        user, mailbox, numbers = job
        file = own.bench.folder / f"fill-{user}.mbox"
        write_mbox(file, numbers)
        subprocess.run(import_command(own, server, user, mailbox, file), check=True, stdout=subprocess.DEVNULL)
        file.unlink()

    together(one, jobs, FILLERS)


def import_command(own: Own, server: Octroi, user: int, mailbox: str, file: pathlib.Path) -> list[str]:
    return [str(own.binary), "import", server.user(user)[0], "--mbox", str(file), "--into", mailbox, "--data", str(server.data())]


def write_mbox(file: pathlib.Path, numbers: range):
    with open(file, "wb") as out:
        for number in numbers:
            out.write(b"From load@bench.test Mon Jun  1 08:00:00 2026\n" + corpus.small(number).replace(b"\r\n", b"\n") + b"\n")


# --- Import, then opening


def import_and_open(own: Own):
    """Import a large mailbox slice by slice, then open it: warm, after a start, and from the disk."""
    server = own.server("big", accounts=1)
    import_slices(own, server)
    opening(own, server)
    own.done_with(server)


def import_slices(own: Own, server: Octroi):
    say(f"Import of {own.big:,} messages in slices of {own.slice:,} (`octroi import --mbox`)")
    body, before = [], server.memory()
    file = own.bench.folder / "slice.mbox"
    command = import_command(own, server, 1, "Big", file)
    for first in range(0, own.big, own.slice):
        last = min(first + own.slice, own.big)
        write_mbox(file, range(first, last))
        note(f"importing {first:,} to {last:,}")
        seconds = timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        memory = server.memory()
        body.append([f"{last:,}", f"{seconds:.2f}", f"{(last - first) / seconds:.0f}", mib(memory["RssAnon"]), mib(memory["VmHWM"])])
    file.unlink()
    say(f"(RssAnon before: {mib(before['RssAnon'])} MiB)")
    table(["messages", "seconds of the slice", "messages/s", "RssAnon MiB", "VmHWM MiB"], body)


def opening(own: Own, server: Octroi):
    say(f"Opening a mailbox of {own.big:,} messages")
    server.settle()
    body = [opened(server, "warm", 5)]
    server.restart()
    server.settle()
    body.append(opened(server, "after a start", 1))
    server.stop()
    dropped = own.may_drop_caches and drop_caches()
    server.start()
    server.settle()
    if dropped:
        drop_caches()
        body.append(opened(server, "after a start, from the disk", 1))
    table(["state", "SELECT s", "FETCH FLAGS s", "RssAnon MiB before", "after", "VmHWM MiB before", "after"], body)
    if not dropped:
        say(f"Not from the disk: {DROP_CACHES} cannot or must not be written here.\n")


def opened(server: Octroi, state: str, times: int) -> list[str]:
    selects, fetches, before = [], [], server.memory()
    for _ in range(times):
        connection = Imap(server, 1)
        selects.append(timed(lambda: connection.command("SELECT Big")))
        fetches.append(timed(lambda: connection.command("UID FETCH 1:* (FLAGS)")))
        connection.close()
    after = server.memory()
    figures = [f"{statistics.median(selects):.4f}", f"{statistics.median(fetches):.4f}"]
    return [state, *figures, mib(before["RssAnon"]), mib(after["RssAnon"]), mib(before["VmHWM"]), mib(after["VmHWM"])]


def drop_caches() -> bool:
    try:
        os.sync()
        DROP_CACHES.write_text("3\n")
    except OSError:
        return False
    return True


# --- Idle connections


def idle(own: Own):
    """Resident memory of connections that wait in IDLE, over TLS, on an INBOX with some messages."""
    accounts = 20
    server = own.server("idle", accounts)
    say(f"Memory of {own.connections:,} idle TLS connections of {accounts} accounts, beyond the first {own.first_connections}")
    fill(own, server, [(user, "INBOX", range(20)) for user in range(1, accounts + 1)])
    server.restart()
    server.settle()
    waiting, at_first = [], 0
    for number in range(own.connections):
        connection = Imap(server, 1 + number % accounts)
        connection.command("SELECT INBOX")
        connection.idle()
        waiting.append(connection)
        if number + 1 == own.first_connections:
            server.settle()
            at_first = server.memory()["RssAnon"]
    server.settle()
    at_last = server.memory()["RssAnon"]
    each = (at_last - at_first) / max(1, own.connections - own.first_connections)
    table(
        ["connections", "RssAnon MiB", "KiB for each further"],
        [[str(own.first_connections), mib(at_first), ""], [str(own.connections), mib(at_last), f"{each:.1f}"]],
    )
    for connection in waiting:
        connection.close()
    own.done_with(server)


# --- Disk


def disk(own: Own):
    """The data folder's growth divided by the size of the messages that made it grow."""
    server = own.server("disk", accounts=1)
    say(f"Disk for {own.corpus:,} messages of the yardstick's corpus")
    server.settle()
    before, octets = server.disk(), 0

    def messages():
        nonlocal octets
        for number in range(own.corpus):
            made = corpus.message(number)
            octets += len(made)
            yield made

    connection = Imap(server, 1)
    connection.create("Corpus")
    connection.fill("Corpus", messages())
    connection.close()
    server.settle()
    settled = server.disk() - before
    # SQLite's logs are emptied when nothing has come for two seconds.
    time.sleep(QUIET_SECONDS)
    quiet = server.disk() - before
    server.stop()
    stopped = server.disk() - before
    states = (("just filled", settled), ("quiet", quiet), ("stopped", stopped))
    body = [[name, f"{octets / 2**20:.1f}", f"{taken / 2**20:.1f}", f"{taken / octets:.3f}"] for name, taken in states]
    table(["server", "messages MiB", "disk MiB", "disk / messages"], body)
    own.done_with(server)


# --- Scale


def scale(own: Own):
    """What an act costs with more and more in the store, in mailboxes of the same size."""
    accounts = max(1, own.points[-1] // own.mailbox)
    server = own.server("scale", accounts)
    say(f"Cost of an act with so many messages in the store, in mailboxes of {own.mailbox:,}; milliseconds, means")
    body, series = [], {"delivery (LMTP)": [], "flag change": [], "first open, newest 50": [], "open again": []}
    have = 0
    for point in own.points:
        note(f"filling to {point:,}")
        seconds = timed(lambda: fill(own, server, slices(own, have, point)))
        rate, have = (point - have) / seconds, point
        server.settle()
        figures = [deliver(own, server), flag(own, server)]
        first, again, start = open_newest(server, max(1, point // own.mailbox))
        for values, figure in zip(series.values(), [*figures, first, again]):
            values.append(1000 * figure)
        memory = server.memory()
        shown = [f"{values[-1]:.3f}" for values in series.values()]
        body.append([f"{point:,}", *shown, f"{start:.2f}", mib(memory["RssAnon"]), f"{server.disk() / 2**20:.0f}", f"{rate:.0f}"])
    table(["messages", *series, "start s", "RssAnon MiB", "disk MiB", "imported at, messages/s"], body)
    own.svg.parent.mkdir(parents=True, exist_ok=True)
    own.svg.write_text(log_lines("Cost of an act as the store grows", "messages in the store", "milliseconds", list(own.points), series))
    say(f"Drawn in {own.svg}")
    own.done_with(server)


def slices(own: Own, have: int, want: int) -> list[tuple[int, str, range]]:
    """The messages from `have` to `want`, each mailbox's own part."""
    jobs = []
    while have < want:
        mailbox = have // own.mailbox
        end = min(want, (mailbox + 1) * own.mailbox)
        jobs.append((1 + mailbox, "INBOX", range(have, end)))
        have = end
    return jobs


def deliver(own: Own, server: Octroi) -> float:
    connection, to = Lmtp(server), f"u1@{DOMAIN}"
    messages = [corpus.small(10**8 + number) for number in range(own.acts)]
    seconds = timed(lambda: [connection.deliver(to, message) for message in messages])
    connection.close()
    return seconds / own.acts


def open_newest(server: Octroi, mailboxes: int) -> tuple[float, float, float]:
    """SELECT and the newest fifty messages: the first time after a start, and once more; and seconds of the start itself."""
    firsts, agains, starts = [], [], []
    # With few mailboxes a start gives few first times.
    for _ in range(max(1, OPENED // mailboxes)):
        starts.append(server.restart())
        server.settle()
        chosen = random.Random(3).sample(range(1, mailboxes + 1), min(OPENED, mailboxes))
        for seconds in (firsts, agains):
            seconds.extend(open_one(server, user) for user in chosen)
    return statistics.mean(firsts), statistics.mean(agains), statistics.mean(starts)


def open_one(server: Octroi, user: int) -> float:
    connection = Imap(server, user)
    began = time.perf_counter()
    exists = int(connection.command("SELECT INBOX", keep=True).split(b" EXISTS")[0].rsplit(b" ", 1)[1])
    connection.command(f"FETCH {max(1, exists - 49)}:{exists} (UID FLAGS ENVELOPE)")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def flag(own: Own, server: Octroi) -> float:
    connection = Imap(server, 1)
    connection.command("SELECT INBOX")
    r = random.Random(4)
    wanted = [r.randint(1, min(own.mailbox, own.points[0])) for _ in range(own.acts)]
    # One way and back, so that each is a change.
    signs = ["+" if wanted[:i].count(n) % 2 == 0 else "-" for i, n in enumerate(wanted)]
    seconds = timed(lambda: [connection.command(f"STORE {n} {s}FLAGS.SILENT (\\Flagged)") for n, s in zip(wanted, signs)])
    connection.close()
    return seconds / own.acts


def engine(_: Own):
    """Deliveries against the bare limit of the disk, at 1, 16 and 64 producers."""
    subprocess.run(["cargo", "bench", "--locked", "-p", "octroi-engine"], cwd=ROOT, check=True)


MEASURES = {"open": import_and_open, "idle": idle, "disk": disk, "scale": scale}


def smoke(bench: Bench, binary: pathlib.Path):
    """All of them once, very small."""
    svg = bench.folder / "scale.svg"
    own = Own(bench, binary, 200, 100, 30, 10, 50, 20, (20, 60), 8, svg, may_drop_caches=False)
    for measure in MEASURES.values():
        measure(own)
