"""What is raised of a policy: the game's own class, which it needs without knowing of agents."""

from sd_env.policies import PolicyError

__all__ = ["PolicyError"]
