// What the test has Thunderbird do, in the words of its own services. `program.rs` sends this file before each call of one of `steps`, and
// runs it in the chrome context; what a step returns is told as JSON, what it throws is the reason why it failed.
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");

const OK = Cr.NS_OK;
const PATIENCE_MS = 40_000;

/** Let `begin` start something, and wait until what it was given to call is called with a status. */
function finished(what, begin) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} does not end`)), PATIENCE_MS);
    begin(status => {
      clearTimeout(timer);
      if (status === OK) {
        resolve();
      } else {
        reject(new Error(`${what}: status ${status.toString(16)}`));
      }
    });
  });
}

/** A listener for what runs as a URL. */
const running = done => ({ OnStartRunningUrl() {}, OnStopRunningUrl: (_url, status) => done(status) });

/** A listener for copies, moves and what is sent. */
const copying = done => ({
  QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]),
  onStartCopy() {},
  onProgress() {},
  setMessageKey() {},
  getMessageId: () => null,
  onStopCopy: done,
});

const server = () => MailServices.accounts.accounts.map(a => a.incomingServer).find(s => s.type === "imap").QueryInterface(Ci.nsIImapIncomingServer);

/** All folders below one; `onlineName` is the name on the wire. */
function below(folder) {
  return folder.descendants.map(f => f.QueryInterface(Ci.nsIMsgImapMailFolder));
}

function named(path) {
  const folder = below(server().rootFolder).find(f => f.onlineName === path);
  if (!folder) {
    throw new Error(`no folder ${path} among ${below(server().rootFolder).map(f => f.onlineName)}`);
  }
  return folder;
}

function header(path, subject) {
  for (const found of named(path).messages) {
    if (found.mime2DecodedSubject === subject) {
      return found;
    }
  }
  throw new Error(`no message ${subject} in ${path}`);
}

const shown = (path, subject) => [...named(path).messages].some(m => m.mime2DecodedSubject === subject);

async function until(what, probe) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await probe();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`waited in vain for ${what}`);
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

/** The text of a message, from the server or from what is kept offline. */
async function text(path, subject) {
  const found = header(path, subject);
  const uri = found.folder.getUriForMsg(found);
  let read = "";
  await finished(`reading ${subject}`, done => {
    const listener = {
      QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
      onStartRequest() {},
      onDataAvailable(_request, stream, _offset, count) {
        const input = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream);
        input.init(stream);
        read += input.read(count);
      },
      onStopRequest: (_request, status) => done(status),
    };
    MailServices.messageServiceFromURI(uri).streamMessage(uri, listener, null, null, false, "", false);
  });
  return read;
}

const steps = {
  /** Take the certificate for these hosts and ports, and reach the domain's hosts through a proxy. */
  trust(der, places, proxyPort) {
    const certificates = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
    const overrides = Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService);
    const certificate = certificates.constructX509FromBase64(der);
    for (const [host, port] of places) {
      overrides.rememberValidityOverride(host, port, {}, certificate, false);
    }
    Services.prefs.setIntPref("network.proxy.type", 1);
    Services.prefs.setCharPref("network.proxy.ssl", "127.0.0.1");
    Services.prefs.setIntPref("network.proxy.ssl_port", proxyPort);
  },

  /** What the account assistant does once address and password are typed: ask the domain, and make the account of the answer. */
  async setUp(address, password) {
    const { FetchConfig } = ChromeUtils.importESModule("resource:///modules/accountcreation/FetchConfig.sys.mjs");
    const { AccountConfig } = ChromeUtils.importESModule("resource:///modules/accountcreation/AccountConfig.sys.mjs");
    const { CreateInBackend } = ChromeUtils.importESModule("resource:///modules/accountcreation/CreateInBackend.sys.mjs");
    const config = await FetchConfig.fromISP(address.split("@")[1], address, new AbortController().signal);
    AccountConfig.replaceVariables(config, "Somebody", address, password);
    config.rememberPassword = true;
    config.outgoing.addThisServer = true;
    await CreateInBackend.createAccountInBackend(config);
    const { incoming, outgoing } = config;
    return { source: config.subSource, imap: incoming.port, smtp: outgoing.port, user: incoming.username };
  },

  /** Ask for all folders anew, until one is there; all that are then. */
  async folders(path) {
    // The first connection is made for a folder; before it Thunderbird has no password at hand and asks for no list.
    named("INBOX").updateFolder(null);
    const there = () => below(server().rootFolder).filter(f => f.verifiedAsOnlineFolder).map(f => f.onlineName);
    await until(path, () => {
      server().performExpand(null);
      return new Promise(resolve => setTimeout(resolve, 300)).then(() => there().includes(path));
    });
    return there();
  },

  /** What Thunderbird offers in a folder, as it has learned of the rights there. */
  async rights(path) {
    const folder = named(path);
    return { file: folder.canFileMessages, remove: folder.canDeleteMessages };
  },

  /** Look what is new, until a message is there; what Thunderbird shows of it. */
  async await(path, subject) {
    await until(`${subject} in ${path}`, () => {
      named(path).updateFolder(null);
      return new Promise(resolve => setTimeout(resolve, 300)).then(() => shown(path, subject));
    });
    const found = header(path, subject);
    return { read: found.isRead, flagged: found.isFlagged, from: found.mime2DecodedAuthor };
  },

  /** Look what is new, until a message is gone. */
  async awaitGone(path, subject) {
    await until(`${subject} gone from ${path}`, () => {
      named(path).updateFolder(null);
      return new Promise(resolve => setTimeout(resolve, 300)).then(() => !shown(path, subject));
    });
  },

  read: text,

  async mark(path, subject) {
    const found = header(path, subject);
    found.folder.markMessagesRead([found], true);
    found.folder.markMessagesFlagged([found], true);
    found.folder.addKeywordsToMessages([found], "$label1");
  },

  move(path, subject, target) {
    const found = header(path, subject);
    return finished(`moving ${subject}`, done =>
      MailServices.copy.copyMessages(found.folder, [found], named(target), true, copying(done), null, false));
  },

  /** Into the trash, as the key Delete does. */
  remove(path, subject) {
    const found = header(path, subject);
    return finished(`deleting ${subject}`, done => found.folder.deleteMessages([found], null, false, false, copying(done), false));
  },

  /** Make a folder; `path` is its name on the wire. */
  async makeFolder(name, path) {
    server().rootFolder.createSubfolder(name, null);
    await until(path, () => below(server().rootFolder).some(f => f.onlineName === path && f.verifiedAsOnlineFolder));
    return named(path).localizedName;
  },

  /** Compose and send, with a copy into the folder for what was sent. */
  async send(to, subject, body) {
    const account = MailServices.accounts.accounts.find(a => a.incomingServer.type === "imap");
    const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
    fields.from = account.defaultIdentity.email;
    fields.to = to;
    fields.subject = subject;
    fields.body = body;
    const parameters = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
    parameters.composeFields = fields;
    parameters.identity = account.defaultIdentity;
    parameters.format = Ci.nsIMsgCompFormat.PlainText;
    const compose = MailServices.compose.initCompose(parameters);
    await compose.sendMsg(Ci.nsIMsgCompDeliverMode.Now, account.defaultIdentity, account.key, null, null);
  },

  /** Take all of a folder in, then read a message of it without any connection. */
  async offline(path, subject) {
    const folder = named(path);
    folder.setFlag(Ci.nsMsgFolderFlags.Offline);
    await finished(`downloading ${path}`, done => folder.downloadAllForOffline(running(done), null));
    const missing = [...folder.messages].filter(m => !folder.hasMsgOffline(m.messageKey)).length;
    server().closeCachedConnections();
    Services.io.offline = true;
    try {
      return { missing, text: await text(path, subject) };
    } finally {
      Services.io.offline = false;
    }
  },

  subscribe(path) {
    server().subscribeToFolder(path, true);
  },
};
