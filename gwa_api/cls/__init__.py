"""The CLS proxy: from a device in the house, through the gateway, to its EMT."""
