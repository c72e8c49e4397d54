"""The rows of the table: what is done, what is measured, and what we aim at.

A row's `act` gets a [`Side`] and returns a figure: seconds for the whole piece of work, or a rate where the name ends in `_per_s`.
"""

import random
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clients import Imap, Refused, numbers, threads
from corpus import message
from servers import DOMAIN, Server
from together import together

# Rows that are cheap and leave nothing behind are measured so often, in turns, and the median counts.
ROUNDS = 5
# Whose INBOX the LMTP rows fill.
LMTP_USER = 2
# Whose mailboxes the IMAP rows use, and what they are called.
USER, BOX, WRITTEN = 1, "Bench", "Written"
# What Thunderbird asks for when it opens a folder.
THUNDERBIRD = (
    "UID FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority "
    "X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])"
)


@dataclass
class Sizes:
    """How much work there is."""

    messages: int = 20_000
    append_many: int = 4_000
    append_one: int = 300
    writers: int = 16
    random_reads: int = 500
    random_stores: int = 300
    logins: int = 100
    idlers: int = 100
    lmtp_one: int = 500
    lmtp_many: int = 3_000

    @staticmethod
    def small(messages: int) -> "Sizes":
        return Sizes(messages, 32, 10, 4, 20, 20, 5, 10, 10, 64)


@dataclass
class Side:
    """One server in the comparison, with the connections that the rows share."""

    server: Server
    sizes: Sizes
    results: dict[str, object] = field(default_factory=dict)
    _writer: Imap | None = None
    _reader: Imap | None = None

    def forget_connections(self):
        """After a failure nobody knows what a connection would say next."""
        self._writer = self._reader = None

    @property
    def writer(self) -> Imap:
        if self._writer is None:
            self._writer = Imap(self.server, USER)
        return self._writer

    @property
    def reader(self) -> Imap:
        """A connection that has the full mailbox selected."""
        if self._reader is None:
            self._reader = Imap(self.server, USER)
            self._reader.command(f"SELECT {BOX}")
        return self._reader


@dataclass
class Row:
    name: str
    act: Callable[[Side], float]
    # `(">=", 5)`: at least five times the other's rate. `("<=", 0.5)`: at most half of its time.
    aim: tuple[str, float] | None = None
    rounds: int = 1
    # What must be there before; not measured.
    prepare: Callable[[Side], None] = lambda side: None
    # The acts leave what the server answered in `side.results`, to be compared.
    answers: bool = False

    @property
    def is_rate(self) -> bool:
        return self.name.endswith("_per_s")


def timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


# --- Filling and opening


