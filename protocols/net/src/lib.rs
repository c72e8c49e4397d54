//! Accept loops, TLS, deadlines, framing and limits.
