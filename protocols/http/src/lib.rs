//! HTTP over TLS: listener, credentials, routing.
