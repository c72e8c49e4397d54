//! Messages: bytes to facts.
