//! Who may do what, from where, and how sure we must be of them: zones, profiles and reserved actions, and pure functions over them.
//!
//! [`admit`] says whether a log-in opens; [`decide`] whether an act on a collection is allowed; [`permit`] whether one may send, send
//! as another, share, export; [`reserved`] which reserved actions a deed is, and whether it may be done. Each has its explanation
//! ([`explain_admission`], [`explain`] and [`explain_rights`], [`explain_act`]), which is the same computation with the rule behind
//! each step; [`Expectations`] puts a list of promises to a policy. Called by `gate` only. No I/O and no clock: the text of the
//! files and the time come in as arguments. What always holds: nothing matched is nothing allowed; a deny rule beats every allow
//! rule, wherever it stands; an unknown profile or zone has no rights at all.
//!
//! # The profiles file
//!
//! TOML; an unknown key or a bad value is refused with its line. `deploy/profiles.toml` is a full, commented sample.
//!
//! ```
//! let policy = octroi_policy::Policy::parse(r#"
//! [zone.office]                    # a place to come from; "anywhere" always exists and holds what no other zone holds
//! networks = ["127.0.0.0/8", "::1/128", "10.0.0.0/8"]     # the most specific network of all zones wins
//!
//! [zone.secured]                   # before zones that have networks only
//! networks = ["10.20.0.0/16"]      # a zone has networks, or an authority for certificates, or needs both to hold
//! client_ca = "secured-ca.pem"     # a path, relative to the profiles file; reading it is the program's
//!
//! [action.validate-act]            # a reserved action: see below
//! description = "Validate an official act"
//! adds_to = ["files/**/Actes/**/Validated/**"]     # adding, copying, moving or writing there
//! sets = ["$Validated"]            # setting or clearing this keyword (IMAP), or the property `Validated` (DAV)
//! in = ["files/**/Actes/**"]       # where `sets` counts (default everywhere)
//! zones = ["secured"]              # only from there (default everywhere)
//! second_factor_within = "10m"     # with a second factor given less than so long ago (default none)
//!
//! [profile.agent]
//! description = "Officer of the directorate"
//! portal = true                    # may sign in to the portal (default false)
//! portal_documents = ["office"]    # zones from which the portal shows documents, as `files` and `second_factor` allow (default none)
//! portal_calendars = ["office"]    # likewise for calendars, which it shows for planning meetings (default none)
//! subscribe_calendars = ["office"] # zones from which it may subscribe to calendars of the web, which the server fetches (default none)
//! publish_calendars = ["office"]   # zones from which it may publish a calendar of its own under a secret link (default none)
//! audit = false                    # may read the audit trail (default false)
//! administer = false               # accounts, profiles and remote access in the portal (default false)
//! actions = ["validate-act"]       # reserved actions that it may do at all (default none)
//! recipients_per_hour = 500        # (default as many as the server allows)
//! attachment_bytes_max = "25M"     # (default as large as the server allows)
//! read_only = "mild"               # IMAP: a folder to read only is opened as if it could be written (default "strict")
//! directory = ["agent"]            # profiles whose people it sees in the directory, or "*" (default none)
//! directory_groups = true          # and the groups (default false)
//! remote_zones = ["anywhere"]      # zones that need the account's remote access (default none)
//! send_to = "anyone"               # "anyone", "inside", "nobody" (default) or a list of domains: one allow rule of `send` in short
//! fresh_for = "10m"                # a second factor counts as fresh for so long (default 10m)
//!
//! [profile.agent.services]         # service -> zones from which it may be used; "*" is every zone
//! imap = ["*"]
//! submission = ["office"]
//!
//! [profile.agent.second_factor]    # zone (or "*": every other zone) -> what a protocol log-in needs there
//! office = "enrolment"             # the app password was made under a second factor
//! secured = "enrolment"
//! anywhere = "12h"                 # or "device": confirmed once from this network; or a time: confirmed no longer ago
//!
//! [[profile.agent.rule]]           # all allows are united, then all denies taken away
//! effect = "allow"                 # or "deny" (default "allow")
//! owner = "self"                   # whose collection: "self", "others" or "any" (default "any")
//! path = "mail/**"                 # area/path; areas: mail, calendars, contacts, files
//! rights = "lrswipkxtea"           # RFC 4314 section 2.1; 0, 1 and 2 are our own: move away, see busy times, send as the owner
//! zones = ["office"]               # only from there (default everywhere)
//! strength_min = "app-password"    # only at this strength of log-in or above: app-password, confirmed, fresh-second-factor
//!
//! [[profile.agent.rule]]
//! effect = "deny"
//! path = "files/**/Actes/**"       # `*`: within one segment; `**`: any number of segments, also none
//! rights = "wikxte"
//! strength_below = "fresh-second-factor"   # only below this strength
//!
//! [[profile.agent.action]]         # actions beyond folders, with effect and conditions as above
//! action = "send-as"               # "send" has `to`, "send-as" has `as`, "share" has `with`, "export" has none of them
//! as = ["*@douane.example"]        # or whole addresses, or "anyone"
//! zones = ["office"]
//!
//! [[profile.agent.action]]
//! effect = "deny"
//! action = "send"
//! to = ["rival.example"]           # or "anyone", "inside", "outside"
//!
//! [[profile.agent.action]]
//! action = "share"                 # without such a rule, nothing is shared with anybody
//! with = ["accounts", "profile:agent", "group:evaluation"]     # or "anyone" (all accounts at once), or "*" (each of these)
//! "#).unwrap();
//! assert_eq!(policy.zone_of(&octroi_policy::Origin { address: "10.1.2.3".parse().unwrap(), authorities: &[] }), "office");
//! ```
//!
//! Names are compared octet by octet: `Actes` and `actes` are two folders. Every zone from which a service may be used needs an
//! entry under `second_factor`, so that no zone is open by having been forgotten.
//!
//! Rights bring others along ([`Rights::implied`](octroi_model::Rights::implied)): whatever gives `r` gives `1`, what gives `t` and
//! `e` gives `0`; a deny rule that takes `r` takes `1`, one that takes `t` or `e` takes `0`.
//!
//! # Reserved actions
//!
//! Rules say what a profile may do with a folder; a reserved action says that some deeds are more than that, whoever owns the folder
//! and whatever rights they have. A deed that is one is withheld unless the profile lists it under `actions`, the session comes from
//! one of its zones and a second factor is recent enough. It narrows only: the rights are needed as well.

mod actions;
mod admit;
mod build;
mod condition;
mod decide;
mod directory;
mod error;
mod expectations;
mod explain;
mod pattern;
mod policy;
mod raw;
mod reserved;
mod second_factor;
mod units;
mod zones;

pub use actions::{Act, ActStep, Circumstances, NotPermitted, Sharee, permit};
pub use admit::{Admission, Evidence, Reason, Strength, admit, admit_at_portal};
pub use condition::Obstacle;
pub use decide::{Denied, Facts, Step, decide, effective, judge};
pub use directory::Directory;
pub use error::PolicyError;
pub use expectations::{Checked, Expectations};
pub use explain::{
    ActExplained, AdmissionExplained, Because, Explanation, RightExplained, RightsExplained, explain, explain_act, explain_admission,
    explain_rights,
};
pub use pattern::{PATTERN_BYTES_MAX, Pattern, PatternError};
pub use policy::{Area, Effect, Policy, Profile};
pub use raw::MeetsAs;
pub use reserved::{Deed, Lacking, Withheld, reserved};
pub use second_factor::{SecondFactor, SecondFactorError};
pub use zones::{ANYWHERE, Origin};
