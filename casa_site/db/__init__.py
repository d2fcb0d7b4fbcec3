"""Database back ends of our own."""
