//! Profiles and zones: two pure functions, admit and decide.
