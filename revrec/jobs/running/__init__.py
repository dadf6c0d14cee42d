"""Run a day: post what is due, report the result, send alerts."""
