"""The REST API of the gateway administrator, `/gwa/v1` (R89, R91)."""
