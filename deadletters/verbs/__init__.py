"""What people do about dead letters: one verb a file. API and console call the same functions."""
