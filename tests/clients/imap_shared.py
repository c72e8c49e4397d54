"""Sharing by imapclient, and what the libraries make of a folder that may only be read.

Both ask for reading and writing unless told otherwise, and raise when the answer is [READ-ONLY]: a script says `readonly=True`.

usage: imap_shared.py PORT CERTIFICATE LEAD PASSWORD AGENT PASSWORD
"""

import imaplib
import ssl
import sys
import uuid

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

port, certificate, lead, lead_password, agent, agent_password = sys.argv[1:]
context = ssl.create_default_context(cafile=certificate)


def connect(address, password):
    client = IMAPClient("localhost", port=int(port), ssl_context=context)
    client.login(address, password)
    return client


owner, reader = connect(lead, lead_password), connect(agent, agent_password)
name = f"Équipe-{uuid.uuid4().hex[:8]}"
theirs = f"Shared/{lead}/{name}"
owner.create_folder(name)
owner.append(name, b"From: <a@outside.test>\r\nSubject: shared\r\n\r\nFor both.\r\n")
assert not reader.folder_exists(theirs), "it is not shared yet"
owner.setacl(name, agent, "lr")
assert reader.folder_exists(theirs)
try:
    reader.select_folder(theirs)
except imaplib.IMAP4.readonly:
    pass
else:
    raise AssertionError("[READ-ONLY] is what the server says of such a folder")
selected = reader.select_folder(theirs, readonly=True)
assert selected[b"EXISTS"] == 1 and b"READ-ONLY" in selected, selected
assert b"For both." in reader.fetch([1], ["BODY[]"])[1][b"BODY[]"]
assert b"\\Seen" not in reader.get_flags([1])[1], "without the right to keep it, nothing is noted as read"
for refused in (
    lambda: reader.append(theirs, b"Subject: x\r\n\r\n"),
    lambda: reader.delete_folder(theirs),
    lambda: reader.setacl(theirs, agent, "lrswi"),
):
    try:
        refused()
    except IMAPClientError:
        pass
    else:
        raise AssertionError("it should have been refused")

plain = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=context)
plain.login(agent, agent_password)
wire = '"' + theirs.replace("É", "&AMk-") + '"'
try:
    plain.select(wire)
except imaplib.IMAP4.readonly:
    pass
else:
    raise AssertionError("[READ-ONLY] is what the server says of such a folder")
assert plain.select(wire, readonly=True) == ("OK", [b"1"])
assert b"For both." in plain.fetch("1", "(BODY[TEXT])")[1][0][1]
plain.logout()

# With the right to keep it, "seen" is the owner's to see as well.
owner.setacl(name, agent, "lrs")
reader.close_folder()
reader.select_folder(theirs)
assert b"\\Seen" in reader.add_flags([1], [b"\\Seen"])[1]
owner.select_folder(name, readonly=True)
assert b"\\Seen" in owner.get_flags([1])[1]
owner.close_folder()

# And what is withdrawn is gone.
owner.setacl(name, agent, '""')
assert not connect(agent, agent_password).folder_exists(theirs)
owner.delete_folder(name)
print("all is well")
