"""The script that a team would write with pandas: 12 monthly parts per line into SQLite, without any check."""

import sqlite3
import sys

import numpy
import pandas

PARTS = 12


def write(charges: str, database: str) -> int:
    """Write the schedule lines of a file of charge lines; return their number."""
    lines = pandas.read_csv(charges, parse_dates=["post_date"])
    cents = (lines["amount"] * 100).round().astype("int64").to_numpy()
    seq = numpy.arange(1, PARTS + 1)
    cumulative = (2 * cents[:, None] * seq + PARTS) // (2 * PARTS)
    amounts = numpy.diff(cumulative, axis=1, prepend=0)
    months = [lines["post_date"] + pandas.Timedelta(days=7) + pandas.DateOffset(months=int(month)) for month in seq - 1]
    dates = numpy.stack([month.dt.strftime("%Y-%m-%d").to_numpy() for month in months], axis=1)
    charge = lines["source"] + "/" + lines["document"] + "/" + lines["line"].astype(str)
    schedule = pandas.DataFrame(
        {
            "charge": numpy.repeat(charge.to_numpy(), PARTS),
            "seq": numpy.tile(seq, len(lines)),
            "date": dates.ravel(),
            "amount": amounts.ravel(),
        }
    )
    with sqlite3.connect(database) as connection:
        lines.assign(amount=cents).astype({"post_date": str}).to_sql("charge_line", connection, index=False)
        schedule.to_sql("schedule_line", connection, index=False)
    connection.close()
    return len(schedule)


if __name__ == "__main__":
    import measured

    measured.show(lambda: write(*sys.argv[1:3]), measured.size_of(sys.argv[2]))
