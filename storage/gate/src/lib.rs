//! The gate: log-in, sessions, grants, envelopes and audit. The only way to the data.
//!
//! No protocol holds a store. It holds a [`Gate`], which can log somebody in ([`Gate::login`]), open an envelope for the internet
//! ([`Gate::inbound`]) or sign somebody in to the portal ([`Gate::sign_in`]). What comes back decides what can be called at all: a
//! [`Session`] opens [`Granted`] handles, one per object and purpose, and the methods that read or change an object exist on the handle
//! of the right purpose only.

mod acts;
mod addressing;
mod admin;
mod app_password;
mod attachments;
mod audit;
mod channel;
mod content;
mod directory;
mod dropping;
mod envelope;
mod errand;
mod explain;
mod factors;
mod filing;
mod filters;
mod gate;
mod granted;
mod groups;
mod import;
mod invites;
mod junk;
mod kept;
mod key;
mod live;
mod locks;
mod login;
mod mail_watch;
mod narrowed;
mod passkey;
mod password;
mod people;
mod portal;
mod publishing;
pub mod purpose;
mod push;
mod queue;
mod quota;
mod rates;
mod recent;
mod refusal;
mod reserved;
mod restore;
mod scheduling;
mod scram;
mod seal;
mod second_factor;
mod session;
mod sight;
mod subscriptions;
mod throttle;
mod tree;
mod uploads;
mod waiting;

pub use acts::describing::{Description, PROPERTIES, PropertyEdit};
pub use acts::file::{READ_BYTES_MAX, When};
pub use acts::flagging::{Conditional, FlagMode};
pub use acts::folder::{Changes, DISPLAY_NAME, FolderFacts, Listing, Member, MemberIs};
pub use acts::in_the_way::InTheWay;
pub use acts::locking::{LockFacts, LockWish, MemberLocks};
pub use acts::mailbox::{Appended, Copied, Draft, KEYWORD_BYTES_MAX, MailboxStatus, MailboxView};
pub use acts::metadata::{ANNOTATION_BYTES, ANNOTATIONS, Annotation};
pub use acts::objects::{Whole, fitting};
pub use acts::proxies::ProxyKind;
pub use acts::sharing::{AclEdit, AclFacts, Identifier};
pub use addressing::{AliasLine, Delivery, SrsFault};
pub use admin::{Admin, NewAccount};
pub use attachments::{NewAttachment, attachment_name, is_attachment_id};
pub use channel::{Channel, ClientCertificate};
pub use content::{Content, Upload};
pub use directory::Principal;
pub use envelope::{Envelope, Internet, Member as MemberEnvelope, RECIPIENTS_MAX, RECIPIENTS_PER_HOUR, ReturnPath};
pub use errand::{Errand, Errands, JudgedMessage, Notice};
pub use explain::Question;
pub use factors::RECOVERY_CODES;
pub use filing::{Arrival, Fate, Filed, Filter, Finished, Judged, Report, Sending, Told};
pub use filters::{SCRIPT_BYTES, SCRIPTS, ScriptFacts};
pub use gate::{Gate, Limits, Opened, Organisation};
pub use granted::{
    File, FileAt, Folder, FolderAt, FoundItem, FoundNode, FoundPlace, Granted, Locates, Mailbox, MailboxAt, NewMailbox, NewMailboxAt,
    Object,
};
pub use import::{Import, Imported, Present};
pub use invites::{InviteNotice, InviteState, InviteWish, ShareNotice, Sharee};
pub use kept::almanac::{Brief, Candidate, Sought as SoughtObjects};
pub use kept::beside::{checksums, is_made, properties_of};
pub use kept::object::{ObjectFacts, ObjectKind, ObjectTraits};
pub use kept::trash::{TRASH, TrashLine};
pub use kept::versions::{VERSION_POLICY, VERSIONS, VersionPolicy};
pub use key::{DataKey, KEY_FILE};
pub use live::LiveSession;
pub use locks::LockLine;
pub use login::{Credentials, Login, Pending};
pub use mail_watch::MailWatch;
pub use octroi_engine::{
    ANNOTATION_BYTES_MAX, ANNOTATIONS_BYTES_MAX, ANNOTATIONS_MAX, BackupError, BackupReport, CheckReport, Compacted, DESCRIBED_BYTES_MAX,
    Engine, Found, HEAD_BYTES_MAX, Look, Part, Past, PastRequest, Progress, ReadError, SearchProgress, SegmentStat, Sought, Step,
    StoreStat, Trail, Unit, View, Watcher, Within, is_text,
};
pub use octroi_policy::{Area, Expectations, Policy, PolicyError, SecondFactor, Strength};
pub use passkey::{PasskeyChallenge, PasskeyEnrolment};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, PASSWORD_OWN_PART_MIN, PasswordFault};
pub use people::{DIRECTORY, Listed};
pub use portal::{
    Administrator, AppPasswordFacts, Auditor, ConfirmedDevice, DeviceEnrolment, FactorFacts, MintedAppPassword, OwnShare, PendingSignIn,
    PortalSession, Preset, ProfileFacts, Scope, SignIn, Stepped,
};
pub use publishing::{LINKS, Link, PublishWish, Published};
pub use purpose::{
    Append, Bind, BreakLocks, CreateMailbox, DeleteMailbox, Depart, Describe, DescribeFolder, Expunge, KeepOwn, List, LockFile, LockFolder,
    MakeFolder, Mark, MoveAway, Personalise, Purpose, Read, ReadMetadata, RemoveFolder, RenameMailbox, Rewrite, SeeBusy, Select,
    ShareFolder, ShareMailbox, Status, Store, Unlink, WriteMetadata, WriteSharedMetadata,
};
pub use push::{PUSH_REGISTRATIONS, Push, PushFacts, PushLook, PushRegistration, PushWish, Pushes, Seen};
pub use queue::{DeliverBy, Notify, Queue, QueueEntry, QueueRecipient, Queued, RecipientState, RecipientTerms, Ret, Terms, Verdict};
pub use quota::{FolderQuota, QuotaLine};
pub use refusal::{Lacks, Refusal};
pub use restore::{LOST_MAX, RestoreOrder, Restored};
pub use scheduling::{
    ATTENDEES, AVAILABILITY, DEFAULT_CALENDAR, GroupMember, Invitation, MailedAttachment, Manner, ObjectChange, Outgoing, PutObject,
    Received, SchedulingCodec, SchedulingFault, SchedulingPlaces, SeenCalendars, Sender, Telling, is_meeting, schedule_tag,
};
pub use scram::{SCRAM_HASH_BYTES, SCRAM_ITERATIONS, SCRAM_SALT_BYTES, ScramFault, ScramLogin, ScramProof};
pub use second_factor::{TotpEnrolment, code_at};
pub use session::Session;
pub use sight::{Shown, Strip};
pub use subscriptions::{
    DueSubscription, Fetched, FetchedObject, Refreshed, SUBSCRIPTIONS, Settled, SubscriptionFacts, SubscriptionFault, SubscriptionWish,
};
pub use tree::{Entry, SHARED};
pub use uploads::{Parts, UPLOAD_PARTS, UPLOADS, UploadPart};
pub use waiting::WaitingLogIn;
