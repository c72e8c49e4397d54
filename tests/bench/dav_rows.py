"""DAV rows: calendars and files over keep-alive connections, against Radicale where it is installed."""

import base64
import http.client
import random
import re
import ssl
from dataclasses import dataclass, field

from clients import PATIENCE, Refused
from rows import Row, timed
from servers import Octroi, Server
from together import together

# Connections at the same time.
CONNECTIONS = 8
USER = 3
XML = {"Content-Type": 'application/xml; charset="utf-8"'}
PROPFIND = '<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/><d:getcontenttype/></d:prop></d:propfind>'
SYNC = (
    '<?xml version="1.0"?><d:sync-collection xmlns:d="DAV:"><d:sync-token>%s</d:sync-token><d:sync-level>1</d:sync-level>'
    "<d:prop><d:getetag/></d:prop></d:sync-collection>"
)
QUERY = (
    '<?xml version="1.0"?><c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/>%s</d:prop>'
    '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range start="%s" end="%s"/></c:comp-filter>'
    "</c:comp-filter></c:filter></c:calendar-query>"
)
MULTIGET = (
    '<?xml version="1.0"?><c:calendar-multiget xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/>'
    "<c:calendar-data/></d:prop>%s</c:calendar-multiget>"
)


def event(number: int) -> bytes:
    r = random.Random(number)
    day, hour = 1 + number % 28, 8 + number % 10
    rule = "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20\r\n" if number % 5 == 0 else ""
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\nBEGIN:VEVENT\r\nUID:ev{number}@bench.test\r\n"
        f"DTSTAMP:20260601T000000Z\r\nDTSTART:2026{1 + number % 12:02d}{day:02d}T{hour:02d}0000Z\r\nDURATION:PT1H\r\n{rule}"
        f"SUMMARY:Inspection {number} {r.choice(['quay', 'depot', 'office'])}\r\nLOCATION:Room {number % 40}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


@dataclass
class DavSide:
    server: Server
    events: int
    results: dict[str, object] = field(default_factory=dict)
    _client: "Dav | None" = None

    def forget_connections(self):
        self._client = None

    @property
    def client(self) -> "Dav":
        if self._client is None:
            self._client = Dav(self.server)
        return self._client


