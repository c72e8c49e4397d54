//! SMTP, submission, LMTP and the outbound queue.
