"""Training: experiments as YAML, stable-baselines3 learners, checkpoints and resuming."""
