//! Who may do what, from where, and how sure we must be of them: profiles and zones, and two pure functions over them.
//!
//! [`admit`] says whether a log-in opens; [`decide`] whether an act on a collection is allowed; [`explain`] is the same decision
//! with the rule behind each step; [`may_send_to`] whom a submission may reach. Called by `gate` only. No I/O and no clock: the
//! text of the profiles file and the time come in as arguments. What always holds: nothing matched is nothing allowed; a deny
//! rule beats every allow rule, wherever it stands; an unknown profile or zone has no rights at all.
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
//! [profile.agent]
//! description = "Officer of the directorate"
//! portal = true                    # may sign in to the portal (default false)
//! remote_zones = ["anywhere"]      # zones that need the account's remote access (default none)
//! send_to = "anyone"               # "anyone", "inside", "nobody" (default) or a list of domains
//! fresh_for = "10m"                # a second factor counts as fresh for so long (default 10m)
//!
//! [profile.agent.services]         # service -> zones from which it may be used; "*" is every zone
//! imap = ["*"]
//! submission = ["office"]
//!
//! [profile.agent.second_factor]    # zone (or "*": every other zone) -> what a protocol log-in needs there
//! office = "enrolment"             # the app password was made under a second factor
//! anywhere = "12h"                 # or "device": confirmed once from this network; or a time: confirmed no longer ago
//!
//! [[profile.agent.rule]]           # all allows are united, then all denies taken away
//! effect = "allow"                 # or "deny" (default "allow")
//! owner = "self"                   # whose collection: "self", "others" or "any" (default "any")
//! path = "mail/**"                 # area/path; areas: mail, calendars, contacts, files
//! rights = "lrswipkxtea"           # RFC 4314 section 2.1
//! zones = ["office"]               # only from there (default everywhere)
//! strength_min = "app-password"    # only at this strength of log-in or above: app-password, confirmed, fresh-second-factor
//!
//! [[profile.agent.rule]]
//! effect = "deny"
//! path = "files/**/Actes/**"       # `*`: within one segment; `**`: any number of segments, also none
//! rights = "wikxte"
//! strength_below = "fresh-second-factor"   # only below this strength
//! "#).unwrap();
//! assert_eq!(policy.zone_of("10.1.2.3".parse().unwrap()), "office");
//! ```
//!
//! Names are compared octet by octet: `Actes` and `actes` are two folders. Every zone from which a service may be used needs an
//! entry under `second_factor`, so that no zone is open by having been forgotten.

mod admit;
mod build;
mod decide;
mod error;
mod pattern;
mod policy;
mod raw;

pub use admit::{Admission, Evidence, Reason, Strength, admit};
pub use decide::{Denied, Explanation, Facts, Obstacle, Step, decide, effective, explain, judge};
pub use error::PolicyError;
pub use pattern::{PATTERN_BYTES_MAX, Pattern, PatternError};
pub use policy::{ANYWHERE, Area, Effect, Policy, Profile, SecondFactor, SendTo, may_send_to};
