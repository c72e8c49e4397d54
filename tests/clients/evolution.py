"""Evolution's data server, which GNOME's programs keep calendars and contacts with, in a session bus of its own.

Arguments: the server's URL, an address, its app password, the server's certificate. An account is added as the assistant adds one: the
registry looks for calendars and address books, asks for the password, and whether the certificate is to be trusted, which no public authority
has signed. Then an event and a contact are read, made, changed and removed. Ends with "all is well".
"""

import base64
import re
import ssl
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

import gi

for module, version in [("EDataServer", "1.2"), ("ECal", "2.0"), ("EBook", "1.2"), ("EBookContacts", "1.2"), ("ICalGLib", "3.0")]:
    gi.require_version(module, version)
from gi.repository import EBook, EBookContacts, ECal, EDataServer, Gio, GLib, ICalGLib

URL, ADDRESS, SECRET, CERTIFICATE = sys.argv[1:5]
HOST, PORT = URL.removeprefix("https://").rstrip("/").split(":")
CALENDAR, BOOK = f"dav/calendars/{ADDRESS}/calendar/", f"dav/contacts/{ADDRESS}/contacts/"
PATIENCE_SECONDS = 90
# What the backends were asked, in the order they asked it.
asked = []


def http(method, path, body=None, kind="text/calendar"):
    """What somebody else does at the server: the status, and the text."""
    request = urllib.request.Request(URL + path, data=body.encode() if body else None, method=method)
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{ADDRESS}:{SECRET}".encode()).decode())
    request.add_header("Content-Type", kind)
    request.add_header("Depth", "1")
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=CERTIFICATE)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def eventually(what, look):
    """What `look` finds, once it finds something."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            found = look()
        except GLib.Error as error:
            found, what = None, f"{what}: {error.message}"
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError(f"waited in vain for {what}; asked: {asked}")


def answer(_registry, source, reason, certificate, _errors, _error):
    """Somebody who gives the password, and trusts the certificate when asked."""

    def give():
        asked.append(reason.value_nick)
        if reason == EDataServer.SourceCredentialsReason.SSL_FAILED:
            webdav = source.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND)
            shown = Gio.TlsCertificate.new_from_pem(certificate, -1)
            webdav.update_ssl_trust(HOST, shown, EDataServer.TrustPromptResponse.ACCEPT)
            source.write_sync(None)
        elif reason == EDataServer.SourceCredentialsReason.REJECTED:
            return
        given = EDataServer.NamedParameters.new()
        given.set("username", ADDRESS)
        given.set("password", SECRET)
        source.invoke_authenticate_sync(given, None)

    threading.Thread(target=give, daemon=True).start()


def account():
    """As the assistant writes it: an address, and where to look."""
    source = EDataServer.Source.new(None, None)
    source.set_display_name("Work")
    collection = source.get_extension(EDataServer.SOURCE_EXTENSION_COLLECTION)
    collection.set_backend_name("webdav")
    collection.set_identity(ADDRESS)
    collection.set_mail_enabled(False)
    collection.set_calendar_enabled(True)
    collection.set_contacts_enabled(True)
    collection.set_calendar_url(URL)
    collection.set_contacts_url(URL)
    login = source.get_extension(EDataServer.SOURCE_EXTENSION_AUTHENTICATION)
    login.set_host(HOST)
    login.set_port(int(PORT))
    login.set_user(ADDRESS)
    login.set_method("plain/password")
    source.get_extension(EDataServer.SOURCE_EXTENSION_SECURITY).set_method("tls")
    source.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND)
    return source


def event(uid, summary):
    return (
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260415T090000Z\r\nDTEND:20260415T100000Z\r\n"
        f"SUMMARY:{summary}\r\nX-KEPT;X-P=1:as it is\r\nEND:VEVENT\r\n"
    )


def stored(uid, summary):
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//Evolution//EN\r\n{event(uid, summary)}END:VCALENDAR\r\n"


def events(source):
    """Read, make, change, see a change, remove."""
    client = ECal.Client.connect_sync(source, ECal.ClientSourceType.EVENTS, 30, None)
    assert not client.is_readonly()
    there = eventually("the event", lambda: client.get_object_sync("there", None, None)[1])
    assert there.get_summary() == "Là-bas", there.as_ical_string()

    made = ICalGLib.Component.new_from_string(event("made", "Réunion"))
    assert client.create_object_sync(made, ECal.OperationFlags.NONE, None)[0]
    objects = lambda: [http("GET", CALENDAR + name)[1] for name in ("made.ics", "there.ics")]
    eventually("the made event at the server", lambda: "SUMMARY:Réunion" in objects()[0])
    assert "X-KEPT;X-P=1:as it is" in objects()[0], objects()

    there.set_summary("Là-bas, plus tard")
    assert client.modify_object_sync(there, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)
    text = eventually("the changed event at the server", lambda: "plus tard" in objects()[1] and objects()[1])
    assert "X-KEPT;X-P=1:as it is" in text and "UID:there" in text, text

    # Somebody else changes it, and it is removed here.
    assert http("PUT", CALENDAR + "made.ics", stored("made", "Ailleurs"))[0] == 204
    client.refresh_sync(None)
    eventually("the other's change", lambda: client.get_object_sync("made", None, None)[1].get_summary() == "Ailleurs")
    assert client.remove_object_sync("made", None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)
    eventually("the event to be gone", lambda: http("GET", CALENDAR + "made.ics")[0] == 404)
    assert http("GET", CALENDAR + "there.ics")[0] == 200


def contacts(source):
    """The same with cards."""
    client = EBook.BookClient.connect_sync(source, 30, None)
    assert not client.is_readonly()
    none = EBookContacts.BookOperationFlags.NONE
    there = eventually("the contact", lambda: client.get_contact_sync("zoe", None)[1])
    assert there.get_property("full-name") == "Zoé Petit", there.to_string(EBookContacts.VCardFormat.VERSION_30)

    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:max\r\nFN:Max Noir\r\nN:Noir;Max;;;\r\nEMAIL:max@elsewhere.example\r\nX-KEPT:as it is\r\nEND:VCARD\r\n"
    names = lambda: set(re.findall(r"/([^/]+)</D:href>", http("PROPFIND", BOOK)[1]))
    before = names()
    good, uid = client.add_contact_sync(EBookContacts.Contact.new_from_vcard(card), none, None)
    assert good
    (name,) = names() - before
    text = http("GET", BOOK + name)[1]
    assert "FN:Max Noir" in text and "X-KEPT:as it is" in text, text

    there.set_property("nickname", "Zo")
    assert client.modify_contact_sync(there, none, None)
    text = eventually("the changed contact", lambda: (t := http("GET", BOOK + "zoe.vcf")[1]) and "NICKNAME:Zo" in t and t)
    assert "FN:Zoé Petit" in text and "X-KEPT;X-P=1:as it is" in text, text
    assert client.remove_contact_by_uid_sync(uid, none, None)
    eventually("the contact to be gone", lambda: http("GET", BOOK + name)[0] == 404)
    assert http("GET", BOOK + "zoe.vcf")[0] == 200


def everything():
    assert http("PUT", CALENDAR + "there.ics", stored("there", "Là-bas"))[0] == 201
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:zoe\r\nFN:Zoé Petit\r\nN:Petit;Zoé;;;\r\nX-KEPT;X-P=1:as it is\r\nEND:VCARD\r\n"
    assert http("PUT", BOOK + "zoe.vcf", card, "text/vcard")[0] == 201
    registry = EDataServer.SourceRegistry.new_sync(None)
    registry.connect("credentials-required", answer)
    work = account()
    registry.create_sources_sync([work], None)

    def found(extension, path):
        for source in registry.list_sources(extension):
            if source.get_parent() == work.get_uid():
                webdav = source.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND)
                if urllib.parse.unquote(webdav.get_resource_path()) == "/" + path:
                    return source

    events(eventually("a calendar", lambda: found(EDataServer.SOURCE_EXTENSION_CALENDAR, CALENDAR)))
    contacts(eventually("an address book", lambda: found(EDataServer.SOURCE_EXTENSION_ADDRESS_BOOK, BOOK)))
    assert found(EDataServer.SOURCE_EXTENSION_TASK_LIST, CALENDAR), "tasks are kept in the same calendar"
    assert "required" in asked and "ssl-failed" in asked and "rejected" not in asked, asked


def run():
    try:
        everything()
        said.append("all is well")
    except BaseException:
        said.append(traceback.format_exc())
    loop.quit()


# Signals arrive in the main loop; what is asked here waits in a thread of its own.
said, loop = [], GLib.MainLoop()
threading.Thread(target=run, daemon=True).start()
loop.run()
print(said[0])
