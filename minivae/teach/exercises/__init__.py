"""What `check` knows of each lesson: its exercises, their answers, and the slips that people make."""
