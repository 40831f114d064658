"""What makes docs/results: the science, the reference tables, and their pictures."""
