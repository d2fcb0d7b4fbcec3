"""Django's SQLite back end over SQLCipher: the file is encrypted (decisions D36)."""
