"""Compute the figures of reports with DuckDB, from schedule lines in a CSV file: ``python ... LINES.csv DAY``.

Prints for each report its figures in minor units, and the processor seconds of its query. Loading is not measured.
"""

import json
import sys
import time

import duckdb

COLUMNS = {
    "charge_no": "BIGINT", "date": "VARCHAR", "amount": "BIGINT", "posted": "BOOLEAN", "document": "VARCHAR",
    "item": "VARCHAR", "post_date": "VARCHAR", "price": "BIGINT", "seq": "BIGINT",
}  # fmt: skip
QUERIES = {
    "rollforward": """
        WITH units AS (
          SELECT document,
            sum(CASE WHEN seq = 1 AND post_date < $first THEN price ELSE 0 END)
              - sum(CASE WHEN posted AND date < $first THEN amount ELSE 0 END) AS opening,
            sum(CASE WHEN seq = 1 AND post_date BETWEEN $first AND $day THEN price ELSE 0 END) AS billed,
            sum(CASE WHEN posted AND date BETWEEN $first AND $day THEN amount ELSE 0 END) AS recognized
          FROM lines GROUP BY document)
        SELECT sum(opening), sum(billed), sum(least(greatest(opening, 0), recognized)), sum(recognized),
          sum(opening + billed - recognized)
        FROM units""",
    "waterfall": """
        SELECT substr(post_date, 1, 7), sum(amount),
          sum(CASE WHEN substr(date, 1, 7) = '2024-12' THEN amount ELSE 0 END),
          sum(CASE WHEN substr(date, 1, 7) = '2025-01' THEN amount ELSE 0 END),
          sum(CASE WHEN date > '2025-11-30' THEN amount ELSE 0 END),
          sum(CASE WHEN posted AND date <= $day THEN amount ELSE 0 END),
          sum(CASE WHEN posted AND date <= $day THEN 0 ELSE amount END)
        FROM lines WHERE post_date <= $day AND $first <> '' GROUP BY 1 ORDER BY 1""",
    "rpo": """
        SELECT sum(CASE WHEN date <= '2025-06-30' THEN amount ELSE 0 END),
          sum(CASE WHEN date > '2025-06-30' AND date <= '2025-12-31' THEN amount ELSE 0 END),
          sum(CASE WHEN date > '2025-12-31' THEN amount ELSE 0 END), sum(amount)
        FROM lines WHERE NOT (posted AND date <= $day) AND $first <> ''""",
    "revenue": """
        SELECT item, sum(amount) FROM lines WHERE posted AND date BETWEEN $first AND $day GROUP BY 1 ORDER BY 1""",
    "balance": """
        WITH contracts AS (
          SELECT document, sum(CASE WHEN seq = 1 AND post_date <= $day THEN price ELSE 0 END)
              - sum(CASE WHEN posted AND date <= $day THEN amount ELSE 0 END) AS balance
          FROM lines WHERE $first <> '' GROUP BY document)
        SELECT count(*), sum(greatest(-balance, 0)), sum(greatest(balance, 0)) FROM contracts WHERE balance <> 0""",
    "activity": """
        WITH sums AS (
          SELECT coalesce(sum(amount) FILTER (WHERE date < $first), 0) AS opening,
            coalesce(sum(amount) FILTER (WHERE date >= $first), 0) AS moved
          FROM lines WHERE posted AND date <= $day)
        SELECT '2400', opening, moved, 0, opening + moved FROM sums
        UNION ALL SELECT '4000', -opening, 0, moved, -opening - moved FROM sums""",
    "tie-out": """
        WITH sums AS (
          SELECT count(*) FILTER (WHERE seq = 1) AS charges, sum(price) FILTER (WHERE seq = 1) AS accepted,
            coalesce(sum(price) FILTER (WHERE seq = 1 AND post_date <= $day), 0) AS billed,
            count(*) AS lines, sum(amount) AS dated,
            count(*) FILTER (WHERE posted) AS posted_lines, sum(amount) FILTER (WHERE posted) AS posted
          FROM lines WHERE $first <> '')
        SELECT 'accepted, as billed', charges, accepted FROM sums
        UNION ALL SELECT 'dated', lines, dated FROM sums
        UNION ALL SELECT 'posted', posted_lines, posted FROM sums
        UNION ALL SELECT 'recognized by journal lines', posted_lines, posted FROM sums
        UNION ALL SELECT 'rollforward: closing', NULL, billed - posted FROM sums""",
    "late": """
        SELECT substr(date, 1, 7), sum(amount), sum(amount) FROM lines
        WHERE posted AND substr(date, 1, 7) = strftime(CAST($first AS DATE) - 1, '%Y-%m') AND $day <> '' GROUP BY 1""",
    "forecast": """
        SELECT item, sum(amount), coalesce(sum(amount) FILTER (WHERE posted), 0) FROM lines
        WHERE date BETWEEN $first AND $day GROUP BY 1""",
    "journal": """
        SELECT 2 * count(*), sum(amount) FROM lines WHERE posted AND date BETWEEN $first AND $day""",
}


def main(path: str, day: str) -> None:
    """Print the figures and the processor seconds of each query."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute(f"CREATE TABLE lines AS SELECT * FROM read_csv(?, header = false, columns = {COLUMNS})", [path])
    found = {}
    for name, query in QUERIES.items():
        begun = time.process_time()
        rows = connection.execute(query, {"first": f"{day[:8]}01", "day": day}).fetchall()
        took = time.process_time() - begun
        figures = [[one if one is None or isinstance(one, str) else int(one) for one in row] for row in rows]
        found[name] = {"cpu": took, "figures": sorted(figures)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
