"""The limits of an API key, which hold for all serving processes together."""
