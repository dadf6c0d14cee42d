"""Adjusting entries: journal entries about a balance on a day, posted by the same protocol as other entries."""
