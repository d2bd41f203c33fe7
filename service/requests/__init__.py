"""What a request carries: forms, JSON, base64 pictures, query parameters and page cursors."""
