"""What record.py makes of HTTP: requests and answers, in the order in which they were asked over all connections."""

import re
import sys
import threading

# A longer body, or one that is not text, is as many letters in the dialogue.
BODY_MAX = 2000


class Conversation:
    """All connections of a program."""

    def __init__(self, folder, placed, text, port):
        self.folder, self.placed, self.text, self.port = folder, placed, text, port
        self.lock, self.exchanges, self.known = threading.Lock(), [], {"token": [], "etag": []}

    def connection(self, number):
        return Connection(self, number)

    def learn(self, kind, value):
        if value not in self.known[kind]:
            self.known[kind].append(value)

    def written(self, said):
        """Text with names for what this server made up."""
        for kind, values in self.known.items():
            for place, value in enumerate(values, 1):
                said = said.replace(value, f"${kind}({place})")
        return self.placed(said.replace(f"localhost:{self.port}", "localhost"))

    def body(self, octets, coded):
        plain = len(octets) <= BODY_MAX and all(32 <= octet < 127 or octet in b"\r\n\t" for octet in octets)
        said = self.written(self.text(octets)) if plain else f"$x({len(octets)})"
        return f"{len(octets):x}\\r\\n{said}\\r\\n0\\r\\n\\r\\n" if coded and octets else "0\\r\\n\\r\\n" if coded else said

    def write(self):
        lines, answers, last = [], [], None
        with self.lock:
            for exchange in self.exchanges:
                if exchange.connection != last:
                    lines.append("@ https")
                    last = exchange.connection
                lines += ["C: " + self.written(line) if line else "C:" for line in exchange.head.split("\r\n")] + ["C:"]
                lines += ["R: 100"] if exchange.waited else []
                if exchange.octets or exchange.coded:
                    lines.append("C- " + self.body(exchange.octets, exchange.coded))
                lines.append(f"R: {exchange.status}")
                answers.append(exchange.head.split("\r\n")[0] + "\n" + exchange.answer + "\n")
        for name, said in (("requests", lines), ("answers", answers)):
            with open(f"{self.folder}/{name}.txt", "w", encoding="utf-8") as out:
                out.write("\n".join(said) + "\n")
        sys.exit()


class Exchange:
    def __init__(self, connection, head):
        self.connection, self.head, self.octets, self.coded = connection, head, b"", False
        self.status, self.answer, self.waited = 0, "", False


class Connection:
    """One connection; record.py hands over the octets of both sides."""

    def __init__(self, conversation, number):
        self.all, self.number, self.open, self.current = conversation, number, [], None
        self.asked, self.told = Messages(self.request), Messages(self.response)

    def client(self, octets):
        with self.all.lock:
            self.asked.take(octets)

    def server(self, octets):
        with self.all.lock:
            self.told.take(octets)

    def end(self):
        with self.all.lock:
            self.told.close()

    def request(self, head, octets, coded):
        if octets is None:
            exchange = Exchange(self.number, head)
            self.all.exchanges.append(exchange)
            self.open.append(exchange)
            self.current = exchange
        else:
            # It may have been answered already.
            self.current.octets, self.current.coded = octets, coded
        return False

    def response(self, head, octets, _):
        status = int(head.split(" ")[1])
        if octets is None:
            if status < 200:
                self.open[0].waited = True
            for kind, name in (("token", "lock-token"), ("etag", "etag")):
                for value in re.findall(rf"(?im)^{name}: *(.*?)\r?$", head):
                    self.all.learn(kind, value)
            return status in (204, 304) or status < 200 or self.open[0].head.startswith("HEAD ")
        if status >= 200:
            exchange = self.open.pop(0)
            exchange.status, exchange.answer = status, head + "\r\n\r\n" + octets.decode(errors="replace")
        return False


class Messages:
    """Octets of one direction to messages. `note` hears of each head, and says whether there is no body, and of each whole message."""

    def __init__(self, note):
        self.note, self.unread, self.head, self.left, self.body, self.coded = note, b"", None, 0, b"", False

    def take(self, octets):
        self.unread += octets
        while self.step():
            pass

    def step(self):
        if self.head is None:
            head, end, rest = self.unread.partition(b"\r\n\r\n")
            if not end:
                return False
            self.unread, self.head, self.body = rest, head.decode(), b""
            length = re.search(r"(?im)^content-length: *(\d+)", self.head)
            self.coded = bool(re.search(r"(?im)^transfer-encoding: *chunked", self.head))
            asks = not self.head.startswith("HTTP/")
            self.left = int(length[1]) if length else 0 if asks else None
            if self.note(self.head, None, False):
                self.left, self.coded = 0, False
        if self.coded:
            while True:
                size, end, rest = self.unread.partition(b"\r\n")
                if not end or len(rest) < int(size, 16) + 2:
                    return False
                count = int(size, 16)
                self.body, self.unread = self.body + rest[:count], rest[count + 2 :]
                if not count:
                    return self.whole()
        if self.left is None or len(self.unread) < self.left:
            return False
        self.body, self.unread = self.unread[: self.left], self.unread[self.left :]
        return self.whole()

    def whole(self):
        self.note(self.head, self.body, self.coded)
        self.head = None
        return True

    def close(self):
        """The connection is gone: what had no length is whole."""
        if self.head is not None and self.left is None:
            self.body, self.unread = self.unread, b""
            self.whole()
