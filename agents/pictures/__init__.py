"""Pictures of episodes, of responses to arms and of scenarios, each from a record: PNG and SVG, without a date."""
