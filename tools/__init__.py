"""Tools of those who work on sd-env: run from a checkout, not installed."""
