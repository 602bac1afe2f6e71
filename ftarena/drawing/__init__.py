"""Text as a picture: styled pieces, wrapped rows, curves in braille; for full screen and for line mode."""
