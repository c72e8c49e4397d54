"""When the events of calendars are, by recurring-ical-events: paths of files in, a line of start/end (seconds) or a fault out for each."""

import datetime
import sys
from pathlib import Path

import icalendar
import recurring_ical_events

UTC = datetime.timezone.utc
START, END = datetime.datetime(2015, 1, 1, tzinfo=UTC), datetime.datetime(2022, 1, 1, tzinfo=UTC)


def seconds(moment):
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime(moment.year, moment.month, moment.day)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


for line in sys.stdin:
    try:
        calendar = icalendar.Calendar.from_ical(Path(line.rstrip("\n")).read_bytes())
        events = recurring_ical_events.of(calendar, skip_bad_series=True, components=["VEVENT"]).between(START, END)
        times = [(seconds(event["DTSTART"].dt), seconds(event.get("DTEND", event["DTSTART"]).dt)) for event in events]
        print(" ".join(f"{start}/{end}" for start, end in sorted(times)))
    except Exception as fault:  # Whatever it is, it has no answer.
        print("!", type(fault).__name__)
