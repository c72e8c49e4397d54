// More steps: calendars and contacts. A calendar is named by the end of its address, an event by its title.
const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");

function calendar(end) {
  const all = cal.manager.getCalendars();
  const found = all.find(c => c.uri.spec.endsWith(end));
  if (!found) {
    throw new Error(`no calendar ${end} among ${all.map(c => c.uri.spec)}`);
  }
  return found;
}

const events = end => calendar(end).getItemsAsArray(Ci.calICalendar.ITEM_FILTER_ALL_ITEMS, 0, null, null);
const titled = async (end, title) => (await events(end)).find(item => item.title === title);

async function event(end, title) {
  const found = await titled(end, title);
  if (!found) {
    throw new Error(`no event ${title} in ${end}`);
  }
  return found;
}

/** What a window does after each change: tell those who are invited, by mail if the server does not. It does not ask first, as nobody would answer. */
const tell = (operation, item, before) => cal.itip.checkAndSend(operation, item, before, { responseMode: Ci.calIItipItem.AUTO });

/** Change an event, and say what became of it. */
async function change(end, title, alter) {
  const before = await event(end, title);
  const item = before.clone();
  alter(item);
  try {
    const after = await calendar(end).modifyItem(cal.itip.prepareSequence(item, before), before);
    tell(Ci.calIOperationListener.MODIFY, after, before);
    return "changed";
  } catch (why) {
    return `refused: ${why.message ?? why}`;
  }
}

const book = name => {
  const all = MailServices.ab.directories;
  const found = all.find(b => b.dirName === name);
  if (!found) {
    throw new Error(`no address book ${name} among ${all.map(b => b.dirName)}`);
  }
  return found;
};

Object.assign(steps, {
  /** What the window for a new calendar does once the address is typed: look for all calendars and take them, for the identity of that address. */
  async findCalendars(address, password, location) {
    const found = await cal.provider.detection.detect(address, password, location, true, [], {});
    // What is opened before the password is kept asks a person. The search for address books keeps it.
    await until("the password", async () => (await Services.logins.searchLoginsAsync({ origin: `https://${location}` })).length);
    const identity = MailServices.accounts.allIdentities.find(i => i.email === address);
    const told = [];
    for (const [provider, calendars] of found) {
      for (const one of calendars) {
        one.setProperty("imip.identity.key", identity.key);
        one.setProperty("cache.enabled", true);
        cal.manager.registerCalendar(one);
        await until(`${one.name} to be known`, () => one.getProperty("capabilities.autoschedule.supported"));
        told.push({ kind: provider.type, name: one.name, place: one.uri.spec, readOnly: one.readOnly });
      }
    }
    return told;
  },

  /** Look what is new until an event is as it should be: there, or gone, or with what is asked for in its text. */
  async awaitEvent(end, title, there, part) {
    let last = null;
    await until(`${title} in ${end}`, async () => {
      calendar(end).refresh();
      await new Promise(resolve => setTimeout(resolve, 300));
      last = (await titled(end, title))?.icalString ?? null;
      return there ? last?.replace(/\r\n /g, "").includes(part) : !last;
    });
    return last?.replace(/\r\n /g, "") ?? null;
  },

  /** Make an event; with people, a meeting of this calendar's owner. */
  async addEvent(end, title, start, people) {
    const { CalEvent } = ChromeUtils.importESModule("resource:///modules/CalEvent.sys.mjs");
    const { CalAttendee } = ChromeUtils.importESModule("resource:///modules/CalAttendee.sys.mjs");
    const target = calendar(end);
    const item = new CalEvent();
    item.title = title;
    item.startDate = cal.createDateTime(start);
    item.endDate = item.startDate.clone();
    item.endDate.addDuration(cal.createDuration("PT1H"));
    item.calendar = target.superCalendar;
    if (people.length) {
      // What the window has ticked: without it nobody is invited by mail in any case.
      item.setProperty("X-MOZ-SEND-INVITATIONS", "TRUE");
      const organizer = new CalAttendee();
      organizer.id = target.getProperty("organizerId");
      organizer.isOrganizer = true;
      organizer.participationStatus = "ACCEPTED";
      item.organizer = organizer;
      for (const person of people) {
        const attendee = new CalAttendee();
        attendee.id = `mailto:${person}`;
        attendee.role = "REQ-PARTICIPANT";
        attendee.rsvp = "TRUE";
        attendee.participationStatus = "NEEDS-ACTION";
        item.addAttendee(attendee);
      }
    }
    const added = await target.addItem(item);
    tell(Ci.calIOperationListener.ADD, added, null);
    return { uid: added.id, organizer: added.organizer?.id ?? null, serverInvites: target.getProperty("capabilities.autoschedule.supported") };
  },

  /** The choice in a calendar's window: invite by mail whatever the server does. */
  inviteByMail(end, chosen) {
    calendar(end).setProperty("forceEmailScheduling", chosen);
  },

  rename(end, title, name) {
    return change(end, title, item => (item.title = name));
  },

  async removeEvent(end, title) {
    const item = await event(end, title);
    await calendar(end).deleteItem(item);
    tell(Ci.calIOperationListener.DELETE, item, null);
  },

  /** As if its owner had not been told that others may only read. */
  async believeWritable(end) {
    calendar(end).readOnly = false;
  },

  /** What the window for a new address book does: look for all address books and take them. */
  async findBooks(address, password, location) {
    const { CardDAVUtils } = ChromeUtils.importESModule("resource:///modules/CardDAVUtils.sys.mjs");
    const found = await CardDAVUtils.detectAddressBooks(address, password, location, false, true);
    for (const one of found) {
      await finished(`reading ${one.name}`, done => {
        const seen = subject => {
          Services.obs.removeObserver(seen, "addrbook-directory-synced");
          done(OK);
        };
        Services.obs.addObserver(seen, "addrbook-directory-synced");
        one.create();
      });
    }
    return found.map(one => ({ name: one.name, place: one.url.href, readOnly: book(one.name).readOnly }));
  },

  async addContact(name, shownAs, address) {
    const card = Cc["@mozilla.org/addressbook/cardproperty;1"].createInstance(Ci.nsIAbCard);
    card.displayName = shownAs;
    card.primaryEmail = address;
    return book(name).addCard(card).UID;
  },

  async renameContact(name, uid, shownAs) {
    const card = book(name).childCards.find(c => c.UID === uid);
    card.displayName = shownAs;
    book(name).modifyCard(card);
  },

  async removeContact(name, uid) {
    const target = book(name);
    target.deleteCards(target.childCards.filter(c => c.UID === uid));
  },

  /** Ask the server what is new, until a contact is there. */
  async awaitContact(name, shownAs) {
    const { CardDAVDirectory } = ChromeUtils.importESModule("resource:///modules/CardDAVDirectory.sys.mjs");
    const directory = CardDAVDirectory.forFile(book(name).fileName);
    await until(`${shownAs} in ${name}`, async () => {
      await directory.syncWithServer();
      return directory.childCards.some(c => c.displayName === shownAs);
    });
  },
});
