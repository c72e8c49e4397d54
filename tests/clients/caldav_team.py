"""The team lead writes an event in the team's calendar; an agent finds the calendar, reads the event and cannot change it.

usage: caldav_team.py URL CERTIFICATE LEAD PASSWORD AGENT PASSWORD
"""

import sys
import uuid

import caldav

url, certificate, lead, lead_password, agent, agent_password = sys.argv[1:]


def connect(user, password):
    return caldav.DAVClient(url=url, username=user, password=password, ssl_verify_cert=certificate)


def text(uid, summary):
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//team//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20261102T080000Z\r\nDTSTART:20261111T090000Z\r\nDTEND:20261111T100000Z\r\n"
        f"SUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def team_calendar(client):
    calendars = client.principal().calendars()
    named = [c for c in calendars if "team" in str(c.url).lower() or "quipe" in str(c.url).lower()]
    assert named, f"no team calendar among {[str(c.url) for c in calendars]}"
    return named[0]


writer, reader = connect(lead, lead_password), connect(agent, agent_password)
uid = str(uuid.uuid4())
own = team_calendar(writer)
kind = {"Content-Type": "text/calendar; charset=utf-8"}
answer = writer.put(f"{str(own.url).rstrip('/')}/{uid}.ics", text(uid, "Planning"), kind)
assert answer.status == 201, answer.status

seen = team_calendar(reader)
address = f"{str(seen.url).rstrip('/')}/{uid}.ics"
got = reader.request(address)
assert got.status == 200 and "SUMMARY:Planning" in got.raw, got.status
try:
    status = reader.put(address, text(uid, "Changed"), kind).status
except caldav.lib.error.AuthorizationError as refusal:
    # The library's name for 401 and 403.
    status = 403 if "Forbidden" in str(refusal.reason) else refusal.reason
assert status == 403, status
assert "SUMMARY:Planning" in reader.request(address).raw
print("all is well")
