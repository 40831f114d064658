"""Those who play the game of :mod:`sd_env`: policies, the seats that learners take, training and evaluation.

``sd_env`` never imports this package; torch and stable-baselines3 are used only here.
"""
