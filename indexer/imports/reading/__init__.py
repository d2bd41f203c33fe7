"""Reads what an import gets, as files with their people: uploads, ZIP archives, NDJSON lines, folders."""
