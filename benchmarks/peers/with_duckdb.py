"""DuckDB, from CSV to Parquet: the least that a column store needs for 12 monthly parts per line."""

import sys

import duckdb

QUERY = """
COPY (
  WITH lines AS (
    SELECT source || '/' || document || '/' || line AS charge, CAST(post_date AS DATE) AS day,
      CAST(round(amount * 100) AS BIGINT) AS cents
    FROM read_csv('{charges}')
  )
  SELECT charge, seq, day + INTERVAL 7 DAY + INTERVAL (seq - 1) MONTH AS date,
    (2 * cents * seq + 12) // 24 - (2 * cents * (seq - 1) + 12) // 24 AS amount
  FROM lines CROSS JOIN range(1, 13) AS parts(seq)
) TO '{target}' (FORMAT PARQUET)
"""


def write(charges: str, target: str) -> int:
    """Write the schedule lines of a file of charge lines; return their number."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(QUERY.format(charges=charges, target=target))
        return int(connection.execute(f"SELECT count(*) FROM read_parquet('{target}')").fetchall()[0][0])


if __name__ == "__main__":
    import measured

    measured.show(lambda: write(*sys.argv[1:3]), measured.size_of(sys.argv[2]))
