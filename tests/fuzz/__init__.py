"""Fuzzing of everything that reads bytes from a meter, a stick or an optical head."""
