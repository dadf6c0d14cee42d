"""Turn charge lines into recognition schedules, and keep them current."""
