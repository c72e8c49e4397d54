//! Log-in, sessions, grants, envelopes and audit: the only way to the data.
