"""A guided half hour: six steps with a prediction asked before each answer, as one page that needs no network."""
