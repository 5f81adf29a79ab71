"""The pages on which people decide: forms, cards, the inbox, many at once. Each verb calls its operation."""
