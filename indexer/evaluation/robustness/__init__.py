"""What degraded photographs cost: the rates of identification by kind and level of degradation."""
