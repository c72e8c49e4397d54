"""What a person does in LibreOffice: opens a document of the server, writes into it, saves and closes it. Over UNO, to one without windows.

usage: libreoffice.py PIPE URL ADDRESS SECRET

Says `open`, `stored` and `closed`, and after each of the first two waits for a line. The system's Python runs it, which Debian's package of
UNO is for.
"""

import sys
import time

import uno
import unohelper
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.task import XInteractionHandler2

pipe, url, address, secret = sys.argv[1:]


class Person(unohelper.Base, XInteractionHandler2):
    """Answers the question for name and password. What was asked is not looked at: UNO cannot hand that over to Python 3.11."""

    def handle(self, request):
        self.handleInteractionRequest(request)

    def handleInteractionRequest(self, request):
        for answer in request.getContinuations():
            if hasattr(answer, "setUserName"):
                answer.setUserName(address)
                answer.setPassword(secret)
                answer.select()
                return True
        return False


def value(name, what):
    property_ = PropertyValue()
    property_.Name, property_.Value = name, what
    return property_


def say(what):
    print(what, flush=True)


def office():
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(600):
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except NoConnectException:
            time.sleep(0.1)
    sys.exit("LibreOffice does not answer")


context, person = office(), Person()
make = context.ServiceManager.createInstanceWithContext
# What is to be looked at before it is opened asks nobody, but goes over a connection that is there.
files = make("com.sun.star.ucb.SimpleFileAccess", context)
files.setInteractionHandler(person)
reading = files.openFileRead(url)
desktop = make("com.sun.star.frame.Desktop", context)
document = desktop.loadComponentFromURL(url, "_blank", 0, (value("Hidden", True), value("InteractionHandler", person)))
reading.closeInput()
say("read only" if document.isReadonly() else "open")
sys.stdin.readline()
document.Text.insertString(document.Text.getEnd(), " and what LibreOffice wrote", False)
document.store()
say("stored")
sys.stdin.readline()
document.close(True)
say("closed")
desktop.terminate()
