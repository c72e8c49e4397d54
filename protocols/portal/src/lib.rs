//! Portal: sign-in, second factor, app passwords.
