"""Files of weights: who publishes them, where they lie, how they are fetched and verified."""
