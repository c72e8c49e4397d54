"""Raw clients, which look for the end of an answer and hardly anything else: their own cost is small, and the same for every server."""

import collections
import re
import socket
import ssl

# Longest wait for an octet, in seconds: a search through everything may take minutes, a server that hangs must not hang us.
PATIENCE = 900
# Commands under way at once when a mailbox is filled.
PIPELINE = 100

_TLS = ssl.create_default_context()
_TLS.check_hostname = False
_TLS.verify_mode = ssl.CERT_NONE


class Refused(Exception):
    """The server said no: the work is not done there, which is a result and not an error of the benchmark."""


class Imap:
    """An IMAP connection over TLS, logged in."""

    def __init__(self, server, user: int):
        address, password = server.user(user)
        stream = socket.create_connection(server.address("imaps"), timeout=PATIENCE)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = _TLS.wrap_socket(stream)
        self.number, self.buffer = 0, b""
        self.line()
        self.command(f'LOGIN "{address}" "{password}"')

    def close(self):
        self.socket.close()

    def receive(self) -> bytes:
        # No more than a TLS record comes at once, and a larger buffer costs Python more than the octets in it.
        data = self.socket.recv(1 << 14)
        if not data:
            raise EOFError("closed by the server")
        return data

    def line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self.buffer += self.receive()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def tag(self) -> bytes:
        self.number += 1
        return b"a%d" % self.number

    def until(self, tag: bytes, keep: bool = False) -> bytes:
        """Read to the tagged line; the whole answer if it is to be kept."""
        pattern = b"\r\n" + tag + b" "
        tail, kept = b"\r\n" + self.buffer, [self.buffer]
        self.buffer = b""
        while True:
            at = tail.find(pattern)
            end = tail.find(b"\r\n", at + 2) if at >= 0 else -1
            if end >= 0:
                last, self.buffer = tail[at + 2 : end], tail[end + 2 :]
                if not last.startswith(tag + b" OK"):
                    raise Refused(last[len(tag) + 1 :].decode(errors="replace")[:200])
                return b"".join(kept) if keep else b""
            data = self.receive()
            if keep:
                kept.append(data)
            tail = tail[at if at >= 0 else -len(pattern) :] + data

    def command(self, text: str, keep: bool = False) -> bytes:
        tag = self.tag()
        self.socket.sendall(tag + b" " + text.encode() + b"\r\n")
        return self.until(tag, keep)

    def append(self, mailbox: str, message: bytes):
        tag = self.tag()
        self.socket.sendall(_append(tag, mailbox, message))
        self.until(tag)

    def fill(self, mailbox: str, messages):
        """Append all of them in their order, many commands under way at once."""
        waiting, chunk = collections.deque(), []
        for message in messages:
            tag = self.tag()
            chunk.append(_append(tag, mailbox, message))
            if len(chunk) == PIPELINE:
                # The answers to one more chunk are a few KiB: they fit into the socket's buffer while we send.
                self.socket.sendall(b"".join(chunk))
                chunk.clear()
                waiting.append(tag)
                if len(waiting) > 1:
                    self._appended(waiting.popleft())
        if chunk:
            self.socket.sendall(b"".join(chunk))
            waiting.append(tag)
        while waiting:
            self._appended(waiting.popleft())

    def _appended(self, last: bytes):
        """Read to the answer of a chunk's last command."""
        while True:
            line = self.line()
            tag, _, answer = line.partition(b" ")
            if tag not in (b"*", b"+") and not answer.startswith(b"OK"):
                raise RuntimeError(f"a mailbox could not be filled: {line.decode(errors='replace')[:200]}")
            if tag == last:
                return

    def count(self, mailbox: str) -> int:
        """Messages in a mailbox; 0 if there is none."""
        try:
            return int(self.command(f"STATUS {mailbox} (MESSAGES)", keep=True).split(b"MESSAGES ")[1].split(b")")[0])
        except Refused:
            return 0

    def create(self, mailbox: str):
        """Make a mailbox unless it is there."""
        try:
            self.command(f"CREATE {mailbox}")
        except Refused:
            pass

    def idle(self):
        tag = self.tag()
        self.socket.sendall(tag + b" IDLE\r\n")
        while not self.line().startswith(b"+"):
            pass


def _append(tag: bytes, mailbox: str, message: bytes) -> bytes:
    return b"%s APPEND %s {%d+}\r\n%s\r\n" % (tag, mailbox.encode(), len(message), message)


class Lmtp:
    """An LMTP connection for one delivery after the other."""

    def __init__(self, server):
        self.socket = socket.create_connection(server.address("lmtp"), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.reply("220")
        self.say(b"LHLO bench.test", "250")

    def reply(self, expected: str):
        while True:
            line = self.file.readline()
            if not line.startswith(expected.encode()):
                raise RuntimeError(f"LMTP said {line!r} where {expected} was expected")
            if line[3:4] != b"-":
                return

    def say(self, line: bytes, expected: str):
        self.socket.sendall(line + b"\r\n")
        self.reply(expected)

    def deliver(self, to: str, message: bytes):
        self.say(b"MAIL FROM:<load@outside.test>", "250")
        self.say(b"RCPT TO:<%s>" % to.encode(), "250")
        self.say(b"DATA", "354")
        self.socket.sendall(message + b".\r\n")
        self.reply("250")

    def close(self):
        self.socket.close()


def numbers(answer: bytes, word: bytes) -> list[int]:
    """The numbers of an untagged SEARCH or SORT answer, in their order."""
    found = re.findall(rb"(?:^|\r\n)\* " + word + rb"((?: \d+)*)", answer)
    return [int(n) for line in found for n in line.split()]


def threads(answer: bytes) -> list:
    """The threads of an untagged THREAD answer, each as nested tuples of numbers."""
    found = re.search(rb"\* THREAD ([^\r]*)", answer)
    stack: list[list] = [[]]
    for token in re.findall(rb"[()]|\d+", found.group(1) if found else b""):
        if token == b"(":
            stack.append([])
        elif token == b")":
            closed = tuple(stack.pop())
            stack[-1].append(closed)
        else:
            stack[-1].append(int(token))
    return stack[0]
