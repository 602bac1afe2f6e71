"""From text and numbers to rows of characters: pure functions, no Textual, tested without a terminal."""
