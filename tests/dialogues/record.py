"""Stands between a mail program and a server, and writes what they say as dialogues that tests/dialogues plays.

usage: record.py PORT TARGET_PORT CERTIFICATE KEY FOLDER [WORD=PLACEHOLDER ...]

TLS on both sides, on loopback; the certificate and its key are those in the server's data folder, so that the program sees the same one. Each
connection becomes FOLDER/NUMBER.txt when it ends: all that the program sent, and of the server's answers the tagged ones, the continuation
requests and the greeting. Words (an address, an app password, a folder's name) are written as placeholders.
"""

import base64
import re
import socket
import ssl
import sys
import threading

port, target, certificate, key, folder = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:6]
words = [word.rsplit("=", 1) for word in sys.argv[6:]]
for address, who in list(words):
    for secret, app in words:
        if app == f"{who}.app":
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


def carry(source, sink, note):
    try:
        while octets := source.recv(65536):
            note(octets)
            sink.sendall(octets)
    except OSError:
        pass
    for one in (source, sink):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def connection(number, accepted):
    dialogue = Dialogue(number)
    try:
        client = served.wrap_socket(accepted, server_side=True)
        server = trusting.wrap_socket(socket.create_connection(("127.0.0.1", target)), server_hostname="localhost")
    except OSError:
        return
    back = threading.Thread(target=carry, args=(server, client, dialogue.server))
    back.start()
    carry(client, server, dialogue.client)
    back.join()
    dialogue.end()


served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
served.load_cert_chain(certificate, key)
trusting = ssl.create_default_context(cafile=certificate)
listener = socket.create_server(("127.0.0.1", port))
for number in range(1, 10_000):
    threading.Thread(target=connection, args=(number, listener.accept()[0])).start()