class Dav:
    """One connection that is kept."""

    def __init__(self, server: Server):
        address, password = server.user(USER)
        if isinstance(server, Octroi):
            host, port = server.address("https")
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.http = http.client.HTTPSConnection(host, port, context=context, timeout=PATIENCE)
            self.calendar = f"/dav/calendars/{address}/calendar/"
        else:
            host, port = server.address("http")
            self.http = http.client.HTTPConnection(host, port, timeout=PATIENCE)
            self.calendar = f"/{address}/bench/"
        token = base64.b64encode(f"{address}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}"}

    def ask(self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None) -> bytes:
        self.http.request(method, path, body=body, headers={**self.headers, **(headers or {})})
        response = self.http.getresponse()
        data = response.read()
        if response.status not in (200, 201, 204, 207):
            raise Refused(f"{method}: {response.status} {data[:100].decode(errors='replace')}")
        return data


    def put_request(self, number: int, body: bytes) -> bytes:
        """A whole PUT, as it goes on the wire."""
        lines = [
            f"PUT {self.calendar}ev{number}.ics HTTP/1.1",
            f"Host: {self.http.host}:{self.http.port}",
            *(f"{name}: {text}" for name, text in self.headers.items()),
            "Content-Type: text/calendar; charset=utf-8",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def send(self, request: bytes):
        """Send it and read the answer to its end, on a connection that is kept if the server keeps it."""
        if self.http.sock is None:
            self.http.connect()
        self.http.sock.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.received()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        while length and len(body) < int(length.group(1)):
            body += self.received()
        if head.split(b" ", 2)[1] not in (b"201", b"204"):
            raise Refused(f"PUT: {head[:100].decode(errors='replace')}")
        if head.startswith(b"HTTP/1.0") or re.search(rb"\r\nconnection: *close", head, re.I):
            self.http.close()

    def received(self) -> bytes:
        piece = self.http.sock.recv(65536)
        if not piece:
            raise EOFError("the server closed the connection")
        return piece


def prepare(side: DavSide):
    if not isinstance(side.server, Octroi):
        try:
            side.client.ask("MKCALENDAR", side.client.calendar)
        except Refused:
            pass  # It is there.


def put_events(side: DavSide) -> float:
    """The requests are made before the time begins, and sent as they are: else most of it would be this client's."""
    clients = [Dav(side.server) for _ in range(CONNECTIONS)]
    requests = [[first.put_request(n, event(n)) for n in range(at, side.events, CONNECTIONS)] for at, first in enumerate(clients)]

    def one(at: int):
        for request in requests[at]:
            clients[at].send(request)

    return side.events / timed(lambda: together(one, range(CONNECTIONS), CONNECTIONS))


def get_events(side: DavSide) -> float:
    client, wanted = side.client, range(0, side.events, 10)
    return len(wanted) / timed(lambda: [client.ask("GET", f"{client.calendar}ev{n}.ics") for n in wanted])


def propfind(side: DavSide) -> float:
    client = side.client
    return timed(lambda: client.ask("PROPFIND", client.calendar, PROPFIND, {"Depth": "1", **XML}))


def sync_initial(side: DavSide) -> float:
    client = side.client
    return timed(lambda: client.ask("REPORT", client.calendar, SYNC % "", XML))


def sync_delta(side: DavSide) -> float:
    client, asked = side.client, 50
    token = re.search(rb"sync-token[^>]*>([^<]+)<", client.ask("REPORT", client.calendar, SYNC % "", XML))
    if token is None:
        raise Refused("no sync-token")
    for number in range(10):
        moved = event(number).replace(b"Inspection", b"Moved")
        client.ask("PUT", f"{client.calendar}ev{number}.ics", moved, {"Content-Type": "text/calendar; charset=utf-8"})
    body = SYNC % token.group(1).decode()
    return asked / timed(lambda: [client.ask("REPORT", client.calendar, body, XML) for _ in range(asked)])


def query_week(side: DavSide) -> float:
    client, asked = side.client, 20
    body, headers = QUERY % ("", "20260608T000000Z", "20260615T000000Z"), {"Depth": "1", **XML}
    return asked / timed(lambda: [client.ask("REPORT", client.calendar, body, headers) for _ in range(asked)])


def query_year(side: DavSide) -> float:
    client = side.client
    body = QUERY % ("<c:calendar-data/>", "20260101T000000Z", "20270101T000000Z")
    return timed(lambda: client.ask("REPORT", client.calendar, body, {"Depth": "1", **XML}))


def multiget(side: DavSide) -> float:
    client = side.client
    hrefs = "".join(f"<d:href>{client.calendar}ev{n}.ics</d:href>" for n in range(min(side.events, 1000)))
    return timed(lambda: client.ask("REPORT", client.calendar, MULTIGET % hrefs, XML))


def dav_rows() -> list[Row]:
    return [
        Row("dav_put_event_8conn_per_s", put_events, (">=", 100), prepare=prepare),
        Row("dav_get_event_per_s", get_events, (">=", 15)),
        Row("dav_propfind_etags", propfind, ("<=", 0.02), rounds=3),
        Row("dav_sync_initial", sync_initial, ("<=", 0.1), rounds=3),
        Row("dav_sync_delta_10_per_s", sync_delta, (">=", 300)),
        Row("dav_query_week_per_s", query_week, (">=", 60)),
        Row("dav_query_year_with_data", query_year, ("<=", 0.25), rounds=3),
        Row("dav_multiget_1000", multiget, ("<=", 0.25), rounds=3),
    ]
