"""Filters of people: the language of clients, and the queries that find whom a filter selects."""
