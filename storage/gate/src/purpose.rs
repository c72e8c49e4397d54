//! The whole vocabulary of acts in one table: what can be done to what, and the rights it needs.
//!
//! A purpose is a unit value handed to [`crate::Session::open`]; the methods of [`crate::Granted`] exist for the right one only.
//! Sealed: no other crate can add an act.

use crate::granted::{File, Folder, Mailbox, NewMailbox, Object};
use octroi_model::Rights;

mod sealed {
    pub trait Sealed {}
}

/// An act on an object of type `O`.
pub trait Purpose<O: Object>: sealed::Sealed + Copy + Send + Sync + 'static {
    /// All of these are needed.
    const NEEDS: Rights;
    /// At least one of these is needed, unless empty.
    const ANY: Rights;
    /// Name for the audit trail.
    const NAME: &'static str;
}

/// One line of the table, for tests and documentation.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Type of the object.
    pub object: &'static str,
    /// Name of the purpose.
    pub purpose: &'static str,
    /// All of these are needed.
    pub needs: Rights,
    /// At least one of these is needed, unless empty.
    pub any: Rights,
}

macro_rules! union {
    ($($right:ident)|*) => { Rights::NONE$(.or(Rights::$right))* };
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $object:ident: $purpose:ident needs $($need:ident)|+ $(, any $($any:ident)|+)?;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $purpose;
            impl sealed::Sealed for $purpose {}
            impl Purpose<$object> for $purpose {
                const NEEDS: Rights = union!($($need)|+);
                const ANY: Rights = union!($($($any)|+)?);
                const NAME: &'static str = stringify!($purpose);
            }
        )*
        /// Every purpose there is.
        pub const TABLE: &[Row] = &[$(Row {
            object: stringify!($object),
            purpose: stringify!($purpose),
            needs: union!($($need)|+),
            any: union!($($($any)|+)?),
        }),*];
    };
}

purposes! {
    /// STATUS. RFC 4314 section 4.
    Mailbox: Status needs LOOKUP | READ;
    /// SELECT, EXAMINE, FETCH, SEARCH, the source of COPY. RFC 4314 section 4.
    Mailbox: Select needs LOOKUP | READ;
    /// STORE: the permitted subset is applied. RFC 4314 section 4.
    Mailbox: Store needs LOOKUP | READ, any SEEN | WRITE | DELETE_ITEMS;
    /// APPEND, the target of COPY and MOVE. RFC 4314 section 4.
    Mailbox: Append needs LOOKUP | INSERT;
    /// EXPUNGE, CLOSE. RFC 4314 section 4.
    Mailbox: Expunge needs LOOKUP | READ | DELETE_ITEMS | EXPUNGE;
    /// The source of MOVE: RFC 6851 section 3 asks for the right to expunge, and who has that has this. RFC 4314 section 2.1 leaves digits
    /// to implementations.
    Mailbox: MoveAway needs LOOKUP | READ | MOVE_AWAY;
    /// GETMETADATA. RFC 5464 leaves rights to the server: an annotation says something of a mailbox to those who may read it.
    Mailbox: ReadMetadata needs LOOKUP | READ;
    /// SETMETADATA of private entries: they are nobody else's, and alter nothing of the mailbox.
    Mailbox: WriteMetadata needs LOOKUP | READ;
    /// SETMETADATA of shared entries: all who may read see them, as they see the flags that this right is for.
    Mailbox: WriteSharedMetadata needs LOOKUP | READ | WRITE;
    /// GETACL, SETACL, DELETEACL, LISTRIGHTS. RFC 4314 section 4.
    Mailbox: ShareMailbox needs LOOKUP | ADMIN;
    /// CREATE, the target of RENAME: rights on the parent. RFC 4314 section 4.
    NewMailbox: CreateMailbox needs LOOKUP | CREATE;
    /// DELETE. RFC 4314 section 4.
    Mailbox: DeleteMailbox needs LOOKUP | DELETE_COLLECTION;
    /// RENAME. RFC 4314 section 4.
    Mailbox: RenameMailbox needs LOOKUP | DELETE_COLLECTION;
    /// PROPFIND, sync-collection. RFC 3744 appendix B.
    Folder: List needs LOOKUP | READ;
    /// CalDAV free-busy-query: when its owner is busy. RFC 4791 section 6.1.1.
    Folder: SeeBusy needs FREE_BUSY;
    /// PUT of something new, target of COPY and MOVE: DAV:bind. RFC 3744 section 3.9.
    Folder: Bind needs LOOKUP | INSERT;
    /// MKCOL, MKCALENDAR, target of COPY and MOVE of a collection.
    Folder: MakeFolder needs LOOKUP | CREATE;
    /// DELETE of a collection, source of its MOVE.
    Folder: RemoveFolder needs LOOKUP | DELETE_COLLECTION;
    /// LOCK of a collection: DAV:write-content (RFC 3744 appendix B), and of everything below it if the lock is deep.
    Folder: LockFolder needs LOOKUP | WRITE;
    /// UNLOCK of somebody else's lock on it or on what is in it: DAV:unlock. RFC 3744 section 3.5.
    Folder: BreakLocks needs LOOKUP | ADMIN;
    /// ACL, DAV:acl. RFC 3744 section 3.6, 8.1.
    Folder: ShareFolder needs LOOKUP | ADMIN;
    /// PROPPATCH of a collection: DAV:write-properties. RFC 3744 section 3.4.
    Folder: DescribeFolder needs LOOKUP | READ | WRITE;
    /// PROPPATCH of what each sharee of a collection has their own of: nobody else sees it, and nothing of the collection alters.
    Folder: Personalise needs LOOKUP | READ;
    /// GET, HEAD, source of COPY. RFC 3744 appendix B.
    File: Read needs LOOKUP | READ;
    /// PUT over something: DAV:write-content. RFC 3744 section 3.3.
    File: Rewrite needs LOOKUP | WRITE;
    /// LOCK: who may write it may lock it (RFC 3744 appendix B).
    File: LockFile needs LOOKUP | WRITE;
    /// PUT of what each sharee of a calendar has their own of, their alarms: nobody else sees it, and nothing of the object alters.
    File: KeepOwn needs LOOKUP | READ;
    /// DELETE: DAV:unbind. RFC 3744 section 3.10.
    File: Unlink needs LOOKUP | EXPUNGE;
    /// The source of MOVE: as of a message.
    File: Depart needs LOOKUP | READ, any MOVE_AWAY | EXPUNGE;
    /// PROPPATCH of a keyword: as STORE for who may write; and filing is moving and marking, for who may not write over a document.
    File: Mark needs LOOKUP | READ, any WRITE | MOVE_AWAY;
    /// PROPPATCH of anything else: DAV:write-properties. RFC 3744 section 3.4.
    File: Describe needs LOOKUP | READ | WRITE;
}
