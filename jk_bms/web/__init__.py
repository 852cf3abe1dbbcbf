"""The page: what the owner and his family see in a browser, and what other programs ask by HTTP."""