def append_many(side: Side) -> float:
    s = side.sizes
    each = max(1, s.append_many // s.writers)
    ready = [[message(10**7 + k * each + i) for i in range(each)] for k in range(s.writers)]

    def one(messages: list[bytes]):
        connection = Imap(side.server, USER)
        for m in messages:
            connection.append(WRITTEN, m)

    return each * s.writers / timed(lambda: together(one, ready, s.writers))


def append_one(side: Side) -> float:
    writer, messages = side.writer, [message(2 * 10**7 + i) for i in range(side.sizes.append_one)]
    return len(messages) / timed(lambda: [writer.append(WRITTEN, m) for m in messages])


def create_written(side: Side):
    side.writer.create(WRITTEN)


def fill(side: Side) -> float:
    """In the same order everywhere, so that sequence numbers mean the same messages and answers can be compared."""
    side.writer.create(BOX)
    have = side.writer.count(BOX)
    return timed(lambda: side.writer.fill(BOX, (message(i) for i in range(have, side.sizes.messages))))


def filled(side: Side):
    fill(side)


def select(side: Side) -> float:
    connection = Imap(side.server, USER)
    seconds = timed(lambda: connection.command(f"SELECT {BOX}"))
    connection.close()
    return seconds


def asked(command: str) -> Callable[[Side], float]:
    def act(side: Side) -> float:
        reader = side.reader
        return timed(lambda: reader.command(command))

    return act


def chosen(side: Side, count: int) -> list[int]:
    r = random.Random(7)
    return [r.randint(1, side.sizes.messages) for _ in range(count)]


def fetch_random(side: Side) -> float:
    reader, wanted = side.reader, chosen(side, side.sizes.random_reads)
    return len(wanted) / timed(lambda: [reader.command(f"FETCH {i} (BODY.PEEK[])") for i in wanted])


def store_one(side: Side) -> float:
    reader, wanted = side.reader, chosen(side, side.sizes.random_stores)
    return len(wanted) / timed(lambda: [reader.command(f"STORE {i} +FLAGS.SILENT (\\Flagged)") for i in wanted])


def store_half(side: Side) -> float:
    return asked(f"STORE 1:{max(1, side.sizes.messages // 2)} +FLAGS.SILENT ($Validated)")(side)


# --- Asking


def answer(name: str, command: str, read: Callable[[bytes], object]) -> Callable[[Side], float]:
    def act(side: Side) -> float:
        reader, kept = side.reader, []
        seconds = timed(lambda: kept.append(reader.command(command, keep=True)))
        side.results[name] = read(kept[0])
        return seconds

    return act


def searching(name: str, keys: str, aim: tuple[str, float] | None) -> Row:
    act = answer(name, f"SEARCH {keys}", lambda text: sorted(numbers(text, b"SEARCH")))
    return Row(name, act, aim, prepare=filled, answers=True)


def sorting(name: str, keys: str) -> Row:
    act = answer(name, f"SORT ({keys}) UTF-8 ALL", lambda text: numbers(text, b"SORT"))
    return Row(name, act, ("<=", 0.2), prepare=filled, answers=True)


def resync(side: Side) -> float:
    other = Imap(side.server, USER)
    other.command("ENABLE QRESYNC")
    text = other.command(f"SELECT {BOX}", keep=True)
    try:
        validity = int(text.split(b"UIDVALIDITY ")[1].split(b"]")[0])
        modseq = int(text.split(b"HIGHESTMODSEQ ")[1].split(b"]")[0])
    except IndexError:
        raise Refused("no HIGHESTMODSEQ") from None
    side.reader.command(f"STORE 1:{min(50, side.sizes.messages)} +FLAGS.SILENT ($Later)")
    other.command("CLOSE")
    return timed(lambda: other.command(f"SELECT {BOX} (QRESYNC ({validity} {modseq}))"))


# --- Copying, moving, removing


def copied_to(suffix: str) -> Callable[[Side], None]:
    """Have a full copy of the mailbox."""

    def prepare(side: Side):
        filled(side)
        side.writer.create(BOX + suffix)
        if side.writer.count(BOX + suffix) < side.sizes.messages:
            side.reader.command(f"UID COPY 1:* {BOX}{suffix}")

    return prepare


def room_for(suffix: str, before: Callable[[Side], None]) -> Callable[[Side], None]:
    def prepare(side: Side):
        before(side)
        side.writer.create(BOX + suffix)

    return prepare


def move_all(side: Side) -> float:
    side.writer.command(f"SELECT {BOX}2")
    return timed(lambda: side.writer.command(f"UID MOVE 1:* {BOX}3"))


def delete_all(side: Side) -> float:
    side.writer.command(f"SELECT {BOX}3")

    def act():
        side.writer.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        side.writer.command("EXPUNGE")

    return timed(act)


# --- Many connections


def logins(side: Side) -> float:
    def act():
        for _ in range(side.sizes.logins):
            connection = Imap(side.server, USER)
            connection.command("LOGOUT")
            connection.close()

    return side.sizes.logins / timed(act)


def idle_fanout(side: Side) -> float:
    waiting = []
    for _ in range(side.sizes.idlers):
        connection = Imap(side.server, USER)
        connection.command("SELECT INBOX")
        connection.idle()
        waiting.append(connection)
    time.sleep(0.5)

    writer = side.writer

    def act():
        writer.append("INBOX", message(1))
        for connection in waiting:
            while b"EXISTS" not in connection.line():
                pass

    seconds = timed(act)
    for connection in waiting:
        connection.close()
    return seconds


# --- LMTP


def lmtp(kept: bool, sessions: int) -> Callable[[Side], float]:
    def act(side: Side) -> float:
        program = shutil.which("smtp-source") or shutil.which("smtp-source", path="/usr/sbin")
        if program is None:
            raise Refused("smtp-source is not installed (Debian: postfix)")
        count = side.sizes.lmtp_one if sessions == 1 else side.sizes.lmtp_many
        host, port = side.server.address("lmtp")
        command = [program, "-L", *(["-d"] if kept else []), "-s", str(sessions), "-m", str(count), "-l", "10240"]
        command += ["-f", "load@outside.test", "-t", f"u{LMTP_USER}@{DOMAIN}", f"{host}:{port}"]
        ran: list[subprocess.CompletedProcess] = []
        seconds = timed(lambda: ran.append(subprocess.run(command, capture_output=True, text=True)))
        if ran[0].returncode != 0:
            raise Refused(f"smtp-source: {ran[0].stderr.strip()[:200]}")
        return count / seconds

    return act


def imap_rows() -> list[Row]:
    half, third = ("<=", 0.5), ("<=", 0.3)
    return [
        Row("append_16conn_per_s", append_many, (">=", 5), prepare=create_written),
        Row("append_1conn_per_s", append_one, (">=", 2), prepare=create_written),
        Row("fill", fill),
        Row("select", select, half, ROUNDS, filled),
        Row("fetch_flags", asked("UID FETCH 1:* (FLAGS)"), half, ROUNDS, filled),
        Row("fetch_fast", asked("FETCH 1:* FAST"), half, ROUNDS, filled),
        Row("fetch_envelope", asked("FETCH 1:* (UID FLAGS ENVELOPE)"), third, prepare=filled),
        Row("fetch_envelope_again", asked("FETCH 1:* (UID FLAGS ENVELOPE)"), third, ROUNDS, filled),
        Row("fetch_bodystructure", asked("FETCH 1:* (UID BODYSTRUCTURE)"), third, prepare=filled),
        Row("thunderbird_list", asked(THUNDERBIRD), third, prepare=filled),
        Row("thunderbird_list_again", asked(THUNDERBIRD), third, ROUNDS, filled),
        Row("fetch_body_all", asked("FETCH 1:* (UID BODY.PEEK[])"), half, prepare=filled),
        Row("fetch_body_random_per_s", fetch_random, (">=", 3), prepare=filled),
        Row("store_all_seen", asked("STORE 1:* +FLAGS.SILENT (\\Seen)"), half, prepare=filled),
        Row("store_one_per_s", store_one, (">=", 1), prepare=filled),
        Row("store_keyword_half", store_half, half, prepare=filled),
        Row("copy_all", asked(f"UID COPY 1:* {BOX}2"), half, prepare=room_for("2", filled)),
        searching("search_flag_date", "FLAGGED SINCE 2-Jun-2026", None),
        searching("search_subject", "SUBJECT embargo", ("<=", 0.05)),
        searching("search_from", "FROM tariff", ("<=", 0.05)),
        searching("search_text", 'TEXT "quota embargo"', ("<=", 0.02)),
        searching("search_body_absent", 'BODY "zyzzyva"', ("<=", 0.02)),
        sorting("sort_subject", "SUBJECT"),
        sorting("sort_date", "REVERSE DATE"),
        Row(
            "thread_references",
            answer("thread_references", "THREAD REFERENCES UTF-8 ALL", threads),
            third,
            prepare=filled,
            answers=True,
        ),
        Row("select_qresync", resync, prepare=filled),
        Row("move_all", move_all, half, prepare=room_for("3", copied_to("2"))),
        Row("delete_expunge_all", delete_all, half, prepare=copied_to("3")),
        Row("login_logout_per_s", logins, (">=", 3), 3),
        Row("idle_fanout_100", idle_fanout, ("<=", 0.1), 3),
    ]


def lmtp_rows() -> list[Row]:
    kept = [Row(f"lmtp_kept_{s}_per_s", lmtp(True, s), (">=", 4 if s == 1 else 12)) for s in (1, 16, 64)]
    new = [Row(f"lmtp_new_{s}_per_s", lmtp(False, s), (">=", 8)) for s in (1, 16, 64)]
    return kept + new
