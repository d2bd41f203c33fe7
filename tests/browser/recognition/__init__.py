"""The pages that recognise people: Try it, Identify, Verify."""
