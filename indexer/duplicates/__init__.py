"""People who are enrolled twice: a check of each enrolment, and a search of a whole gallery against itself.

Below the use cases, because an enrolment runs the check within its transaction.
"""
