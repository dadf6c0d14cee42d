"""The simulated company: its records, settings, sign-in and storage."""
