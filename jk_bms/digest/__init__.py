"""The story of a day: facts, local text, and the model that may phrase it."""
