"""How fast sd-env is, measured beside other environments: ``python -m benchmarks.run`` or ``make bench``."""
