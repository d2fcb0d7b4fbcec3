"""Django's database back end for PostgreSQL with a schema for each gateway."""
