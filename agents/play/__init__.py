"""People at the game: in the terminal (``sd-env play``), and at a page for one or for a class (``sd-env serve``).

``game`` is one episode that people and policies play together, without any input or output; ``view`` what one state
sees of it, made of that state's observation and of nothing else, and ``words`` what its choices mean. ``terminal``
asks for choices by lines. ``store`` keeps games in a file, ``lessons`` makes and finds them by secret keys, ``guard``
and ``server`` are the door to the network, and ``page/`` is what a browser shows.
"""
