"""What one can show with gradient checks and laws: pencil, zoo, units, estimators, rounding, parity, timing."""
