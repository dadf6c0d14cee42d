"""Set up, check, back up and restore an installation."""
