"""What the bot shows, as pure functions: the state of the house in, a page of text and buttons out."""
