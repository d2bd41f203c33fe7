"""The format of an export: its files, and how they are written, read and checked."""
