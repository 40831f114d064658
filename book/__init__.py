"""The book: the site that mkdocs makes of ``docs/``, with pages generated from the scenarios, results and modules.

``mkdocs.yml`` names :mod:`book.hooks`, which hands mkdocs the generated pages. Needs the extra ``docs``; the packages
``sd_env`` and ``agents`` never import it.
"""
