"""Who sits where and how policies are played in worlds; nothing of learning, and nothing of torch."""
