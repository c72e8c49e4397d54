"""A client that was away: CONDSTORE (what has changed since) and QRESYNC (what has vanished since), with imapclient and imaplib.

usage: imap_resync.py PORT CERTIFICATE ADDRESS PASSWORD
"""

import imaplib
import re
import ssl
import sys
import uuid

from imapclient import IMAPClient

port, certificate, address, password = sys.argv[1:]
context = ssl.create_default_context(cafile=certificate)
name = f"resync-{uuid.uuid4().hex[:8]}"


def connect():
    client = IMAPClient("localhost", port=int(port), ssl_context=context)
    client.login(address, password)
    return client


def uids(text):
    """A set such as 3,5:7 as numbers."""
    found = set()
    for part in text.split(","):
        first, _, last = part.partition(":")
        found.update(range(int(first), int(last or first) + 1))
    return found


client = connect()
for capability in ("CONDSTORE", "QRESYNC", "ENABLE"):
    assert client.has_capability(capability), client.capabilities()
client.enable("CONDSTORE")
client.create_folder(name)
for number in range(20):
    client.append(name, f"From: <a@outside.test>\r\nSubject: number {number + 1}\r\n\r\nBody.\r\n".encode())

# What this client remembers when it goes: the uids, the validity, the highest modseq.
selected = client.select_folder(name)
validity, highest = selected[b"UIDVALIDITY"], selected[b"HIGHESTMODSEQ"]
assert client.folder_status(name, ["HIGHESTMODSEQ"])[b"HIGHESTMODSEQ"] == highest
known = client.search()
assert known == list(range(1, 21))
modseqs = client.fetch(known, ["MODSEQ"])
assert max(fetched[b"MODSEQ"][0] for fetched in modseqs.values()) <= highest
client.close_folder()

# Meanwhile somebody else flags, removes and adds.
other = connect()
other.select_folder(name)
other.add_flags([3, 4], [b"\\Flagged"])
other.delete_messages([5, 6, 7, 12])
other.expunge()
other.append(name, b"From: <a@outside.test>\r\nSubject: number 21\r\n\r\nBody.\r\n")
other.close_folder()

# CONDSTORE: only what has changed since, and nothing twice.
client.select_folder(name)
changed = client.fetch(client.search(), ["FLAGS"], [f"CHANGEDSINCE {highest}"])
assert set(changed) == {3, 4, 21}, changed
assert all(fetched[b"MODSEQ"][0] > highest for fetched in changed.values()), changed
assert set(client.search(["MODSEQ", str(highest + 1)])) == {3, 4, 21}
now = client.folder_status(name, ["HIGHESTMODSEQ"])[b"HIGHESTMODSEQ"]
assert now > highest
assert client.fetch(client.search(), ["FLAGS"], [f"CHANGEDSINCE {now}"]) == {}

# UNCHANGEDSINCE: who has not seen the change does not overwrite it, and is told which ones those were.
plain = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=context)
plain.login(address, password)
plain.select(name)
tag = plain._command("UID", "STORE", "3,8", f"(UNCHANGEDSINCE {highest})", "+FLAGS.SILENT", r"(\Answered)")
status, data = plain._command_complete("UID", tag)
assert status == "OK" and b"[MODIFIED 3]" in data[0], (status, data)
flags = {uid: fetched[b"FLAGS"] for uid, fetched in client.fetch([3, 8], ["FLAGS"]).items()}
assert b"\\Answered" not in flags[3] and b"\\Answered" in flags[8], flags
plain.logout()

# QRESYNC: one SELECT tells what has vanished and what has changed.
plain = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=context)
plain.login(address, password)
assert plain.enable("QRESYNC")[0] == "OK"
plain.select(name)
plain.untagged_responses = {}
status, data = plain.xatom("SELECT", name, f"(QRESYNC ({validity} {highest} 1:20))")
assert status == "OK", (status, data)
vanished = plain.response("VANISHED")[1]
assert vanished and vanished[0].startswith(b"(EARLIER) "), vanished
gone = set().union(*(uids(line.decode().removeprefix("(EARLIER) ")) for line in vanished))
assert gone & set(range(1, 21)) == {5, 6, 7, 12}, gone
fetched = plain.response("FETCH")[1]
told = {int(re.search(rb"UID (\d+)", line)[1]): line for line in fetched}
assert set(told) >= {3, 4, 8} and all(b"MODSEQ (" in line for line in told.values()), told
assert set(told) <= {3, 4, 8, 21}, told

# From then on what goes is told by uid.
other.select_folder(name)
other.delete_messages([9])
other.expunge()
plain.untagged_responses = {}
plain.noop()
assert plain.response("VANISHED")[1] == [b"9"], plain.untagged_responses
assert plain.response("EXPUNGE")[1] in ([], [None])

# A validity that is not the mailbox's: nothing is told as vanished, the client begins anew.
plain.untagged_responses = {}
assert plain.xatom("SELECT", name, f"(QRESYNC ({int(validity) + 1} {highest}))")[0] == "OK"
assert plain.response("VANISHED")[1] in ([], [None])
plain.close()
plain.logout()

# UID FETCH with VANISHED, for who has the mailbox open already.
plain = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=context)
plain.login(address, password)
plain.enable("QRESYNC")
plain.select(name)
status, _ = plain.uid("FETCH", "1:20", "(FLAGS)", f"(CHANGEDSINCE {highest} VANISHED)")
assert status == "OK"
gone = set().union(*(uids(line.decode().removeprefix("(EARLIER) ")) for line in plain.response("VANISHED")[1]))
assert gone == {5, 6, 7, 9, 12}, gone
plain.close()
plain.logout()
other.close_folder()
client.close_folder()
client.delete_folder(name)
print("all is well")
