"""The team lead looks for a colleague, shares a new calendar with them, and takes the share back.

usage: caldav_share.py URL CERTIFICATE LEAD PASSWORD AGENT PASSWORD
"""

import sys
import urllib.parse
import uuid
import xml.etree.ElementTree as xml

import caldav

url, certificate, lead, lead_password, agent, agent_password = sys.argv[1:]
DAV = {"D": "DAV:", "C": "urn:ietf:params:xml:ns:caldav"}


def connect(user, password):
    return caldav.DAVClient(url=url, username=user, password=password, ssl_verify_cert=certificate)


def principals(client, text):
    body = (
        '<D:principal-property-search xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        f"<D:property-search><D:prop><C:calendar-user-address-set/></D:prop><D:match>{text}</D:match></D:property-search>"
        "<D:prop><D:displayname/><D:principal-URL/></D:prop></D:principal-property-search>"
    )
    answer = client.request(urllib.parse.urljoin(url, "/dav/principals/"), "REPORT", body, {"Content-Type": "application/xml"})
    assert answer.status == 207, answer.status
    return [href.text for href in xml.fromstring(answer.raw).findall("D:response/D:href", DAV)]


def share(client, calendar, aces):
    body = f'<D:acl xmlns:D="DAV:">{aces}</D:acl>'
    return client.request(str(calendar.url), "ACL", body, {"Content-Type": "application/xml"})


writer, reader = connect(lead, lead_password), connect(agent, agent_password)
found = principals(writer, agent.split("@")[0])
assert len(found) == 1 and agent in urllib.parse.unquote(found[0]), found
assert len(principals(reader, lead.split("@")[0])) == 1, "an agent shares with nobody, but sees colleagues in the directory"

name = "partage-" + uuid.uuid4().hex[:8]
calendar = writer.principal().make_calendar(name=name, cal_id=name)
event = f"{uuid.uuid4()}.ics"
text = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//share//EN\r\nBEGIN:VEVENT\r\n"
    f"UID:{event}\r\nDTSTAMP:20261102T080000Z\r\nDTSTART:20261112T090000Z\r\nSUMMARY:Partage\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
answer = writer.put(f"{str(calendar.url).rstrip('/')}/{event}", text, {"Content-Type": "text/calendar; charset=utf-8"})
assert answer.status == 201, answer.status



def seen():
    return [c for c in reader.principal().calendars() if name in str(c.url)]


assert seen() == []
grant = "<D:grant><D:privilege><D:read/></D:privilege></D:grant>"
answer = share(writer, calendar, f"<D:ace><D:principal><D:href>{found[0]}</D:href></D:principal>{grant}</D:ace>")
assert answer.status == 200, answer.status
assert len(seen()) == 1
assert "SUMMARY:Partage" in reader.request(f"{str(seen()[0].url).rstrip('/')}/{event}").raw
answer = share(writer, calendar, "")
assert answer.status == 200, answer.status
assert seen() == []
calendar.delete()
print("all is well")
