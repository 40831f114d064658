"""The commands of ``sd-env``: a module each, with ``HELP``, ``add_arguments(parser)`` and ``run(args) -> int``.

A module imports what is heavy inside ``run`` only.
"""
