"""Sign-ins of the console: an API key is exchanged for a cookie that ends soon."""
