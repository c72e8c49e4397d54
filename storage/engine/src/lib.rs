//! The store: change journal, index behind it, views in memory.
