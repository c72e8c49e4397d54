"""Three people meet: one invites, one accepts and one declines by the library's own means, free/busy is asked, and it is called off.

usage: caldav_meeting.py URL CERTIFICATE (USER PASSWORD)*3
"""

import sys
import uuid
from datetime import datetime, timezone

import caldav

url, certificate, *people = sys.argv[1:]
organizer, guest, other = (
    caldav.DAVClient(url=url, username=user, password=password, ssl_verify_cert=certificate)
    for user, password in zip(people[::2], people[1::2])
)
addresses = people[::2]
assert organizer.check_scheduling_support()

hers = organizer.principal()
assert f"mailto:{addresses[0]}" in [str(a) for a in hers.calendar_user_address_set()], hers.calendar_user_address_set()
calendar = next(c for c in hers.calendars() if "~" not in str(c.url))
uid = str(uuid.uuid4())
text = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//caldav//EN\r\nBEGIN:VEVENT\r\n"
    f"UID:{uid}\r\nDTSTAMP:20261102T080000Z\r\nDTSTART:20320405T090000Z\r\nDTEND:20320405T100000Z\r\n"
    "SUMMARY:Réunion\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
meeting = calendar.save_with_invites(text, addresses[1:])


def invitation(client):
    """What the inbox holds of this meeting."""
    found = []
    for item in client.principal().schedule_inbox().get_items():
        item.load()
        if uid in item.data:
            found.append(item)
    return found


def participation(address):
    meeting.load()
    for attendee in meeting.icalendar_component.get("attendee"):
        if str(attendee).lower() == f"mailto:{address}":
            return attendee.params.get("PARTSTAT", "NEEDS-ACTION")
    return None


for client in (guest, other):
    messages = invitation(client)
    assert len(messages) == 1 and messages[0].is_invite_request(), [m.data for m in messages]
invitation(guest)[0].accept_invite()
invitation(other)[0].decline_invite()
assert participation(addresses[1]) == "ACCEPTED", meeting.data
assert participation(addresses[2]) == "DECLINED", meeting.data
replies = [m for m in invitation(organizer) if m.is_invite_reply()]
assert len(replies) == 2, [m.data for m in replies]

# When is she free? She may ask for herself; others have not said that she may know.
span = datetime(2032, 4, 1, tzinfo=timezone.utc), datetime(2032, 4, 10, tzinfo=timezone.utc)
answer = hers.freebusy_request(span[0], span[1], [addresses[0]])
assert "20320405T090000Z/20320405T100000Z" in str([getattr(a, "data", a) for a in answer.values()]), answer

for message in invitation(organizer):
    message.delete()
assert not invitation(organizer)
meeting.delete()
kept = next(c for c in guest.principal().calendars() if "~" not in str(c.url)).event_by_uid(uid)
kept.load()
assert "STATUS:CANCELLED" in kept.data, kept.data
print("all is well")
