"""Is this function right? Laws, known answers, and models whose evidence is exact."""
