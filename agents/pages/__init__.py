"""Folders of results as pages for a browser, each a file that holds all that it needs and asks nothing of any host.

``report.html`` stands in the folder of every run, evaluation, tournament and experiment, made of the records that are
there: verdict and certificate first, then curves, tables, thresholds, episodes to look at, and how to make it again.
"""
