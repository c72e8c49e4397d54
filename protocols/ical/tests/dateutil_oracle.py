"""The times of rules by python-dateutil: a line of start, rule and last time in, a line of times (or a fault) out."""

import itertools
import sys
import types
from datetime import datetime

import dateutil.rrule
from dateutil.rrule import rrulestr

# A rule that has no more times is followed to this year, which is 9999 otherwise: for minutes.
calendar = types.ModuleType("datetime")
calendar.__dict__.update(dateutil.rrule.datetime.__dict__)
dateutil.rrule.datetime = calendar

FORMAT = "%Y%m%dT%H%M%S"

for line in sys.stdin:
    start, rule, to, most = line.rstrip("\n").split("\t")
    to = datetime.strptime(to, FORMAT)
    calendar.MAXYEAR = to.year
    try:
        times = iter(rrulestr(rule, dtstart=datetime.strptime(start, FORMAT)))
        times = itertools.takewhile(lambda time: time <= to, itertools.islice(times, int(most)))
        print(" ".join(time.strftime("%Y%m%dT%H%M%S") for time in times))
    except ValueError as fault:
        print("!", str(fault).replace("\n", " "))
