//! iCalendar and vCard: lossless content lines and facts.
