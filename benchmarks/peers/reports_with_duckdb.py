"""Compute the figures of four reports with DuckDB, from schedule lines in a CSV file: ``python ... LINES.csv DAY``.

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
        figures = [[one if isinstance(one, str) else int(one) for one in row] for row in rows]
        found[name] = {"cpu": took, "figures": sorted(figures)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
