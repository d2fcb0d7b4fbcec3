"""Simulated meters behind a link: for tests, and for the demo installation."""
