"""Scenarios: what happens to a simulated installation, when, and what has to follow.

`document` reads YAML with the place of every key, `schema` the form of a file,
`vocabulary` what may be done and expected. `installation` is a gateway with simulated
meters whose time `timeline` gives; `runner` lets a file happen to it. docs/scenarios.md
is for those who write files.
"""
