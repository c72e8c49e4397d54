//! `octroi import`: messages kept elsewhere, put into a mailbox of ours.
//!
//! The command reads the files, as whoever runs it, and sends the octets in batches over the admin socket: the server needs no right to
//! read anybody's files, and runs on meanwhile. Without a server the store is opened and the same two ends talk within the command. A batch
//! is one commit. Both ends hold a few batches at most, whatever the import's size.
//!
//! Nothing is written down about how far an import has come. A second run with `--resume` leaves out what is there: it compares the hash
//! of each message with those in the mailbox, as often as each is there. So the record of what was done is the mail itself, in the same
//! commit, and no kill can come between the two; and it holds also when the files were moved or the folder was changed meanwhile.
//!
//! | file | what |
//! |---|---|
//! | `source` | what a source gives, whatever its format |
//! | `maildir`, `mbox` | the two formats |
//! | `send` | the command's end |
//! | `wire` | what goes over the socket |
//! | `receive` | the server's end |

pub(crate) mod maildir;
pub(crate) mod mbox;
pub(crate) mod receive;
pub(crate) mod send;
pub(crate) mod source;
pub(crate) mod wire;
