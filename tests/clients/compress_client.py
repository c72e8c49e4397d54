"""A session through COMPRESS=DEFLATE, by zlib and a bare socket.

usage: compress_client.py HOST:PORT CERTIFICATE USER PASSWORD
"""

import random
import socket
import ssl
import sys
import zlib

address, certificate, user, password = sys.argv[1:]
host, port = address.rsplit(":", 1)
PATIENCE_SECONDS = 60
WORDS = "customs tariff import export declaration vessel container broker duty excise bond transit warehouse".split()


class Session:
    """A connection. `packed` counts the octets that came, `plain` what they were inflated to."""

    def __init__(self):
        context = ssl.create_default_context(cafile=certificate)
        raw = socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)
        self.socket = context.wrap_socket(raw, server_hostname="localhost")
        self.inflater = self.deflater = None
        self.buffer = b""
        self.packed = self.plain = self.tags = 0
        assert self.line().startswith(b"* OK")

    def more(self):
        """What came next; nothing at the end."""
        octets = self.socket.recv(65536)
        self.packed += len(octets)
        if octets and self.inflater:
            octets = self.inflater.decompress(octets)
            self.plain += len(octets)
            return octets or self.more()
        return octets

    def octets(self, count):
        while len(self.buffer) < count:
            octets = self.more()
            if not octets:
                raise EOFError
            self.buffer += octets
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def line(self):
        while b"\n" not in self.buffer:
            octets = self.more()
            if not octets:
                raise EOFError
            self.buffer += octets
        taken, self.buffer = self.buffer.split(b"\n", 1)
        return taken.rstrip(b"\r")

    def send(self, octets, flush=zlib.Z_SYNC_FLUSH):
        if self.deflater:
            octets = self.deflater.compress(octets) + self.deflater.flush(flush)
        self.socket.sendall(octets)

    def begin(self, text):
        self.tags += 1
        tag = b"t%d" % self.tags
        self.send(tag + b" " + text + b"\r\n")
        return tag

    def answer(self, tag):
        """The untagged lines with their literals, and the rest of the tagged one."""
        untagged = []
        while True:
            line = self.line()
            if line.startswith(tag + b" "):
                return untagged, line[len(tag) + 1 :]
            whole = line
            while line.endswith(b"}"):
                literal = self.octets(int(line[line.rindex(b"{") + 1 : -1]))
                line = self.line()
                whole += b"\r\n" + literal + line
            untagged.append(whole)

    def command(self, text):
        return self.answer(self.begin(text))

    def ok(self, text):
        untagged, status = self.command(text)
        assert status.startswith(b"OK"), (text, status)
        return untagged

    def append(self, mailbox, message, waits):
        tag = self.begin(b'APPEND "%s" {%d%s}' % (mailbox, len(message), b"" if waits else b"+"))
        if waits:
            assert self.line().startswith(b"+")
        self.send(message + b"\r\n")
        _, status = self.answer(tag)
        assert status.startswith(b"OK"), status

    def log_in(self):
        self.ok(b'LOGIN "%s" "%s"' % (user.encode(), password.encode()))
        return self

    def compress(self):
        self.ok(b"COMPRESS DEFLATE")
        assert not self.buffer, "nothing stands behind the answer until we ask"
        self.inflater = zlib.decompressobj(-15)
        self.deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.packed = self.plain = 0
        return self


def message(number, lines):
    r = random.Random(number)
    text = "\r\n".join(" ".join(r.choice(WORDS) for _ in range(10)) for _ in range(lines))
    return (
        f"From: <{r.choice(WORDS)}@bench.test>\r\nTo: <{user}>\r\nSubject: {r.choice(WORDS)} {number}\r\n"
        f"Date: Mon, 02 Nov 2026 08:00:00 +0100\r\nMessage-ID: <packed-{number}@test.invalid>\r\n\r\n{text}\r\n"
    ).encode()


def refused_before_login():
    stranger = Session()
    assert b"COMPRESS" not in b"".join(stranger.ok(b"CAPABILITY"))
    _, status = stranger.command(b"COMPRESS DEFLATE")
    assert status.startswith(b"BAD"), status
    # And it did not begin.
    stranger.log_in().ok(b"NOOP")
    assert b" COMPRESS=DEFLATE" in b"".join(stranger.ok(b"CAPABILITY"))


def session():
    it = Session().log_in().compress()
    assert b"COMPRESS" not in b"".join(it.ok(b"CAPABILITY"))
    _, status = it.command(b"COMPRESS DEFLATE")
    assert status.startswith(b"NO [COMPRESSIONACTIVE]"), status
    # RFC 8437 section 4.1: it would have to end the compression.
    assert b"UNAUTHENTICATE" not in b"".join(it.ok(b"CAPABILITY"))
    _, status = it.command(b"UNAUTHENTICATE")
    assert status.startswith(b"BAD"), status
    it.ok(b"CREATE Packed")
    # Text, and octets that cannot be packed; by both kinds of literal.
    noise = b"Subject: noise\r\n\r\n" + bytes(random.Random(7).choices(range(128, 256), k=2 << 20)) + b"\r\n"
    sent = [message(1, 40_000), noise] + [message(number, 30) for number in range(2, 40)]
    for number, each in enumerate(sent):
        it.append(b"Packed", each, waits=number % 2 == 0)
    it.ok(b"SELECT Packed")
    for number in (1, 2):
        it.packed = it.plain = 0
        (fetched, *_) = it.ok(b"FETCH %d BODY.PEEK[]" % number)
        assert fetched.split(b"\r\n", 1)[1][:-1] == sent[number - 1], f"message {number} came back otherwise"
        print(f"message {number}: {it.plain} octets as {it.packed}, {it.packed / it.plain:.3f}")
        assert it.packed < it.plain * (0.4 if number == 1 else 1.01)
    it.packed = it.plain = 0
    fetched = it.ok(b"FETCH 3:* (UID FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])")
    assert len(fetched) == 38 and all(each in whole for each, whole in zip(sent[2:], fetched))
    print(f"small messages: {it.plain} octets as {it.packed}, {it.packed / it.plain:.3f}")
    assert it.packed < it.plain * 0.4
    # Many commands in one piece, each packed for itself.
    tags = [it.begin(b"NOOP") for _ in range(50)]
    assert all(it.answer(tag)[1].startswith(b"OK") for tag in tags)
    return it


def news_in_idle(it):
    tag = it.begin(b"IDLE")
    assert it.line().startswith(b"+")
    Session().log_in().append(b"Packed", message(99, 10), waits=True)
    while not it.line().endswith(b" EXISTS"):
        pass
    # Another kind of flush than before.
    it.send(b"DONE\r\n", zlib.Z_FULL_FLUSH)
    assert it.answer(tag)[1].startswith(b"OK")


def bomb(it):
    """64 MiB in one line: it is too long, and nothing else happens."""
    it.send(b"x" * (64 << 20) + b"\r\n")
    assert b"BAD" in it.line()
    it.ok(b"NOOP")


def no_stream():
    """Plain text where a deflate stream should be: the end of that connection, and of no other."""
    it = Session().log_in().compress()
    it.socket.sendall(b"t9 NOOP\r\n")
    try:
        it.line()
        raise AssertionError("it was answered")
    except (EOFError, ConnectionResetError, ssl.SSLEOFError):
        pass


refused_before_login()
it = session()
news_in_idle(it)
bomb(it)
no_stream()
# All are flushed, and the connection ends in order.
untagged = it.ok(b"LOGOUT")
assert untagged and untagged[0].startswith(b"* BYE")
assert it.more() == b""
print("all is well")
