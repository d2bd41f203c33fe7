"""Error rates of groups of people at one threshold, and the ratio of the worst group to the best."""
