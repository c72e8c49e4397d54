//! WebDAV and CalDAV methods.
