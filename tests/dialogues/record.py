"""Stands between a program and a server, and writes what they say as dialogues that tests/dialogues plays.

usage: record.py imaps|https PORT TARGET_PORT CERTIFICATE KEY FOLDER [WORD=PLACEHOLDER ...]

TLS on both sides, on loopback; the certificate and its key are those in the server's data folder, so that the program sees the same one. Words
(an address, an app password, a folder's name) are written as placeholders.

Of IMAP each connection becomes FOLDER/NUMBER.txt when it ends: all that the program sent, and of the server's answers the tagged ones, the
continuation requests and the greeting. Of HTTP all connections become FOLDER/requests.txt, in the order in which they asked, when the recorder
is ended with SIGTERM (record_http.py); the answers are beside it to choose from what is to be awaited.
"""

import base64
import re
import select
import signal
import socket
import ssl
import sys
import threading

import record_http

protocol, port, target, certificate, key, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:7]
words = [word.rsplit("=", 1) for word in sys.argv[7:]]
for address, who in list(words):
    for secret, app in words:
        if app == f"{who}.app":
            words.append([base64.b64encode(f"{address}:{secret}".encode()).decode(), f"$basic({who[1:]})"])
            for authzid, argument in (("", who[1:]), (address, f"{who[1:]},{who[1:]}")):
                plain = base64.b64encode(f"{authzid}\0{address}\0{secret}".encode()).decode()
                words.append([plain, f"$plain({argument})"])


def text(octets):
    """Octets as the dialogues write them after C-."""
    out = ""
    for octet in octets:
        out += {10: "\\n", 13: "\\r", 92: "\\\\"}.get(octet) or (chr(octet) if 32 <= octet < 127 else f"\\x{octet:02x}")
    return placed(out)


def placed(said):
    for word, placeholder in sorted(words, key=lambda pair: -len(pair[0])):
        said = said.replace(word, placeholder)
    return said


class Dialogue:
    def __init__(self, number):
        self.number, self.lines, self.lock = number, ["@ imaps"], threading.Lock()
        self.unread, self.literal, self.answers, self.skip, self.greeted = b"", 0, b"", 0, False

    def client(self, octets):
        with self.lock:
            self.unread += octets
            while self.unread:
                if self.literal:
                    if len(self.unread) < self.literal:
                        return
                    self.lines.append("C- " + text(self.unread[: self.literal]))
                    self.unread, self.literal = self.unread[self.literal :], 0
                    continue
                line, end, rest = self.unread.partition(b"\r\n")
                if not end:
                    return
                self.unread = rest
                printable = all(32 <= octet < 127 for octet in line)
                self.lines.append("C: " + placed(line.decode()) if printable else "C- " + text(line + b"\r\n"))
                announced = re.search(rb"\{(\d+)\+?\}$", line)
                self.literal = int(announced[1]) if announced else 0

    def server(self, octets):
        with self.lock:
            self.answers += octets
            while self.answers:
                if self.skip:
                    gone = min(self.skip, len(self.answers))
                    self.answers, self.skip = self.answers[gone:], self.skip - gone
                    continue
                line, end, rest = self.answers.partition(b"\r\n")
                if not end:
                    return
                self.answers = rest
                announced = re.search(rb"\{(\d+)\}$", line)
                self.skip = int(announced[1]) if announced else 0
                said = line.decode(errors="replace")
                if not self.greeted:
                    self.greeted = True
                    self.lines.append("S: * OK …")
                elif said.startswith("+"):
                    self.lines.append("S+ + …")
                elif re.match(r"[A-Za-z0-9.]+ (OK|NO|BAD)\b", said):
                    self.lines.append("S+ " + " ".join(said.split(" ")[:2]) + " …")

    def end(self):
        with open(f"{folder}/{self.number:02}.txt", "w", encoding="utf-8") as out:
            out.write("\n".join(self.lines) + "\n")


def carry(client, server, dialogue):
    """Until one of them goes. By one thread: a TLS socket is not for two."""
    notes = {client: (dialogue.client, server), server: (dialogue.server, client)}
    while True:
        ready = [one for one in notes if one.pending()] or select.select(list(notes), [], [])[0]
        for one in ready:
            note, other = notes[one]
            one.setblocking(False)
            try:
                octets = one.recv(65536)
            except ssl.SSLWantReadError:
                continue
            finally:
                one.setblocking(True)
            if not octets:
                return
            note(octets)
            other.sendall(octets)


def connection(number, accepted):
    dialogue = conversation.connection(number) if conversation else Dialogue(number)
    try:
        client = served.wrap_socket(accepted, server_side=True)
        server = trusting.wrap_socket(socket.create_connection(("127.0.0.1", target)), server_hostname="localhost")
        with client, server:
            carry(client, server, dialogue)
    except OSError:
        pass
    dialogue.end()


served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
served.load_cert_chain(certificate, key)
trusting = ssl.create_default_context(cafile=certificate)
conversation = record_http.Conversation(folder, placed, text, port) if protocol == "https" else None
if conversation:
    signal.signal(signal.SIGTERM, lambda *_: conversation.write())
listener = socket.create_server(("127.0.0.1", port))
for number in range(1, 10_000):
    threading.Thread(target=connection, args=(number, listener.accept()[0])).start()
