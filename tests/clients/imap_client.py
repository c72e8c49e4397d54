"""imapclient and the standard library's imaplib: what scripts and small tools do with a mailbox, with names and words that are not ASCII.

usage: imap_client.py PORT CERTIFICATE ADDRESS PASSWORD
"""

import imaplib
import ssl
import sys
import threading
import uuid

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

port, certificate, address, password = sys.argv[1:]
context = ssl.create_default_context(cafile=certificate)
own = f"Dépôt {uuid.uuid4().hex[:8]}"


def connect():
    client = IMAPClient("localhost", port=int(port), ssl_context=context)
    client.login(address, password)
    return client


def message(subject, sender="someone@outside.test", date="Mon, 02 Nov 2026 08:00:00 +0100", more="", body="Corps."):
    text = (
        f"From: <{sender}>\r\nTo: <{address}>\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <{subject}@test.invalid>\r\n{more}"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    )
    return text.encode()


def names(client, pattern="*"):
    return [name for _, _, name in client.list_folders("", pattern)]


# Names travel as modified UTF-7; the library shows them as they are.
client = connect()
for name in (own, f"{own}/Été & hiver", f"{own}/日本語"):
    client.create_folder(name)
assert {own, f"{own}/Été & hiver", f"{own}/日本語"} <= set(names(client)), names(client)
listed = {name: flags for flags, _, name in client.list_folders()}
assert b"\\HasChildren" in listed[own], listed[own]
client.subscribe_folder(f"{own}/日本語")
assert f"{own}/日本語" in [name for _, _, name in client.list_sub_folders()]
client.rename_folder(f"{own}/日本語", f"{own}/日本")
assert f"{own}/日本" in names(client)
client.delete_folder(f"{own}/日本")
assert client.find_special_folder(b"\\Sent") is not None
assert client.namespace().personal[0][1] == "/"

# Append, select, fetch.
for number, (subject, sender) in enumerate((("b-second", "claire@outside.test"), ("a-first", "bruno@outside.test"), ("c-third", "albert@outside.test"))):
    date = f"Mon, {number + 2:02} Nov 2026 08:00:00 +0100"
    client.append(own, message(subject, sender, date, body="Déclaration en douane n° 42"), flags=[b"\\Seen"] if number == 1 else [])
selected = client.select_folder(own)
assert selected[b"EXISTS"] == 3 and not selected.get(b"READ-ONLY"), selected
everything = client.fetch(client.search(), ["ENVELOPE", "FLAGS", "RFC822.SIZE", "BODYSTRUCTURE", "INTERNALDATE"])
subjects = {uid: fetched[b"ENVELOPE"].subject.decode() for uid, fetched in everything.items()}
assert sorted(subjects.values()) == ["a-first", "b-second", "c-third"], subjects
uid_of = {subject: uid for uid, subject in subjects.items()}
whole = client.fetch([uid_of["b-second"]], ["BODY.PEEK[]"])[uid_of["b-second"]][b"BODY[]"]
assert len(whole) == everything[uid_of["b-second"]][b"RFC822.SIZE"] and "n° 42".encode() in whole
assert b"\\Seen" not in client.get_flags([uid_of["b-second"]])[uid_of["b-second"]]

# Flags: system flags and keywords, added, set, taken away.
first = [uid_of["a-first"]]
assert b"$Urgent" in client.add_flags(first, [b"\\Flagged", b"$Urgent"])[first[0]]
assert b"\\Flagged" not in client.remove_flags(first, [b"\\Flagged"])[first[0]]
assert set(client.set_flags(first, [b"\\Answered"])[first[0]]) - {b"\\Recent"} == {b"\\Answered"}

# Search, also for what is not ASCII; sort and thread.
assert client.search(["FROM", "bruno"]) == first
assert len(client.search(["BODY", "Déclaration"], "UTF-8")) == 3 and client.search(["TEXT", "Dédouanée"], "UTF-8") == []
assert len(client.search(["TEXT", "DÉCLARATION"], "UTF-8")) == 3
in_order = [uid_of[subject] for subject in ("a-first", "b-second", "c-third")]
assert client.sort(["SUBJECT"]) == in_order and client.sort(["REVERSE SUBJECT"]) == in_order[::-1]
assert client.sort(["FROM"]) == [uid_of[subject] for subject in ("c-third", "a-first", "b-second")]
client.append(own, message("Re: a-first", more="In-Reply-To: <a-first@test.invalid>\r\nReferences: <a-first@test.invalid>\r\n"))
client.noop()
answer = client.search(["SUBJECT", "Re: a-first"])[0]
threads = client.thread("REFERENCES")
assert (first[0], answer) in threads, threads

# Copy, move, expunge.
elsewhere = f"{own}/Été & hiver"
client.copy([answer], elsewhere)
client.move([uid_of["c-third"]], elsewhere)
assert client.folder_status(elsewhere, ["MESSAGES"])[b"MESSAGES"] == 2
client.delete_messages([uid_of["b-second"]])
client.expunge([uid_of["b-second"]])
assert sorted(client.search()) == sorted([first[0], answer])

# IDLE tells what another connection does.
other = connect()
client.idle()
threading.Timer(0.5, lambda: other.append(own, message("while-idle"))).start()
told = []
while not any(response[1] == b"EXISTS" for response in told):
    responses = client.idle_check(timeout=30)
    assert responses, "nothing came within half a minute"
    told += responses
assert (3, b"EXISTS") in told, told
client.idle_done()
other.logout()

# Quota and rights. (The library does not encode the name for GETQUOTAROOT.)
assert client.get_quota_root("INBOX")[0].mailbox == "INBOX"
assert client.getacl(own)[0][0] == address.encode() and b"lrswi" in client.getacl(own)[0][1], client.getacl(own)

# What is refused is an error with our words, and the session goes on.
for refused in (lambda: client.select_folder("Nulle part"), lambda: client.create_folder(own), lambda: client.delete_folder("INBOX")):
    try:
        refused()
    except IMAPClientError as error:
        assert len(str(error)) > 10, error
    else:
        raise AssertionError("it should have been refused")
client.noop()

# Read-only by wish.
assert b"READ-ONLY" in client.select_folder(own, readonly=True)
client.close_folder()
for name in (elsewhere, own):
    client.delete_folder(name)
client.logout()

# The standard library, with what it sends of its own accord.
plain = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=context)
plain.authenticate("PLAIN", lambda _: f"\0{address}\0{password}".encode())
name = f"imaplib-{uuid.uuid4().hex[:8]}"
assert plain.create(name)[0] == "OK"
assert plain.append(name, r"(\Seen)", imaplib.Time2Internaldate(1_790_000_000), message("plain"))[0] == "OK"
status, (count,) = plain.select(name)
assert (status, count) == ("OK", b"1"), (status, count)
plain.literal = "Déclaration".encode()
assert plain.uid("SEARCH", "CHARSET", "UTF-8", "BODY")[0] == "OK"
status, found = plain.fetch("1", "(RFC822)")
assert status == "OK" and b"Corps." in found[0][1], found
assert plain.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK" and plain.expunge() == ("OK", [b"1"])
assert plain.getquotaroot(name)[0] == "OK" and plain.myrights(name)[0] == "OK" and plain.getacl(name)[0] == "OK"
assert plain.sort("(DATE)", "UTF-8", "ALL")[0] == "OK" and plain.thread("REFERENCES", "UTF-8", "ALL")[0] == "OK"
plain.close()
assert plain.delete(name)[0] == "OK" and plain.logout()[0] == "BYE"
print("all is well")
