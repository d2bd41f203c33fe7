"""Large galleries of synthetic faces in PostgreSQL, and what a search of them must answer first."""
