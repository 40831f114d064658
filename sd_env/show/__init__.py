"""Showing a world to people: text here; pictures and replays beside it."""
