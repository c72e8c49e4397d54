"""The agent reads the organisation's directory, every card of it with a library that reads vCards.

usage: directory_cards.py URL CERTIFICATE LEAD PASSWORD AGENT PASSWORD
"""

import sys
import time
import urllib.parse
import xml.etree.ElementTree as xml

import caldav
import vobject

url, certificate, lead, _, agent, agent_password = sys.argv[1:]
DAV = {"D": "DAV:", "CARD": "urn:ietf:params:xml:ns:carddav"}
reader = caldav.DAVClient(url=url, username=agent, password=agent_password, ssl_verify_cert=certificate)
book = urllib.parse.urljoin(url, f"/dav/contacts/{agent}/~directory/")
query = (
    '<CARD:addressbook-query xmlns:D="DAV:" xmlns:CARD="urn:ietf:params:xml:ns:carddav">'
    "<D:prop><D:getetag/><CARD:address-data/></D:prop><CARD:filter/></CARD:addressbook-query>"
)
people = []
# It is kept up in the background.
for _ in range(120):
    answer = reader.request(book, "REPORT", query, {"Content-Type": "application/xml", "Depth": "1"})
    texts = [data.text for data in xml.fromstring(answer.raw).iter("{%s}address-data" % DAV["CARD"])] if answer.status == 207 else []
    people = [vobject.readOne(text) for text in texts if "KIND:group" not in text]
    if any(card.email.value == lead for card in people):
        break
    time.sleep(0.5)
(card,) = [card for card in people if card.email.value == lead]
assert card.uid.value.startswith("urn:uuid:") and card.fn.value and card.n.value.family in card.fn.value, card.prettyPrint()
assert card.org.value == ["Direction des douanes (demo)"], card.org.value
assert len({card.uid.value for card in people}) == len(people)
print("all is well")
