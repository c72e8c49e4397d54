"""Discover the principal and its calendars, save an event, read it back byte for byte, change it, delete it.

usage: caldav_client.py URL USER PASSWORD CERTIFICATE
"""

import sys
import uuid

import caldav

url, user, password, certificate = sys.argv[1:]
client = caldav.DAVClient(url=url, username=user, password=password, ssl_verify_cert=certificate)
principal = client.principal()
calendars = principal.calendars()
assert calendars, "no calendar was found"
calendar = next(c for c in calendars if "~" not in str(c.url))

uid = str(uuid.uuid4())
text = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//caldav//EN\r\nBEGIN:VEVENT\r\n"
    f"UID:{uid}\r\nDTSTAMP:20261102T080000Z\r\nDTSTART:20261110T090000Z\r\nDTEND:20261110T100000Z\r\n"
    "SUMMARY:Réunion\r\nX-KEPT;VALUE=TEXT:as it is\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
address = f"{str(calendar.url).rstrip('/')}/{uid}.ics"
answer = client.put(address, text, {"Content-Type": "text/calendar; charset=utf-8"})
assert answer.status == 201, answer.status
got = client.request(address)
assert got.status == 200, got.status
assert got.raw.encode() if isinstance(got.raw, str) else got.raw == text.encode(), got.raw

saved = calendar.save_event(text.replace(uid, uid + "-2").replace("Réunion", "Deuxième"))
saved.load()
assert "Deuxième" in saved.data and "X-KEPT" in saved.data, saved.data
saved.data = saved.data.replace("Deuxième", "Troisième")
saved.save()
saved.load()
assert "Troisième" in saved.data, saved.data
saved.delete()
client.delete(address)
try:
    client.request(address)
    status = client.request(address).status
except caldav.lib.error.NotFoundError:
    status = 404
assert status == 404, status
print("all is well")
