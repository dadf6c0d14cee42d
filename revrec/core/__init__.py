"""The pure core of revrec: money, charge lines, rules, schedules, journal entries. No I/O, no clock."""
