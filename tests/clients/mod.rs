//! Other people's programs, used as their users use them, against a running server.
//!
//! A program that is not installed fails its test: `./test` installs what Debian and PyPI offer.

mod caldav;
mod caldav_suite;
mod compress;
mod curl;
mod evolution;
mod gsasl;
mod gvfs;
mod libreoffice;
mod litmus;
mod mbsync;
mod mounted;
mod neomutt;
mod offlineimap;
mod outbound;
mod proxies;
mod python;
mod rclone;
mod shares;
mod sieve_connect;
mod swaks;
mod vdirsyncer;
mod zones;
